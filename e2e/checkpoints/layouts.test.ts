import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CheckpointOptions } from '../../electron/engine/graph/checkpointOptions.ts';
import { openCheckpoint } from '../../electron/engine/graph/openCheckpoint.ts';
import { tensorsOf, under } from '../../electron/engine/graph/readers/namedTensors.ts';
import { readSafetensors } from '../../electron/engine/graph/readers/safetensors.ts';
import { vaeTensors } from '../../electron/engine/graph/readers/ldmVae.ts';
import { draw, relative } from './draw.ts';
import { type CheckpointVariant, clipMerges, goldenOf, singleTensors, writeFolder, writeSingle, writeTokenizers } from './fixtures.ts';
import { type TensorToWrite, writeSafetensors } from './writeSafetensors.ts';

/** The same weights in the other shapes people's files have: every one has to give diffusers' picture of the plain file. */
let place: string;
let options: CheckpointOptions;
beforeAll(async () => {
  place = await mkdtemp(path.join(tmpdir(), 'stopbath-layouts-'));
  const tokenizers = await writeTokenizers('sd1', path.join(place, 'tokenizers'));
  options = { store: path.join(place, 'store'), vocabulary: clipMerges, tokenizers };
});
afterAll(() => rm(place, { recursive: true, force: true }));

async function difference(source: string, variant: CheckpointVariant, layout: 'single' | 'folder', more: Partial<CheckpointOptions> = {}): Promise<number> {
  const { folder } = await openCheckpoint(source, { ...options, ...more });
  return relative((await draw(folder, variant)).latents, goldenOf(variant, layout).latents);
}

let files = 0;
async function single(change: (tensors: TensorToWrite[]) => TensorToWrite[]): Promise<string> {
  const own = path.join(place, String(++files));
  await mkdir(own);
  return writeSingle('sd1', own, change);
}

/** Keeps the values of the old name. */
const renamed = (tensors: readonly TensorToWrite[], change: (name: string) => string): TensorToWrite[] =>
  tensors.map((tensor) => ({ ...tensor, name: change(tensor.name), seedName: tensor.name }));
const isVae = ({ name }: TensorToWrite): boolean => name.startsWith('first_stage_model.');
const withoutVae = (tensors: readonly TensorToWrite[]): TensorToWrite[] => tensors.filter((tensor) => !isVae(tensor));

async function vaeFile(name: string, tensors: readonly TensorToWrite[]): Promise<string> {
  const file = path.join(place, name);
  await writeSafetensors(file, tensors);
  return file;
}

describe('single files', () => {
  it('a header of any length: data on odd bytes', async () => {
    const file = path.join(place, 'odd.safetensors');
    const offset = async (): Promise<number> => (await readSafetensors(file)).tensors.get('model.diffusion_model.out.2.weight')?.offset ?? 0;
    // One letter more moves all data by one byte.
    for (const padding of ['', 'x']) {
      await writeSafetensors(file, singleTensors('sd1').filter(({ type }) => type !== 'I64'), { padding });
      if ((await offset()) % 2 === 1) break;
    }
    expect((await offset()) % 2).toBe(1);
    expect(await difference(file, 'sd1', 'single')).toBeLessThanOrEqual(1e-4);
  });

  it('another prefix of the VAE', async () => {
    const file = await single((tensors) => renamed(tensors, (name) => name.replace(/^first_stage_model\./, 'vae.')));
    expect(await difference(file, 'sd1', 'single')).toBeLessThanOrEqual(1e-4);
  });

  it('text names without text_model', async () => {
    const file = await single((tensors) => renamed(tensors, (name) => name.replace('transformer.text_model.', 'transformer.')));
    expect(await difference(file, 'sd1', 'single')).toBeLessThanOrEqual(1e-4);
  });

  it('what training leaves behind', async () => {
    const more: TensorToWrite[] = [
      { name: 'betas', type: 'F32', shape: [1000] },
      { name: 'model_ema.decay', type: 'F32', shape: [] },
      { name: 'first_stage_model.loss.discriminator.main.0.weight', type: 'F32', shape: [4, 3] },
      { name: 'cond_stage_model.logit_scale', type: 'F32', shape: [] },
    ];
    expect(await difference(await single((tensors) => [...tensors, ...more]), 'sd1', 'single')).toBeLessThanOrEqual(1e-4);
  });

  it('averaged weights beside the last ones, which are taken, and on request they', async () => {
    // The averages have the values of the plain file, the last ones are others.
    const file = await single((tensors) =>
      tensors.flatMap((tensor) => {
        const [, rest] = /^model\.diffusion_model\.(.+)$/.exec(tensor.name) ?? [];
        if (rest === undefined) return [tensor];
        return [
          { ...tensor, seedName: `other.${tensor.name}` },
          { ...tensor, name: `model_ema.diffusion_model${rest.replaceAll('.', '')}`, seedName: tensor.name },
        ];
      }),
    );
    const opened = await openCheckpoint(file, options);
    expect(opened.facts.hasEma).toBe(true);
    expect(opened.problems.map(({ kind }) => kind)).toContain('ema-not-used');
    expect(await difference(file, 'sd1', 'single')).toBeGreaterThan(0.01);
    expect(await difference(file, 'sd1', 'single', { overrides: { useEma: true } })).toBeLessThanOrEqual(1e-4);
  });
});

describe('a VAE of its own', () => {
  it('of the original layout, with its prefix and without', async () => {
    const own = singleTensors('sd1').filter(isVae);
    const source = await single(withoutVae);
    for (const [name, change] of [['whole', (one: string) => one], ['bare', (one: string) => one.replace('first_stage_model.', '')]] as const) {
      const vae = await vaeFile(`${name}.vae.safetensors`, renamed(own, change));
      expect(await difference(source, 'sd1', 'single', { vae }), name).toBeLessThanOrEqual(1e-4);
    }
  });

  it("of diffusers' layout, of today and of 2022", async () => {
    const whole = await readSafetensors(await writeSingle('sd1', place));
    const today = [...vaeTensors(under(tensorsOf(whole), 'first_stage_model.'))].map(([name, { type, dims, storedAs }]) => ({ name, type, shape: dims, seedName: storedAs }));
    const old = { to_q: 'query', to_k: 'key', to_v: 'value', 'to_out.0': 'proj_attn' };
    const source = await single(withoutVae);
    for (const [name, tensors] of [
      ['today', today],
      ['old', today.map((tensor) => ({ ...tensor, name: Object.entries(old).reduce((text, [now, then]) => text.replace(`attentions.0.${now}.`, `attentions.0.${then}.`), tensor.name) }))],
    ] as const) {
      const vae = await vaeFile(`${name}.diffusers.safetensors`, tensors);
      expect(await difference(source, 'sd1', 'single', { vae }), name).toBeLessThanOrEqual(1e-4);
    }
  });

  it('takes the place of the one in the checkpoint', async () => {
    const source = await single((tensors) => tensors.map((tensor) => (isVae(tensor) ? { ...tensor, seedName: `other.${tensor.name}` } : tensor)));
    const vae = await vaeFile('right.safetensors', singleTensors('sd1').filter(isVae));
    const wrong = await draw((await openCheckpoint(source, options)).folder, 'sd1');
    const right = await draw((await openCheckpoint(source, { ...options, vae })).folder, 'sd1');
    const { picture } = goldenOf('sd1', 'single');
    expect(Buffer.compare(right.picture, wrong.picture)).not.toBe(0);
    expect(right.picture.reduce((most, value, index) => Math.max(most, Math.abs(value - (picture[index] ?? 0))), 0)).toBeLessThanOrEqual(1);
  });
});

describe('folders', () => {
  it('a UNet in shards', async () => {
    const own = path.join(place, 'shards');
    const source = await writeFolder('sd1', own);
    const file = path.join(source, 'unet/diffusion_pytorch_model.safetensors');
    const { tensors } = await readSafetensors(file);
    const map = Object.fromEntries([...tensors.keys()].map((name, index) => [name, `diffusion_pytorch_model-0000${(index % 3) + 1}-of-00003.safetensors`]));
    for (const shard of new Set(Object.values(map))) {
      const inside = [...tensors].filter(([name]) => map[name] === shard);
      await writeSafetensors(path.join(source, 'unet', shard), inside.map(([name, { type, shape }]) => ({ name, type, shape })));
    }
    await rm(file);
    await writeFile(`${file}.index.json`, JSON.stringify({ metadata: { total_size: 1 }, weight_map: map }));
    expect(await difference(source, 'sd1', 'folder')).toBeLessThanOrEqual(1e-4);
  });

  it('files of the fp16 variant, as links into a cache', async () => {
    const source = await writeFolder('sd1', path.join(place, 'cached'));
    const blobs = path.join(place, 'cached', 'blobs');
    await mkdir(blobs);
    for (const [part, stem] of [['unet', 'diffusion_pytorch_model'], ['vae', 'diffusion_pytorch_model'], ['text_encoder', 'model']] as const) {
      await rename(path.join(source, part, `${stem}.safetensors`), path.join(blobs, part));
      await symlink(path.join('../../blobs', part), path.join(source, part, `${stem}.fp16.safetensors`));
    }
    expect(await difference(source, 'sd1', 'folder')).toBeLessThanOrEqual(1e-4);
  });
});
