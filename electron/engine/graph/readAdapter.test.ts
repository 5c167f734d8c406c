import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAdapter } from './readAdapter.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stopbath-'));
});
afterAll(() => rm(folder, { recursive: true }));

type Shapes = Readonly<Record<string, readonly number[]>>;

async function write(shapes: Shapes, metadata: Readonly<Record<string, string>> = {}): Promise<string> {
  let at = 0;
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const bytes = 2 * shape.reduce((product, side) => product * side, 1);
    at += bytes;
    return [name, { dtype: 'F16', shape, data_offsets: [at - bytes, at] }] as const;
  });
  const header = Buffer.from(JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const file = join(folder, 'ink.safetensors');
  await writeFile(file, Buffer.concat([length, header, Buffer.alloc(at)]));
  return file;
}

const kohya = (width: number): Shapes => ({
  'lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight': [8, width],
  'lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_up.weight': [320, 8],
});

describe('the header of an adapter', () => {
  it.each<[string, Shapes, Record<string, string>, object]>([
    ['kohya, SD 1', kohya(768), {}, { kind: 'lora', family: 'sd', rank: 8, problem: null }],
    ['kohya, SD 2', kohya(1024), {}, { family: 'sd', rank: 8 }],
    ['kohya, SDXL by its width', kohya(2048), {}, { family: 'sdxl', rank: 8 }],
    ['kohya, SDXL by its text encoders', { 'lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight': [4, 1280] }, {}, { family: 'sdxl', rank: 4 }],
    ['diffusers', { 'unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight': [16, 768] }, {}, { kind: 'lora', family: 'sd', rank: 16 }],
    ['LoHa', { 'lora_unet_mid_block_resnets_0_conv1.hada_w1_b': [32, 90] }, { ss_base_model_version: 'sdxl_base_v1-0' }, { kind: 'lora', family: 'sdxl', rank: 32 }],
    ['what its metadata says comes first', kohya(768), { 'modelspec.architecture': 'stable-diffusion-xl-v1-base/lora' }, { family: 'sdxl' }],
    ['Flux, told', kohya(768), { ss_base_model_version: 'flux1' }, { family: null, problem: { code: 'MODEL_UNSUPPORTED' } }],
    ['Flux, seen', { 'lora_unet_double_blocks_0_img_attn_proj.lora_down.weight': [16, 3072] }, {}, { family: null, problem: { code: 'MODEL_UNSUPPORTED' } }],
    ['an embedding for SD 1', { emb_params: [8, 768] }, {}, { kind: 'embedding', family: 'sd', rank: null, problem: null }],
    ['an embedding for SDXL', { clip_l: [8, 768], clip_g: [8, 1280] }, {}, { kind: 'embedding', family: 'sdxl' }],
    ['a whole model', { 'model.diffusion_model.input_blocks.0.0.weight': [2, 2] }, {}, { problem: { code: 'MODEL_UNSUPPORTED', nextStep: 'Add it under Models.' } }],
    ['a VAE', { 'decoder.up.0.block.0.conv1.weight': [2, 2] }, {}, { problem: { message: 'ink.safetensors is a VAE, and neither a LoRA nor an embedding.' } }],
  ])('%s', async (_, shapes, metadata, expected) => {
    expect(await readAdapter(await write(shapes, metadata))).toMatchObject(expected);
  });

  it.each([
    [{ 'modelspec.trigger_phrase': ' ink style ' }, ['ink style']],
    [{ ss_tag_frequency: JSON.stringify({ '10_ink': { 'ink style': 20, tree: 3 }, '5_more': { tree: 4, house: 1 } }) }, ['ink style', 'tree', 'house']],
    [{ ss_tag_frequency: '{"broken' }, []],
    [{ ss_tag_frequency: '[1, null, {"a": "b"}]' }, []],
    [{ ss_tag_frequency: JSON.stringify({ a: Object.fromEntries(Array.from({ length: 40 }, (__, index) => [`tag ${String(index)}`, 100 - index])) }) }, Array.from({ length: 12 }, (__, index) => `tag ${String(index)}`)],
    [{}, []],
  ])('words of %j', async (metadata: Record<string, string>, triggers) => {
    expect((await readAdapter(await write(kohya(768), metadata))).triggers).toEqual(triggers);
  });

  it('a file that is cut off, none, or no safetensors file is refused', async () => {
    const file = join(folder, 'cut.safetensors');
    await writeFile(file, Buffer.from('ff00000000000000', 'hex'));
    await expect(readAdapter(file)).rejects.toMatchObject({ code: 'MODEL_BAD' });
    await expect(readAdapter(join(folder, 'none.safetensors'))).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });
});
