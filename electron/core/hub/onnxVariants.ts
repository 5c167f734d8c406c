import type { HubFile, HubVariant, WantedFile } from './repository.ts';
import { fileKind } from './fileKinds.ts';
import { finish, inFolder, nameOf, type FoundVariants } from './variantParts.ts';

const encoders = ['text_encoder', 'text_encoder_2'] as const;
const graphParts = [...encoders, 'unet', 'vae_decoder', 'vae_encoder'] as const;
const configFolders = ['tokenizer', 'tokenizer_2', 'scheduler'] as const;

/**
 * Every complete set of ONNX graphs: a folder with `unet/model*.onnx` in it is one, wherever it lies; `model_fp16.onnx`
 * beside `model.onnx` is another. Configurations that such a folder lacks are taken from the repository's own top.
 */
export function onnxVariants(files: readonly HubFile[]): FoundVariants {
  const variants: HubVariant[] = [];
  const refused: FoundVariants['refused'] = [];
  for (const file of files) {
    const match = /^(.*\/)?unet\/model([._-][^/]*)?\.onnx$/.exec(file.path);
    if (match === null) continue;
    const root = match[1] ?? '';
    const suffix = match[2] ?? '';
    const parts = new Map(graphParts.map((part) => [part, graphOf(files, `${root}${part}/`, suffix)]));
    const missing = [...(encoders.some((part) => parts.get(part)?.length) ? [] : ['text_encoder']), ...(parts.get('vae_decoder')?.length ? [] : ['vae_decoder'])];
    if (missing.length > 0) {
      refused.push({ path: file.path, reason: `its ${missing.join(' and ')} is missing` });
      continue;
    }
    const name = [...root.split('/'), suffix.replace(/^[._-]/, '')].filter((word) => word !== '').join('-');
    variants.push(
      finish({
        id: name === '' ? 'onnx' : `onnx-${name}`,
        label: name === '' ? 'ONNX' : `ONNX, ${name}`,
        origin: 'onnx',
        files: [...[...parts.values()].flat(), ...configsOf(files, root, graphParts)],
      }),
    );
  }
  return { variants, refused };
}

/** A part's graph and its external data. Data that bears no graph's name in that folder belongs to each of them. */
function graphOf(files: readonly HubFile[], folder: string, suffix: string): WantedFile[] {
  const here = inFolder(files, folder);
  const stems = here.filter(({ path }) => fileKind(path) === 'graph').map(({ path }) => nameOf(path).replace(/\.onnx$/i, ''));
  const stem = stems.includes(`model${suffix}`) ? `model${suffix}` : 'model';
  if (!stems.includes(stem)) return [];
  return here.flatMap((file): WantedFile[] => {
    const name = nameOf(file.path);
    const part = folder.split('/').at(-2) ?? '';
    if (name === `${stem}.onnx`) return [{ ...file, to: `${part}/model.onnx` }];
    if (fileKind(name) !== 'weights' || name.endsWith('.safetensors')) return [];
    const owner = stems.filter((other) => name.startsWith(`${other}.`)).sort((a, b) => b.length - a.length)[0];
    // The graph names its data: that name must stay.
    return owner === undefined || owner === stem ? [{ ...file, to: `${part}/${name}` }] : [];
  });
}

/** `model_index.json`, tokenizers, scheduler and each part's own configuration. */
export function configsOf(files: readonly HubFile[], root: string, parts: readonly string[]): WantedFile[] {
  const found: WantedFile[] = [];
  for (const folder of [...configFolders, ...parts, '']) {
    const wanted = (base: string): WantedFile[] =>
      inFolder(files, `${base}${folder === '' ? '' : `${folder}/`}`)
        .filter(({ path }) => fileKind(path) === 'config' && !nameOf(path).includes('.index.'))
        .filter(({ path }) => folder !== '' || nameOf(path) === 'model_index.json')
        .map((file) => ({ ...file, to: `${folder === '' ? '' : `${folder}/`}${nameOf(file.path)}` }));
    const own = wanted(root);
    found.push(...(own.length > 0 || root === '' ? own : wanted('')));
  }
  return found;
}
