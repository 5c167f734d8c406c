import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint, type OpenedCheckpoint } from '../../electron/engine/graph/openCheckpoint.ts';
import { recogniseFile } from '../../electron/engine/graph/readers/fileKind.ts';
import { readSafetensors } from '../../electron/engine/graph/readers/safetensors.ts';
import { type CheckpointVariant, checkpointVariants, clipMerges, singleTensors, writeFolder, writeTokenizers } from './fixtures.ts';
import { type TensorToWrite, writeSafetensors, writeSparse } from './writeSafetensors.ts';

/** What a file tells of itself. */
let place: string;
beforeAll(async () => {
  place = await mkdtemp(path.join(tmpdir(), 'stopbath-facts-'));
});
afterAll(() => rm(place, { recursive: true, force: true }));

let files = 0;
async function opened(variant: CheckpointVariant, change: (tensors: TensorToWrite[]) => TensorToWrite[], metadata?: Readonly<Record<string, string>>): Promise<OpenedCheckpoint> {
  const own = path.join(place, String(++files));
  await mkdir(own);
  const file = path.join(own, 'x.safetensors');
  const zeros = change(singleTensors(variant)).map((tensor) => ({ bytes: new Uint8Array(tensor.shape.reduce((product, side) => product * side, tensor.type === 'F32' ? 4 : tensor.type === 'I64' ? 8 : 2)), ...tensor }));
  await writeSafetensors(file, zeros, metadata);
  return openCheckpoint(file, { store: path.join(own, 'store'), vocabulary: clipMerges, tokenizers: await writeTokenizers(variant, own) });
}

const plain = (tensors: TensorToWrite[]): TensorToWrite[] => tensors;
const marker = (...names: string[]) => (tensors: TensorToWrite[]): TensorToWrite[] => [...tensors, ...names.map((name) => ({ name, type: 'F32', shape: [0] }))];

const expected: Readonly<Record<CheckpointVariant, object>> = {
  sd1: { family: 'sd1', tasks: ['text-to-image', 'image-to-image', 'inpaint'], defaultSize: { value: { width: 512, height: 512 }, certain: false } },
  'sd1-inpaint': { family: 'sd1', tasks: ['inpaint'], unetTypes: { F32: 684 } },
  sd2: { family: 'sd2', tasks: ['text-to-image', 'image-to-image', 'inpaint'], unetTypes: { BF16: 686 } },
  sdxl: { family: 'sdxl', tasks: ['text-to-image', 'image-to-image', 'inpaint'], defaultSize: { value: { width: 1024, height: 1024 }, certain: false } },
  'sdxl-refiner': { family: 'sdxl-refiner', tasks: ['image-to-image', 'inpaint'] },
};

describe.each(checkpointVariants)('%s', (variant) => {
  it('is recognised as a single file', async () => {
    const { facts } = await opened(variant, plain);
    expect(facts).toMatchObject({ name: 'x', layout: 'single-file', hasEma: false, hasGuidanceEmbedding: false, ...expected[variant] });
  });

  it('is recognised as a folder', async () => {
    const source = await writeFolder(variant, path.join(place, 'folders'), writeSparse);
    const { facts } = await openCheckpoint(source, { store: path.join(place, 'folder-store'), vocabulary: clipMerges });
    // Its config says the size.
    const defaultSize = { value: { width: 64, height: 64 }, certain: true };
    expect(facts).toMatchObject({ name: variant, layout: 'diffusers-folder', ...expected[variant], defaultSize });
    expect(facts.predictionType).toEqual({ value: variant === 'sd2' ? 'v_prediction' : 'epsilon', certain: true });
  });
});

describe('what the UNet predicts', () => {
  it.each<[string, CheckpointVariant, string[], Readonly<Record<string, string>>, string, boolean, boolean]>([
    ['is likely the noise', 'sdxl', [], {}, 'epsilon', false, false],
    ['by v_pred', 'sdxl', ['v_pred'], {}, 'v_prediction', true, false],
    ['by v_pred and ztsnr', 'sdxl', ['v_pred', 'ztsnr'], {}, 'v_prediction', true, true],
    ['by ModelSpec', 'sd1', [], { 'modelspec.prediction_type': 'v' }, 'v_prediction', true, false],
    ['by ModelSpec, the noise', 'sd2', [], { 'modelspec.prediction_type': 'epsilon' }, 'epsilon', true, false],
    ["by ModelSpec's architecture", 'sd2', [], { 'modelspec.architecture': 'stable-diffusion-v2-768-v' }, 'v_prediction', true, false],
    ['by what was trained', 'sd1', [], { ss_zero_terminal_snr: 'True' }, 'epsilon', false, true],
  ])('%s', async (_name, variant, markers, metadata, value, certain, zeroSnr) => {
    const { facts, folder } = await opened(variant, marker(...markers), metadata);
    expect(facts.predictionType).toEqual({ value, certain });
    expect(facts.zeroSnr).toEqual({ value: zeroSnr, certain: zeroSnr });
    const scheduler = JSON.parse(await readFile(path.join(folder, 'scheduler/scheduler_config.json'), 'utf8')) as Record<string, unknown>;
    expect(scheduler['prediction_type']).toBe(value);
    expect(scheduler['rescale_betas_zero_snr'] ?? false).toBe(zeroSnr);
  });

  /** The last transformer's first norm: its bias tells Stable Diffusion 2's kinds apart. */
  const bias = (deviation: number) => (tensors: TensorToWrite[]): TensorToWrite[] =>
    tensors.map((tensor) => {
      if (!tensor.name.endsWith('output_blocks.11.1.transformer_blocks.0.norm1.bias')) return tensor;
      const values = new Uint32Array(Float32Array.from({ length: 32 }, (_, index) => (index % 2 === 0 ? deviation : -deviation)).buffer);
      return { ...tensor, bytes: new Uint8Array(Uint16Array.from(values, (word) => word >>> 16).buffer) };
    });
  it.each([
    ['the noise where that bias is narrow', bias(0.0625), 'epsilon', 512],
    ['velocity where it is wide', bias(0.125), 'v_prediction', 768],
    ['velocity after so many steps', (tensors: TensorToWrite[]) => [...tensors, step(140_000n)], 'v_prediction', 768],
    ["the noise after the base's steps", (tensors: TensorToWrite[]) => [...bias(0.125)(tensors), step(875_000n)], 'epsilon', 512],
  ] as const)('of Stable Diffusion 2 is likely %s', async (_name, change, value, side) => {
    const { facts, problems } = await opened('sd2', change);
    expect(facts.predictionType).toEqual({ value, certain: false });
    expect(facts.defaultSize.value).toEqual({ width: side, height: side });
    expect(problems.map(({ kind }) => kind)).toEqual(['prediction-guessed']);
  });
  const step = (count: bigint): TensorToWrite => ({ name: 'global_step', type: 'I64', shape: [], bytes: new Uint8Array(BigInt64Array.of(count).buffer) });
});

it('takes the size from ModelSpec', async () => {
  const { facts, folder } = await opened('sd1', plain, { 'modelspec.resolution': '768x512' });
  expect(facts.defaultSize).toEqual({ value: { width: 768, height: 512 }, certain: true });
  expect(JSON.parse(await readFile(path.join(folder, 'unet/config.json'), 'utf8'))).toMatchObject({ sample_size: 96 });
  expect((await opened('sd1', plain, { 'modelspec.resolution': '7x../x' })).facts.defaultSize.certain).toBe(false);
});

it('says when a VAE has no encoder', async () => {
  const { facts, problems } = await opened('sd1', (tensors) => tensors.filter(({ name }) => !/^first_stage_model\.(encoder|quant_conv)/.test(name)));
  expect(facts.tasks).toEqual(['text-to-image']);
  expect(problems.map(({ kind }) => kind)).toEqual(['no-encoder']);
});

it('takes a model that is told its guidance scale', async () => {
  const { facts, folder } = await opened('sd1', (tensors) => [...tensors, { name: 'model.diffusion_model.time_embed.cond_proj.weight', type: 'F16', shape: [32, 16] }]);
  expect(facts.hasGuidanceEmbedding).toBe(true);
  expect(JSON.parse(await readFile(path.join(folder, 'unet/config.json'), 'utf8'))).toMatchObject({ time_cond_proj_dim: 16 });
  expect(JSON.parse(await readFile(path.join(folder, 'scheduler/scheduler_config.json'), 'utf8'))).toMatchObject({ _class_name: 'LCMScheduler' });
});

it.each([
  [['lora_te_text_model_encoder_layers_0_mlp_fc1.alpha'], 'lora'],
  [['unet.down_blocks.0.attentions.0.processor.to_q_lora.down.weight'], 'lora'],
  [['text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_A.weight'], 'lora'],
  [['lycoris_blocks_0.lokr_w1'], 'lora'],
  [['clip_g', 'clip_l'], 'embedding'],
  [['first_stage_model.decoder.mid.attn_1.q.weight'], 'vae'],
  [['conditioner.embedders.0.transformer.text_model.encoder.layers.0.mlp.fc1.bias'], 'text-encoder'],
  [['controlnet_cond_embedding.conv_in.weight'], 'controlnet'],
  [['body.0.rdb1.conv1.weight'], 'upscaler'],
] as const)('%j is of a %s', async (names, kind) => {
  const file = path.join(place, 'kind.safetensors');
  await writeFile(file, '');
  await writeSparse(file, names.map((name) => ({ name, type: 'F16', shape: [2] })));
  expect(recogniseFile(await readSafetensors(file)).kind).toBe(kind);
});
