import { expect, it } from 'vitest';
import { pathFault } from './filePath.ts';
import type { HubFile, HubVariant } from './repository.ts';
import { chooseVariants } from './variants.ts';

const GB = 1_000_000_000;
/** Path -> size; ids differ by path. */
const list = (paths: Record<string, number> | readonly string[]): HubFile[] =>
  Object.entries(Array.isArray(paths) ? Object.fromEntries(paths.map((path: string) => [path, 1])) : paths).map(([path, bytes]) => ({ path, bytes: Number(bytes), oid: `git-${path}` }));
const choose = (paths: Record<string, number> | readonly string[], asked: string | null = null): ReturnType<typeof chooseVariants> => chooseVariants(list(paths), asked);
const taken = (variant: HubVariant | undefined): Record<string, string> => Object.fromEntries((variant?.files ?? []).map(({ path, to }) => [to, path]));

const configs = ['model_index.json', 'scheduler/scheduler_config.json', 'tokenizer/vocab.json', 'tokenizer/merges.txt'];
const graphs = ['text_encoder/model.onnx', 'unet/model.onnx', 'vae_decoder/model.onnx', 'vae_encoder/model.onnx'];

it('takes an export of optimum, with its external data, and nothing else', () => {
  const { variants } = choose([...configs, ...graphs, 'unet/config.json', 'unet/model.onnx_data', 'README.md', 'cover.png', 'safety_checker/model.onnx', 'feature_extractor/preprocessor_config.json']);
  expect(variants.map(({ id, origin }) => [id, origin])).toEqual([['onnx', 'onnx']]);
  expect(Object.keys(taken(variants[0])).sort()).toEqual([...configs, ...graphs, 'unet/config.json', 'unet/model.onnx_data'].sort());
});

it.each(['model.onnx_data', 'model.onnx_data_1', 'model.onnx.data', 'model.data', 'weights.pb'])('takes external data that is called %s', (name) => {
  expect(taken(choose([...configs, ...graphs, `unet/${name}`]).variants[0])).toHaveProperty([`unet/${name}`]);
});

it('takes the weights.pb of the old diffusers script, and no other .pb', () => {
  const { variants, refused } = choose([...configs, ...graphs, 'unet/weights.pb', 'text_encoder/frozen.pb']);
  expect(taken(variants[0])).toHaveProperty(['unet/weights.pb']);
  expect(refused).toEqual([{ path: 'text_encoder/frozen.pb', reason: 'weights of another runtime' }]);
});

it('offers model_fp16.onnx beside model.onnx, each with its own data, half precision first', () => {
  const { variants } = choose([...configs, ...graphs, 'unet/model.onnx_data', 'unet/model_fp16.onnx', 'unet/model_fp16.onnx_data', 'text_encoder/model_fp16.onnx']);
  expect(variants.map(({ id }) => id)).toEqual(['onnx-fp16', 'onnx']);
  expect(taken(variants[0])).toMatchObject({ 'unet/model.onnx': 'unet/model_fp16.onnx', 'unet/model_fp16.onnx_data': 'unet/model_fp16.onnx_data', 'text_encoder/model.onnx': 'text_encoder/model_fp16.onnx', 'vae_decoder/model.onnx': 'vae_decoder/model.onnx' });
  expect(taken(variants[0])).not.toHaveProperty(['unet/model.onnx_data']);
  expect(taken(variants[1])).not.toHaveProperty(['unet/model_fp16.onnx_data']);
});

it('takes graphs of a folder with the configurations of the top where it has none', () => {
  const { variants } = choose([...configs, ...graphs.map((path) => `onnx/${path}`), 'onnx/tokenizer/vocab.json', 'unet/config.json', 'unet/diffusion_pytorch_model.bin']);
  expect(variants.map(({ id }) => id)).toEqual(['onnx-onnx']);
  expect(taken(variants[0])).toMatchObject({ 'unet/model.onnx': 'onnx/unet/model.onnx', 'model_index.json': 'model_index.json', 'scheduler/scheduler_config.json': 'scheduler/scheduler_config.json', 'tokenizer/vocab.json': 'onnx/tokenizer/vocab.json', 'unet/config.json': 'unet/config.json' });
  expect(taken(variants[0])).not.toHaveProperty(['tokenizer/merges.txt']);
});

it('says which part an incomplete export lacks', () => {
  const { variants, refused } = choose([...configs, 'unet/model.onnx', 'text_encoder/model.onnx']);
  expect(variants).toEqual([]);
  expect(refused).toEqual([{ path: 'unet/model.onnx', reason: 'its vae_decoder is missing' }]);
});

/** As stable-diffusion-v1-5/stable-diffusion-v1-5 has them; sizes of the real files, rounded. */
const sd15 = {
  ...Object.fromEntries(configs.map((path) => [path, 1000])),
  'unet/config.json': 743,
  'unet/diffusion_pytorch_model.safetensors': 3.44 * GB,
  'unet/diffusion_pytorch_model.fp16.safetensors': 1.72 * GB,
  'unet/diffusion_pytorch_model.non_ema.safetensors': 3.44 * GB,
  'unet/diffusion_pytorch_model.bin': 3.44 * GB,
  'vae/config.json': 547,
  'vae/diffusion_pytorch_model.safetensors': 0.335 * GB,
  'vae/diffusion_pytorch_model.fp16.safetensors': 0.167 * GB,
  'text_encoder/config.json': 617,
  'text_encoder/model.safetensors': 0.492 * GB,
  'text_encoder/model.fp16.safetensors': 0.246 * GB,
  'safety_checker/model.safetensors': 1.22 * GB,
  'v1-5-pruned-emaonly.safetensors': 4.27 * GB,
  'v1-5-pruned-emaonly.ckpt': 4.27 * GB,
};

it('offers a diffusers repository in half precision, in full, and its checkpoints', () => {
  const { variants, refused } = choose(sd15);
  expect(variants.map(({ id }) => id)).toEqual(['diffusers-fp16', 'diffusers', 'checkpoint:v1-5-pruned-emaonly.safetensors']);
  expect(taken(variants[0])).toMatchObject({ 'unet/diffusion_pytorch_model.safetensors': 'unet/diffusion_pytorch_model.fp16.safetensors', 'text_encoder/model.safetensors': 'text_encoder/model.fp16.safetensors', 'vae/diffusion_pytorch_model.safetensors': 'vae/diffusion_pytorch_model.fp16.safetensors' });
  expect(variants[0]?.bytes).toBeCloseTo(2.133 * GB, -7);
  expect(variants[0]?.memoryBytes).toBeGreaterThan(2.5 * GB);
  expect(Object.keys(taken(variants[1]))).not.toContain('safety_checker/model.safetensors');
  expect(refused.map(({ path }) => path)).toEqual(['unet/diffusion_pytorch_model.bin', 'v1-5-pruned-emaonly.ckpt']);
});

it('takes a full part where a half one is missing, as diffusers does', () => {
  const { variants } = choose([...configs, 'unet/diffusion_pytorch_model.fp16.safetensors', 'text_encoder/model.safetensors', 'vae/diffusion_pytorch_model.safetensors']);
  expect(variants.map(({ id }) => id)).toEqual(['diffusers-fp16']);
  expect(taken(variants[0])).toMatchObject({ 'text_encoder/model.safetensors': 'text_encoder/model.safetensors' });
});

it('takes shards when all of them and their index are there', () => {
  const shards = ['unet/diffusion_pytorch_model-00001-of-00002.safetensors', 'unet/diffusion_pytorch_model-00002-of-00002.safetensors'];
  const rest = [...configs, 'text_encoder/model.safetensors', 'vae/diffusion_pytorch_model.safetensors'];
  const index = 'unet/diffusion_pytorch_model.safetensors.index.json';
  expect(Object.keys(taken(choose([...rest, ...shards, index]).variants[0]))).toEqual(expect.arrayContaining([...shards, index]));
  expect(Object.keys(taken(choose([...rest, shards[0] ?? '', index]).variants[0]))).not.toContain(shards[0]);
});

it('puts the file first that an address points to, wherever it lies', () => {
  const asked = 'old/model.safetensors';
  expect(choose({ ...sd15, [asked]: GB }, asked).variants[0]).toMatchObject({ id: `checkpoint:${asked}`, origin: 'checkpoint', files: [{ path: asked, to: 'model.safetensors' }] });
  expect(choose({ ...sd15, [asked]: GB }).variants.map(({ id }) => id)).not.toContain(`checkpoint:${asked}`);
});

it('takes no LoRA for a model', () => {
  expect(choose(['my_lora.safetensors', 'pytorch_lora_weights.safetensors', 'model.safetensors']).variants.map(({ id }) => id)).toEqual(['checkpoint:model.safetensors']);
});

it('refuses every kind of file that could run', () => {
  const bad = ['a.bin', 'a.ckpt', 'a.pt', 'a.pth', 'a.pkl', 'a.py', 'a.exe', 'a.dll', 'a.so', 'a.sh', 'a.js', 'a.zip', 'a.h5', 'A.CKPT'];
  expect(choose([...bad, 'a.md', 'a.png']).refused.map(({ path }) => path)).toEqual(bad);
});

it('knows safe paths from unsafe ones', () => {
  for (const path of ['unet/model.onnx', 'a b/c.json', 'ünet/m.json', 'a'.repeat(100)]) expect(pathFault(path)).toBeNull();
  for (const path of ['', '..', 'a/..', '../a', '/a', 'a//b', 'a/', './a', 'a\\b', 'C:a', 'c:/a', 'a\nb', 'a\u0000', 'NUL', 'nul.txt', 'a/com1.onnx', 'a/Aux', 'a?', 'a|b', 'a*', 'a. ', 'a.', 'a:stream', 'a'.repeat(101), 'a/'.repeat(90) + 'b']) expect(pathFault(path), JSON.stringify(path)).not.toBeNull();
});
