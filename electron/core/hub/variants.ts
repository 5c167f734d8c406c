import type { Offer } from '../../../shared/models.ts';
import { refusalOf } from './fileKinds.ts';
import { foldedPath, pathFault } from './filePath.ts';
import { onnxVariants } from './onnxVariants.ts';
import type { HubFile, HubVariant } from './repository.ts';
import { checkpointVariants, diffusersVariants } from './safetensorsVariants.ts';

/** Refusals that are told: a list a person can read. */
const mostRefused = 100;

/**
 * What of a repository can be taken, and in which ways, best first: a file the address points to; half precision before
 * full, for it is half the download and half the memory; then ONNX, diffusers' folders, checkpoints.
 * @param asked path of a file the address points to.
 */
export function chooseVariants(files: readonly HubFile[], asked: string | null): { variants: HubVariant[]; refused: Offer['refused'] } {
  const { safe, refused } = sift(files);
  const found = [onnxVariants(safe), diffusersVariants(safe), checkpointVariants(safe, asked)];
  refused.push(...found.flatMap((kind) => kind.refused));
  const isHalf = ({ id }: HubVariant): boolean => /fp16|float16|half/i.test(id);
  const isAsked = ({ files: own }: HubVariant): boolean => asked !== null && own.some(({ path }) => path === asked);
  const unique = [...new Map(found.flatMap(({ variants }) => variants).map((variant) => [variant.id, variant])).values()];
  const rank = (variant: HubVariant): number => (isAsked(variant) ? 0 : isHalf(variant) ? 1 : 2);
  return { variants: unique.sort((a, b) => rank(a) - rank(b)), refused: refused.slice(0, mostRefused) };
}

/** Only data files under paths that are safe on every system, and no two that are one file on some. */
function sift(files: readonly HubFile[]): { safe: HubFile[]; refused: Offer['refused'] } {
  const safe: HubFile[] = [];
  const refused: Offer['refused'] = [];
  const taken = new Set<string>();
  for (const file of files) {
    const reason = pathFault(file.path) ?? refusalOf(file.path) ?? (taken.has(foldedPath(file.path)) ? 'another file has the same name but for capitals' : null);
    if (reason !== null) {
      // A name made to confuse is not repeated as it is.
      refused.push({ path: JSON.stringify(file.path.slice(0, 200)).slice(1, -1), reason });
      continue;
    }
    taken.add(foldedPath(file.path));
    safe.push(file);
  }
  return { safe, refused };
}
