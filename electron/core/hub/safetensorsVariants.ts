import { configsOf } from './onnxVariants.ts';
import type { HubFile, HubVariant, WantedFile } from './repository.ts';
import { finish, inFolder, nameOf, type FoundVariants } from './variantParts.ts';

/** Folder of a diffusers model -> the name its weights have there. */
const weightNames: Readonly<Record<string, string>> = {
  unet: 'diffusion_pytorch_model',
  vae: 'diffusion_pytorch_model',
  text_encoder: 'model',
  text_encoder_2: 'model',
};
const parts = Object.keys(weightNames);

/**
 * Folders in diffusers' layout, once as they are and once in half precision (`.fp16.safetensors`, which lose that word
 * in the model's folder). Where a part has no half-precision file, its full one is taken, as diffusers does.
 */
export function diffusersVariants(files: readonly HubFile[]): FoundVariants {
  const variants: HubVariant[] = [];
  const refused: FoundVariants['refused'] = [];
  for (const file of files) {
    const match = /^(.*\/)?unet\/diffusion_pytorch_model(\.fp16)?(?:-00001-of-\d{5})?\.safetensors$/.exec(file.path);
    if (match === null) continue;
    const root = match[1] ?? '';
    const suffix = match[2] ?? '';
    const weights = new Map(parts.map((part) => [part, weightsOf(files, root, part, suffix)]));
    const missing = [...(weights.get('text_encoder')?.length || weights.get('text_encoder_2')?.length ? [] : ['text_encoder']), ...(weights.get('vae')?.length ? [] : ['vae'])];
    if (missing.length > 0) {
      refused.push({ path: file.path, reason: `the .safetensors file of its ${missing.join(' and ')} is missing` });
      continue;
    }
    const name = [...root.split('/'), suffix.slice(1)].filter((word) => word !== '').join('-');
    variants.push(
      finish({
        id: name === '' ? 'diffusers' : `diffusers-${name}`,
        label: name === '' ? 'Diffusers folder' : `Diffusers folder, ${name}`,
        origin: 'diffusers',
        files: [...[...weights.values()].flat(), ...configsOf(files, root, parts)],
      }),
    );
  }
  return { variants, refused };
}

function weightsOf(files: readonly HubFile[], root: string, part: string, suffix: string): WantedFile[] {
  const stem = weightNames[part] ?? '';
  const here = inFolder(files, `${root}${part}/`);
  for (const ending of suffix === '' ? [''] : [suffix, '']) {
    const whole = here.find(({ path }) => nameOf(path) === `${stem}${ending}.safetensors`);
    if (whole !== undefined) return [{ ...whole, to: `${part}/${stem}.safetensors` }];
    const shards = here.filter(({ path }) => isShard(nameOf(path), `${stem}${ending}`));
    const count = Number(/-of-(\d{5})\./.exec(shards[0]?.path ?? '')?.[1] ?? 0);
    const index = here.find(({ path }) => [`${stem}.safetensors.index${ending}.json`, `${stem}${ending}.safetensors.index.json`].includes(nameOf(path)));
    if (count > 0 && shards.length === count && index !== undefined) {
      return [
        // The index names the shards: their names stay.
        ...shards.map((file) => ({ ...file, to: `${part}/${nameOf(file.path)}` })),
        { ...index, to: `${part}/${stem}.safetensors.index.json` },
      ];
    }
  }
  return [];
}

function isShard(name: string, stem: string): boolean {
  return name.startsWith(`${stem}-`) && /^-\d{5}-of-\d{5}\.safetensors$/.test(name.slice(stem.length));
}

/** Single .safetensors files at the repository's top, and the one an address points to. */
export function checkpointVariants(files: readonly HubFile[], asked: string | null): FoundVariants {
  const variants = files
    .filter(({ path }) => path.endsWith('.safetensors') && (!path.includes('/') || path === asked))
    .filter(({ path }) => path === asked || !/lora/i.test(path))
    .map((file) =>
      finish({
        id: `checkpoint:${file.path}`,
        label: `Checkpoint ${nameOf(file.path)}`,
        origin: 'checkpoint',
        files: [{ ...file, to: nameOf(file.path) }],
      }),
    );
  return { variants, refused: [] };
}
