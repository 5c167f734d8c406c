import { execFileSync } from 'node:child_process';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { closeAll, temporaryFolder } from '../../hosts/testing/testApp.ts';
import { accessFailure, findAtPath, offerAtPath } from './lookAtPath.ts';

let folder = '';
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(closeAll);

async function put(name: string, content: string | Buffer = ''): Promise<string> {
  await mkdir(dirname(join(folder, name)), { recursive: true });
  await writeFile(join(folder, name), content);
  return join(folder, name);
}

/** A .safetensors file with these tensors of one number each. */
function weights(...names: readonly string[]): Buffer {
  const entries = names.map((name, index) => [name, { dtype: 'F32', shape: [1], data_offsets: [4 * index, 4 * index + 4] }]);
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(4 * names.length)]);
}

const checkpoint = weights('model.diffusion_model.input_blocks.0.0.weight', 'first_stage_model.decoder.conv_in.weight');
const lora = weights('lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight');
const isRoot = process.getuid?.() === 0;

/** What is put there, and what is said of it; `{}` stands for the folder. */
const bad: readonly (readonly [name: string, make: () => Promise<string>, expected: { code: string; message: string; nextStep?: string }])[] = [
  ['nothing', () => Promise.resolve(join(folder, 'none')), { code: 'NOT_FOUND', message: 'There is nothing at {}/none.' }],
  ['a path through a file', async () => join(await put('a.txt'), 'b'), { code: 'NOT_FOUND', message: 'a part of the path is a file' }],
  ['a name that is too long', () => Promise.resolve(join(folder, 'x'.repeat(300))), { code: 'INVALID_INPUT', message: 'longer than the system allows' }],
  ['a link in a circle', async () => (await symlink(join(folder, 'loop'), join(folder, 'loop')), join(folder, 'loop')), { code: 'FILE_ACCESS', message: 'leads back to itself' }],
  ['a link to nothing', async () => (await symlink('/nowhere/at/all', join(folder, 'link')), join(folder, 'link')), { code: 'NOT_FOUND', message: 'There is nothing at' }],
  ['an empty folder', () => Promise.resolve(folder), { code: 'INVALID_INPUT', message: 'is empty' }],
  ['a folder of notes', async () => dirname(await put('notes.md')), { code: 'INVALID_INPUT', message: 'There is no model in', nextStep: 'a folder unet in it' }],
  ['a device', () => Promise.resolve('/dev/null'), { code: 'INVALID_INPUT', message: '/dev/null is a device or a pipe, and no file.' }],
  ['a pipe', () => { execFileSync('mkfifo', [join(folder, 'pipe')]); return Promise.resolve(join(folder, 'pipe')); }, { code: 'INVALID_INPUT', message: 'is a device or a pipe' }],
  ['a pickle', () => put('v1-5.ckpt'), { code: 'UNSAFE_FILE', message: 'v1-5.ckpt is a pickle', nextStep: '.safetensors' }],
  ['a folder of pickles', async () => dirname(await put('v1-5.ckpt')), { code: 'UNSAFE_FILE', message: 'holds pickles only, like v1-5.ckpt' }],
  ['a GGUF file', () => put('sd.gguf'), { code: 'MODEL_UNSUPPORTED', message: 'sd.gguf is a GGUF file' }],
  ['an archive', () => put('model.zip'), { code: 'INVALID_INPUT', message: 'model.zip is an archive.', nextStep: 'Unpack it' }],
  ['a download that goes on', () => put('model.safetensors.part'), { code: 'INVALID_INPUT', message: 'a download that has not ended' }],
  ['a picture', () => put('a.png'), { code: 'INVALID_INPUT', message: 'a.png is a picture.' }],
  ['a text', () => put('a.txt'), { code: 'INVALID_INPUT', message: 'a.txt is a .txt file, and no model.' }],
  ['a file without an ending', () => put('model'), { code: 'INVALID_INPUT', message: 'model is a file without an ending' }],
  ['one part of an ONNX model', () => put('m/unet/model.onnx'), { code: 'MODEL_PARTS', message: 'model.onnx is one part of a model.', nextStep: 'such as {}/m.' }],
  ["a part's folder", async () => dirname(await put('m/vae_decoder/model.onnx')), { code: 'MODEL_PARTS', message: 'The folder vae_decoder is one part', nextStep: 'such as {}/m.' }],
  ["a part's folder, safetensors", async () => dirname(await put('m/vae/diffusion_pytorch_model.safetensors', weights('decoder.conv_in.weight'))), { code: 'MODEL_UNSUPPORTED', message: 'A VAE alone' }],
  ['the index of a model', () => put('m/model_index.json', '{}'), { code: 'INVALID_INPUT', message: 'is one file of a model', nextStep: 'Choose its folder, {}/m.' }],
  ['an empty .safetensors', () => put('a.safetensors'), { code: 'MODEL_BAD', message: 'cut off or damaged' }],
  ['a header longer than the file', () => put('a.safetensors', Buffer.concat([checkpoint.subarray(0, 40)])), { code: 'MODEL_BAD', message: 'cut off or damaged' }],
  ['a header of 2^63 bytes', () => put('a.safetensors', Buffer.from('ffffffffffffff7f7b7d', 'hex')), { code: 'MODEL_BAD', message: 'cut off or damaged' }],
  ['a web page under that name', () => put('a.safetensors', '<html>'.repeat(9)), { code: 'MODEL_BAD', message: 'cut off or damaged' }],
  ['a LoRA', () => put('ink.safetensors', lora), { code: 'MODEL_UNSUPPORTED', message: 'A LoRA', nextStep: 'folder for LoRAs' }],
  ['an embedding', () => put('e.safetensors', weights('emb_params')), { code: 'MODEL_UNSUPPORTED', message: 'An embedding' }],
  ['a VAE', () => put('v.safetensors', weights('decoder.conv_in.weight', 'encoder.conv_in.weight')), { code: 'MODEL_PARTS', message: 'A VAE alone' }],
  ['a ControlNet', () => put('c.safetensors', weights('control_model.input_hint_block.0.weight')), { code: 'MODEL_UNSUPPORTED', message: 'A ControlNet' }],
  ["diffusers' UNet alone", () => put('m/unet/diffusion_pytorch_model.safetensors', weights('down_blocks.0.resnets.0.conv1.weight')), { code: 'MODEL_PARTS', message: 'One part of a model', nextStep: 'such as {}/m.' }],
  ['a folder of LoRAs', async () => dirname(await put('ink.safetensors', lora)), { code: 'MODEL_UNSUPPORTED', message: 'ink.safetensors: A LoRA' }],
];

describe('a path without a model', () => {
  it.each(bad)('%s', async (_, make, { code, message, nextStep = '' }) => {
    const path = await make();
    const failure = await findAtPath(path).then(() => null, (error: unknown) => error);
    expect(failure).toMatchObject({ code, field: 'at' });
    expect((failure as Error).message).toContain(message.replace('{}', folder));
    expect((failure as { nextStep: string }).nextStep).toContain(nextStep.replace('{}', folder));
    expect((failure as { nextStep: string }).nextStep).not.toBe('');
  });

  it.skipIf(isRoot)('a folder and a file that may not be read', async () => {
    const file = await put('secret/a.safetensors', checkpoint);
    await chmod(file, 0);
    await expect(findAtPath(file)).rejects.toMatchObject({ code: 'FILE_ACCESS', message: `${file} may not be read.` });
    await chmod(dirname(file), 0);
    await expect(findAtPath(dirname(file))).rejects.toMatchObject({ code: 'FILE_ACCESS', field: 'at' });
    await expect(findAtPath(file)).rejects.toMatchObject({ code: 'FILE_ACCESS', field: 'at' });
    await chmod(dirname(file), 0o700);
  });
});

it.each([
  ['ENOENT', 'NOT_FOUND', 'There is nothing at /a.'],
  ['EACCES', 'FILE_ACCESS', '/a may not be read.'],
  ['EPERM', 'FILE_ACCESS', '/a may not be read.'],
  ['EIO', 'FILE_ACCESS', '/a could not be read.'],
  ['ENOTCONN', 'FILE_ACCESS', '/a could not be read.'],
])('says what the system says by %s', (code, expected, message) => {
  expect(accessFailure('/a', Object.assign(new Error(code), { code }))).toMatchObject({ code: expected, message, field: 'at', detail: code });
});

describe('a path with models', () => {
  it('is one checkpoint', async () => {
    const path = await put('ink v2.safetensors', checkpoint);
    const offer = await offerAtPath(path, await findAtPath(path), folder);
    expect(offer).toMatchObject({ source: { kind: 'path', path }, title: 'ink v2.safetensors', gated: false, refused: [] });
    expect(offer.variants).toEqual([
      {
        ...{ id: 'checkpoint', label: 'safetensors file', origin: 'checkpoint', memoryBytes: null },
        ...{ bytes: checkpoint.length, bytesHere: checkpoint.length, files: [{ path: 'ink v2.safetensors', bytes: checkpoint.length }] },
      },
    ]);
    expect(offer.diskFree).toBeGreaterThan(0);
  });

  it('is an ONNX folder, with an index or without, its parts in folders or not', async () => {
    await put('a/unet/model.onnx', 'x');
    await put('a/model_index.json', '{}');
    await put('a/README.md', 'long');
    expect((await findAtPath(join(folder, 'a'))).variants).toEqual([{ id: 'onnx', origin: 'onnx', at: '', path: join(folder, 'a') }]);
    const offer = await offerAtPath(join(folder, 'a'), await findAtPath(join(folder, 'a')), folder);
    expect(offer.variants[0]?.files).toEqual([{ path: 'model_index.json', bytes: 2 }, { path: 'unet/model.onnx', bytes: 1 }]);
    await put('b/unet_fp16.onnx');
    expect((await findAtPath(join(folder, 'b'))).variants.map(({ id }) => id)).toEqual(['onnx']);
  });

  it('is a repository that has everything: each form is a way to take it', async () => {
    await put('sd/unet/model.onnx', 'x');
    await put('sd/unet/diffusion_pytorch_model.safetensors', weights('down_blocks.0.resnets.0.conv1.weight'));
    await put('sd/v1-5-pruned.safetensors', checkpoint);
    await put('sd/v1-5-pruned.ckpt');
    const found = await findAtPath(join(folder, 'sd'));
    expect(found.variants.map(({ id }) => id)).toEqual(['onnx', 'diffusers', 'checkpoint:v1-5-pruned.safetensors']);
    expect(found.refused).toEqual([{ path: 'v1-5-pruned.ckpt', reason: 'A pickle can run programs when it is opened.' }]);
    const { variants } = await offerAtPath(join(folder, 'sd'), found, folder);
    expect(variants.map(({ files }) => files.map(({ path }) => path))).toEqual([
      ['unet/model.onnx'],
      ['unet/diffusion_pytorch_model.safetensors'],
      ['v1-5-pruned.safetensors'],
    ]);
  });

  it("is another tool's folder: files in it and below, links too, what is no model told apart", async () => {
    await put('Stable-diffusion/b.safetensors', checkpoint);
    await put('Stable-diffusion/xl/a.safetensors', checkpoint);
    await put('Stable-diffusion/xl/unet-model/unet/model.onnx');
    await put('Stable-diffusion/ink.safetensors', lora);
    await put('Stable-diffusion/old.ckpt');
    await put('elsewhere/c.safetensors', checkpoint);
    await symlink(join(folder, 'elsewhere/c.safetensors'), join(folder, 'Stable-diffusion/c.safetensors'));
    await symlink(join(folder, 'Stable-diffusion'), join(folder, 'Stable-diffusion/circle'));
    const found = await findAtPath(join(folder, 'Stable-diffusion'));
    expect(found.variants.map(({ id }) => id)).toEqual([
      ...['checkpoint:b.safetensors', 'checkpoint:c.safetensors', 'checkpoint:xl/a.safetensors', 'onnx:xl/unet-model'],
    ]);
    expect(found.variants[2]?.path).toBe(join(folder, 'Stable-diffusion/xl/a.safetensors'));
    expect(found.refused.map(({ path }) => path)).toEqual(['ink.safetensors', 'old.ckpt']);
  });
});
