import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLoraFile } from '../../electron/engine/graph/lora/loraFile.ts';
import { loraAdapters } from '../../electron/engine/graph/lora/loraSet.ts';
import type { CheckpointModel } from '../../electron/engine/graph/readers/checkpointModel.ts';
import { readSource } from '../../electron/engine/graph/readers/source.ts';
import { type Failure, toFailure } from '../../shared/errors.ts';
import { writeSingle } from '../checkpoints/fixtures.ts';
import { safetensorsFile, type TensorToWrite } from '../checkpoints/writeSafetensors.ts';
import { loraTensors } from './fixtures.ts';

let place: string;
let sd1: CheckpointModel;
let sdxl: CheckpointModel;
beforeAll(async () => {
  place = await mkdtemp(path.join(tmpdir(), 'stopbath-refused-'));
  const open = async (variant: 'sd1' | 'sdxl') => (await readSource(await writeSingle(variant, place), { vae: null, useEma: false })).model;
  [sd1, sdxl] = [await open('sd1'), await open('sdxl')];
});
afterAll(() => rm(place, { recursive: true, force: true }));

const stem = 'lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q';
const tensor = (name: string, shape: readonly number[], type = 'F32', bytes?: Uint8Array): TensorToWrite => ({ name, type, shape, ...(bytes === undefined ? {} : { bytes }) });
const down = (shape: readonly number[] = [4, 32], at = stem): TensorToWrite => tensor(`${at}.lora_down.weight`, shape);
const up = (shape: readonly number[] = [32, 4], at = stem): TensorToWrite => tensor(`${at}.lora_up.weight`, shape);
const float64 = (value: number): Uint8Array => new Uint8Array(Float64Array.of(value).buffer);
const float32 = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

/** Places a LoRA on a model, as opening it does. */
async function outcome(file: string, model: CheckpointModel): Promise<{ failure: Failure | null; scale: number | null; layers: number }> {
  try {
    const adapters = loraAdapters([await readLoraFile(file)]);
    const links = (): string => 'lora.safetensors';
    const [unet, text] = [adapters.of('unet', model, links), adapters.of('text_encoder', model, links)];
    const placed = [...model.unet.tensors.keys()].map((name) => unet.of(name.replace(/\.weight$/, ''))).flat();
    const inText = [...(model.text[0]?.tensors.keys() ?? [])].map((name) => text.of(name.replace(/\.weight$/, ''))).flat();
    return { failure: null, scale: placed[0]?.scale ?? null, layers: placed.length + inText.length };
  } catch (error) {
    return { failure: toFailure(error), scale: null, layers: 0 };
  }
}

async function written(tensors: readonly TensorToWrite[], metadata?: Readonly<Record<string, string>>): Promise<string> {
  const file = path.join(place, 'ink.safetensors');
  await writeFile(file, safetensorsFile(tensors, metadata));
  return file;
}

describe('a LoRA that cannot be put on a model says why', () => {
  const said = new Set<string>();
  it.each<[string, () => readonly TensorToWrite[], Failure['code'], RegExp]>([
    ['LoHa', () => [tensor(`${stem}.hada_w1_a`, [32, 4]), tensor(`${stem}.hada_w1_b`, [4, 32])], 'MODEL_UNSUPPORTED', /LoHa/],
    ['LoKr', () => [tensor(`${stem}.lokr_w1`, [4, 4]), tensor(`${stem}.lokr_w2`, [8, 8])], 'MODEL_UNSUPPORTED', /LoKr/],
    ['OFT', () => [tensor(`${stem}.oft_blocks`, [4, 8, 8])], 'MODEL_UNSUPPORTED', /OFT/],
    ['DoRA', () => [down(), up(), tensor(`${stem}.dora_scale`, [32, 1])], 'MODEL_UNSUPPORTED', /DoRA/],
    ['IA3', () => [tensor(`${stem}.weight`, [32]), tensor(`${stem}.on_input`, [])], 'MODEL_UNSUPPORTED', /IA3/],
    ['full difference', () => [tensor(`${stem}.diff`, [32, 32])], 'MODEL_UNSUPPORTED', /full difference/],
    ['trained norms', () => [down(), up(), tensor('lora_unet_conv_norm_out.w_norm', [32])], 'MODEL_UNSUPPORTED', /norms of its own/],
    ['learned scale', () => [down(), up(), tensor(`${stem}.scalar`, [1])], 'MODEL_UNSUPPORTED', /learned scale/],
    ['a tensor nobody knows', () => [down(), up(), tensor(`${stem}.lora_B.bias`, [32])], 'MODEL_UNSUPPORTED', /no part of a LoRA: .*lora_B\.bias/],
    ['nothing but alphas', () => [tensor(`${stem}.alpha`, [], 'F32', float32(4))], 'MODEL_UNSUPPORTED', /no layers/],
    ['one half', () => [down()], 'MODEL_BAD', /one half only/],
    ['halves of two ranks', () => [down([4, 32]), up([32, 8])], 'MODEL_BAD', /\[4, 32\] and \[32, 8\]/],
    ['no rank', () => [tensor(`${stem}.lora_down.weight`, [1, 32]), tensor(`${stem}.lora_up.weight`, [32, 2])], 'MODEL_BAD', /\[1, 32\] and \[32, 2\]/],
    ['a middle of another rank', () => [down([4, 32, 1, 1]), up([32, 4, 1, 1]), tensor(`${stem}.lora_mid.weight`, [8, 8, 3, 3])], 'MODEL_BAD', /\[4, 32, 1, 1\]/],
    ['three sides', () => [down([4, 32, 1]), up()], 'MODEL_BAD', /3 sides/],
    ['whole numbers', () => [tensor(`${stem}.lora_down.weight`, [4, 32], 'I64'), up()], 'MODEL_UNSUPPORTED', /as I64/],
    ['an alpha that is no number', () => [down(), up(), tensor(`${stem}.alpha`, [], 'F32', float32(Number.NaN))], 'MODEL_BAD', /is no number/],
    ['two alphas', () => [down(), up(), tensor(`${stem}.alpha`, [2], 'F32', float32(1, 2))], 'MODEL_BAD', /no single number/],
    ['layers of no model', () => [down([4, 32], 'lora_unet_single_blocks_3'), up([32, 4], 'lora_unet_single_blocks_3')], 'MODEL_UNSUPPORTED', /another family: none of its 1 layers is in the model/],
    ['other widths', () => [down([4, 64]), up([64, 4])], 'MODEL_UNSUPPORTED', /another family: .*from 64 to 64 numbers, the model's from 32 to 32/],
    ['another kernel', () => [down([4, 32, 3, 3]), up([32, 4, 1, 1])], 'MODEL_UNSUPPORTED', /another family/],
    ['SDXL on Stable Diffusion 1', () => loraTensors('sdxl', 'kohya'), 'MODEL_UNSUPPORTED', /another family: .*of its \d+ layers|another family: its layer/],
  ])('%s', async (_, tensors, code, says) => {
    const { failure } = await outcome(await written(tensors()), sd1);
    expect(failure?.message).toMatch(says);
    expect(failure?.code).toBe(code);
    expect(failure?.nextStep ?? failure?.message).not.toBe('');
    expect(said.has(failure?.message ?? '')).toBe(false);
    said.add(failure?.message ?? '');
  });

  it('Stable Diffusion 1 on SDXL', async () => {
    for (const layout of ['kohya', 'peft', 'old']) {
      expect((await outcome(await written(loraTensors('sd1', layout)), sdxl)).failure).toMatchObject({ code: 'MODEL_UNSUPPORTED', message: expect.stringContaining('another family') as string });
    }
  });

  it('a file that is cut off, wherever', async () => {
    const file = await written(loraTensors('sd1', 'kohya'));
    const whole = safetensorsFile(loraTensors('sd1', 'kohya')).length;
    for (const length of [whole - 1, Math.floor(whole / 2), 1000, 9, 0]) {
      await truncate(file, length);
      expect((await outcome(file, sd1)).failure?.code, String(length)).toBe('MODEL_BAD');
    }
  });

  it('a pickle, and a file that is gone', async () => {
    const file = path.join(place, 'ink.pt');
    await writeFile(file, Buffer.from([0x80, 0x02, 0x7d]));
    expect((await outcome(file, sd1)).failure?.message).toMatch(/pickle/i);
    expect((await outcome(path.join(place, 'none.safetensors'), sd1)).failure?.code).toBe('MODEL_NOT_FOUND');
  });
});

describe('an alpha', () => {
  const half = new Uint8Array(Uint16Array.of(0x4000).buffer);
  it.each<[string, TensorToWrite | null, number]>([
    ['in float32', tensor(`${stem}.alpha`, [], 'F32', float32(2)), 0.5],
    ['in float64', tensor(`${stem}.alpha`, [], 'F64', float64(2)), 0.5],
    ['in float16', tensor(`${stem}.alpha`, [], 'F16', half), 0.5],
    ['in bfloat16', tensor(`${stem}.alpha`, [1], 'BF16', half), 0.5],
    ['as a whole number', tensor(`${stem}.alpha`, [], 'I64', new Uint8Array(BigInt64Array.of(8n).buffer)), 2],
    ['of 0, which leaves nothing', tensor(`${stem}.alpha`, [], 'F32', float32(0)), 0],
    ['left out: the rank', null, 1],
  ])('%s', async (_, alpha, scale) => {
    const { failure, scale: found } = await outcome(await written([down(), up(), ...(alpha === null ? [] : [alpha])]), sd1);
    expect(failure).toBeNull();
    expect(found).toBe(scale);
  });

  it('in the metadata of PEFT, rank-stabilised too', async () => {
    const layer = 'unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q';
    const tensors = [tensor(`${layer}.lora_A.weight`, [4, 32]), tensor(`${layer}.lora_B.weight`, [32, 4])];
    const scaleWith = async (config: object): Promise<number | null> => (await outcome(await written(tensors, { lora_adapter_metadata: JSON.stringify(config) }), sd1)).scale;
    expect(await scaleWith({ 'unet.lora_alpha': 2 })).toBe(0.5);
    expect(await scaleWith({ 'unet.lora_alpha': 2, 'unet.alpha_pattern': { 'attn1.to_q': 6 } })).toBe(1.5);
    expect(await scaleWith({ 'unet.lora_alpha': 2, 'unet.use_rslora': true })).toBe(1);
    expect(await scaleWith({ 'text_encoder.lora_alpha': 2 })).toBe(1);
    const { failure } = await outcome(await written(tensors, { lora_adapter_metadata: '{"unet.use_dora": true}' }), sd1);
    expect(failure?.message).toMatch(/DoRA/);
  });
});

describe('a layer by the names people give it', () => {
  const layer = 'down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0';
  const text = 'text_model.encoder.layers.0.self_attn.q_proj';
  const kohya = (name: string): string => name.replaceAll('.', '_');
  it.each<[string, string, string, readonly [number, number]]>([
    ['kohya', `lora_unet_${kohya(layer)}.lora_down.weight`, `lora_unet_${kohya(layer)}.lora_up.weight`, [32, 32]],
    ['kohya, the original names', 'lora_unet_input_blocks_1_1_transformer_blocks_0_attn1_to_out_0.lora_down.weight', 'lora_unet_input_blocks_1_1_transformer_blocks_0_attn1_to_out_0.lora_up.weight', [32, 32]],
    ['the original names with dots', 'diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_out.0.lora_A.weight', 'diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_out.0.lora_B.weight', [32, 32]],
    ['PEFT', `unet.${layer}.lora_A.weight`, `unet.${layer}.lora_B.weight`, [32, 32]],
    ['PEFT with its adapter', `base_model.model.${layer}.lora_A.default.weight`, `base_model.model.${layer}.lora_B.default.weight`, [32, 32]],
    ['diffusers', `unet.${layer}.lora.down.weight`, `unet.${layer}.lora.up.weight`, [32, 32]],
    ['old attention processors', `unet.${layer.replace('to_out.0', 'processor.to_out_lora')}.down.weight`, `unet.${layer.replace('to_out.0', 'processor.to_out_lora')}.up.weight`, [32, 32]],
    ['text, kohya', `lora_te_${kohya(text)}.lora_down.weight`, `lora_te_${kohya(text)}.lora_up.weight`, [64, 64]],
    ['text, kohya of two', `lora_te1_${kohya(text)}.lora_down.weight`, `lora_te1_${kohya(text)}.lora_up.weight`, [64, 64]],
    ['text, PEFT', `text_encoder.${text}.lora_A.weight`, `text_encoder.${text}.lora_B.weight`, [64, 64]],
    ['text, without text_model', `text_encoder.${text.replace('text_model.', '')}.lora_A.weight`, `text_encoder.${text.replace('text_model.', '')}.lora_B.weight`, [64, 64]],
    ['text, diffusers', `text_encoder.${text}.lora_linear_layer.down.weight`, `text_encoder.${text}.lora_linear_layer.up.weight`, [64, 64]],
    ['text, old', `text_encoder.${text.replace('q_proj', 'to_q_lora')}.down.weight`, `text_encoder.${text.replace('q_proj', 'to_q_lora')}.up.weight`, [64, 64]],
  ])('%s', async (_, downName, upName, [out, into]) => {
    const found = await outcome(await written([tensor(downName, [2, into]), tensor(upName, [out, 2])]), sd1);
    expect(found.failure).toBeNull();
    expect(found.layers).toBe(1);
  });
});
