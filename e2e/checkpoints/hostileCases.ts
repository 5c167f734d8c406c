import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { CheckpointOptions } from '../../electron/engine/graph/checkpointOptions.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import { type CheckpointVariant, singleTensors, writeFolder } from './fixtures.ts';
import { safetensorsBytes, safetensorsFile, type TensorToWrite, writeSparse } from './writeSafetensors.ts';

/** A file nobody should have to open, and what is said about it. */
export interface HostileCase {
  readonly name: string;
  /** Writes it into an empty folder. @returns what is to be opened */
  readonly write: (place: string) => Promise<string>;
  readonly code: ErrorCode;
  readonly says: RegExp;
  readonly options?: (place: string) => Promise<Partial<CheckpointOptions>>;
}

type Tensor = Pick<TensorToWrite, 'name' | 'type' | 'shape'>;
type Change = (tensors: Tensor[]) => Tensor[];

function raw(name: string, header: string | Buffer | (() => string), says: RegExp, data = Buffer.alloc(0)): HostileCase {
  return {
    name,
    code: 'MODEL_BAD',
    says,
    write: (place) => written(place, 'x.safetensors', safetensorsBytes(typeof header === 'function' ? header() : header, data)),
  };
}

async function written(place: string, name: string, bytes: Buffer | string): Promise<string> {
  await writeFile(path.join(place, name), bytes);
  return path.join(place, name);
}

function other(name: string, file: string, bytes: Buffer | string, says: RegExp, code: ErrorCode = 'MODEL_UNSUPPORTED'): HostileCase {
  return { name, code, says, write: (place) => written(place, file, bytes) };
}

/** A small file of those names. */
function kind(name: string, tensors: readonly string[], says: RegExp): HostileCase {
  const file = safetensorsFile(tensors.map((tensor) => ({ name: tensor, type: 'F16', shape: [2, 2] })));
  return { name, code: 'MODEL_UNSUPPORTED', says, write: (place) => written(place, 'x.safetensors', file) };
}

function changed(name: string, variant: CheckpointVariant, change: Change, code: ErrorCode, says: RegExp): HostileCase {
  return { name, code, says, write: (place) => writeSparse(path.join(place, 'x.safetensors'), change(singleTensors(variant))) };
}

/** A folder of diffusers' layout that is changed after it was written. */
function folder(name: string, change: (place: string) => Promise<unknown>, code: ErrorCode, says: RegExp): HostileCase {
  return {
    name,
    code,
    says,
    async write(place) {
      const target = await writeFolder('sd1', place, writeSparse);
      await change(target);
      return target;
    },
  };
}

const one = (fields: string): string => `{"w":{${fields}}}`;
const tensor = (type: string, shape: string, offsets: string): string => `{"dtype":"${type}","shape":${shape},"data_offsets":${offsets}}`;

const headers: readonly HostileCase[] = [
  other('empty', 'x.safetensors', '', /x\.safetensors is empty/, 'MODEL_BAD'),
  other('seven bytes', 'x.safetensors', 'stopbat', /has 7 bytes/, 'MODEL_BAD'),
  other('a length and no header', 'x.safetensors', Buffer.alloc(9), /has 9 bytes/, 'MODEL_BAD'),
  other('no header', 'x.safetensors', Buffer.from('\u0010\0\0\0\0\0\0\0[1, 2, 3]       ', 'latin1'), /no header begins at its ninth byte/, 'MODEL_BAD'),
  other('a header longer than the file', 'x.safetensors', Buffer.from('\u00ff\0\0\0\0\0\0\0{"a":1}', 'latin1'), /cut off within its header: it says 255 bytes/, 'MODEL_BAD'),
  other('a header of 2^64 - 1 bytes', 'x.safetensors', Buffer.from(`${'\u00ff'.repeat(8)}{"a":1}`, 'latin1'), /18446744073709552000 bytes; the format allows 100 MB/, 'MODEL_BAD'),
  other('a header of 100 MB and one byte', 'x.safetensors', Buffer.from('\u0001\u00e1\u00f5\u0005\0\0\0\0{"a":1}', 'latin1'), /100000001 bytes; the format allows/, 'MODEL_BAD'),
  raw('no UTF-8', Buffer.from('{"\u00ff\u00fe":{}}', 'latin1'), /no UTF-8 text/),
  raw('a header that stops after a tensor', '{"w":{"dtype":"F32","shape":[],"data_offsets":[0,0]}', /The header ends within the header/),
  raw('a header that stops in a string', '{"w', /The header ends within a name in the header/),
  raw('a header that stops in a shape', '{"w":{"dtype":"F32","shape":[1,', /The header ends within the shape of "w"/),
  raw('a header that goes on after its end', '{}{}', /goes on after its end, at byte 2/),
  raw('a name twice', `{"w":${tensor('F32', '[1]', '[0,4]')},"w":${tensor('F32', '[1]', '[0,4]')}}`, /names "w" twice/, Buffer.alloc(4)),
  raw('a name twice, once in escapes', `{"v":${tensor('F32', '[1]', '[0,4]')},"\\u0076":${tensor('F32', '[1]', '[0,4]')} }`, /The header names "v" twice/, Buffer.alloc(4)),
  raw('metadata twice', '{"__metadata__":{},"__metadata__":{}}', /names "__metadata__" twice/),
  raw('a metadata key twice', '{"__metadata__":{"a":"1","a":"2"}}', /__metadata__ names "a" twice/),
  raw('a number in the metadata', '{"__metadata__":{"a":1}}', /the value of "a" in __metadata__ cannot be read/),
  raw('metadata that are a list', '{"__metadata__":[]}', /an object is expected: __metadata__/),
  raw('ten thousand and one metadata', () => JSON.stringify({ __metadata__: Object.fromEntries(Array.from({ length: 10_001 }, (_, index) => [`k${index}`, ''])) }), /more than 10000 entries/),
  raw('a tensor that is a number', '{"w":5}', /an object is expected: tensor "w"/),
  raw('a tensor that is null', '{"v":null}', /"n" stands at byte 5 of the header/),
  raw('an unknown dtype', one('"dtype":"F31","shape":[1],"data_offsets":[0,4]'), /unknown dtype "F31"/, Buffer.alloc(4)),
  raw('a dtype named like a method', one('"dtype":"toString","shape":[1],"data_offsets":[0,4]'), /unknown dtype "toString"/, Buffer.alloc(4)),
  raw('no dtype', one('"shape":[1],"data_offsets":[0,4]'), /"w" has no "dtype"/),
  raw('no shape', one('"dtype":"F32","data_offsets":[0,4]'), /"w" has no "shape"/),
  raw('no offsets', one('"dtype":"F32","shape":[1]'), /"w" has no "data_offsets"/),
  raw('a dtype twice', one('"dtype":"F32","dtype":"F16"'), /"w" has "dtype" twice/),
  raw('a shape twice', one('"shape":[1],"shape":[2]'), /"w" has "shape" twice/),
  raw('offsets twice', one('"data_offsets":[0,4],"data_offsets":[0,8]'), /"w" has "data_offsets" twice/),
  raw('a key no tensor has', one('"dtype":"F32","strides":[1]'), /"w" has "strides"/),
  raw('a negative side', `{"w":${tensor('F32', '[-4]', '[0,4]')}}`, /negative number in the shape of "w"/),
  raw('a negative offset', `{"w":${tensor('F32', '[1]', '[-4,0]')}}`, /negative number in the data_offsets/),
  raw('a side that is a fraction', `{"w":${tensor('F32', '[1.5]', '[0,4]')}}`, /"\." stands at byte/),
  raw('a side with an exponent', `{"w":${tensor('F32', '[1e3]', '[0,4]')}}`, /"e" stands at byte/),
  raw('a side with a leading zero', `{"w":${tensor('F32', '[01]', '[0,4]')}}`, /a whole number is expected: the shape/),
  raw('a side that is text', `{"w":${tensor('F32', '["1"]', '[0,4]')}}`, /"\\"" stands at byte 29 .* a whole number is expected/),
  raw('a side of 2^53', `{"w":${tensor('F32', '[9007199254740992]', '[0,4]')}}`, /above 2\^53 in the shape of "w"/),
  raw('sides whose product is no number', `{"w":${tensor('F32', '[9007199254740991,9007199254740991]', '[0,4]')}}`, /larger than any file/),
  raw('an offset of 2^64', `{"w":${tensor('F32', '[1]', '[0,18446744073709551616]')}}`, /above 2\^53 in the data_offsets of "w"/),
  raw('offsets beyond the file that fit the shape', `{"w":${tensor('U8', '[1000000000000000]', '[0,1000000000000000]')}}`, /take 1000000000000000 bytes, 4 are there/, Buffer.alloc(4)),
  raw('nine sides', `{"w":${tensor('F32', '[1,1,1,1,1,1,1,1,1]', '[0,4]')}}`, /more than 8 numbers in the shape/),
  raw('three offsets', `{"w":${tensor('F32', '[1]', '[0,4,8]')}}`, /more than 2 numbers in the data_offsets/),
  raw('one offset', `{"w":${tensor('F32', '[1]', '[0]')}}`, /data_offsets of "w" are not two numbers/),
  raw('a shape in a shape', `{"w":${tensor('F32', '[[1]]', '[0,4]')}}`, /"\[" stands at byte 29 of the header, a whole number/),
  raw('a million brackets', () => `{"w":${'['.repeat(1_000_000)}`, /"\[" stands at byte 5/),
  raw('a million objects', () => '{"a":'.repeat(1_000_000), /"a" has "a", which no safetensors file has/),
  raw('an end before the beginning', `{"w":${tensor('F32', '[1]', '[4,0]')}}`, /ends before it begins/, Buffer.alloc(4)),
  raw('more bytes than the shape takes', `{"w":${tensor('F16', '[2,3]', '[0,16]')}}`, /has 16 bytes; F16 \[2, 3\] takes 12/, Buffer.alloc(16)),
  raw('fewer bytes than the shape takes', `{"w":${tensor('BF16', '[8]', '[0,8]')}}`, /has 8 bytes; BF16 \[8\] takes 16/, Buffer.alloc(8)),
  raw('half a byte', `{"w":${tensor('F4', '[3]', '[0,2]')}}`, /does not fill whole bytes/, Buffer.alloc(2)),
  raw('ranges that overlap', `{"a":${tensor('F32', '[2]', '[0,8]')},"b":${tensor('F32', '[2]', '[4,12]')}}`, /"b" lies over tensor "a": both claim byte 4/, Buffer.alloc(12)),
  raw('two tensors in one place', `{"a":${tensor('F32', '[1]', '[0,4]')},"c":${tensor('F32', '[1]', '[0,4]')}}`, /"c" lies over tensor "a": both claim byte 0/, Buffer.alloc(4)),
  raw('a hole before the first tensor', `{"w":${tensor('F32', '[1]', '[4,8]')}}`, /Bytes 0 to 4 of the data belong to no tensor/, Buffer.alloc(8)),
  raw('a hole between tensors', `{"a":${tensor('F32', '[1]', '[0,4]')},"b":${tensor('F32', '[1]', '[12,16]')}}`, /Bytes 4 to 12 of the data/, Buffer.alloc(16)),
  raw('bytes after the last tensor', `{"w":${tensor('F32', '[1]', '[0,4]')}}`, /7 bytes after the last tensor belong to none/, Buffer.alloc(11)),
  raw('data that are cut off', `{"w":${tensor('F32', '[4]', '[0,16]')}}`, /its tensors take 16 bytes, 10 are there/, Buffer.alloc(10)),
  raw('a hundred thousand and one tensors', () => `{${Array.from({ length: 100_001 }, (_, index) => `"${index}":${tensor('F32', '[0]', '[0,0]')}`).join(',')}}`, /more than 100000 tensors/),
  raw('a name of two kilobytes', `{"${'n'.repeat(2000)}":5}`, /a string of more than 1024 bytes/),
  raw('a control character in a name', '{"a\u0001":5}', /no valid string where a name in the header stands/),
  raw('a broken escape', '{"w":{"\\x":1}}', /no valid string where a name in tensor "w" stands/),
  raw('a header of 90 MB of spaces', () => `{}${' '.repeat(90_000_000)}`, /holds no tensors/),
  raw('a name of 90 MB', () => `{"__metadata__":{"a":"${'\\"'.repeat(45_000_000)}`, /ends within the value of "a"/),
];

const formats: readonly HostileCase[] = [
  other('a .ckpt', 'old.ckpt', 'PK\u0003\u0004rest', /old\.ckpt is a PyTorch pickle: /),
  other('a bare pickle', 'old.pt', Buffer.from('\u0080\u0002}q\0.', 'latin1'), /old\.pt is a PyTorch pickle: /),
  other('a .bin of nothing known', 'pytorch_model.bin', 'nothing known', /pytorch_model\.bin is a PyTorch pickle/),
  other('a zip of PyTorch under another name', 'x.safetensors', 'PK\u0003\u0004rest', /x\.safetensors is a PyTorch pickle, whatever its name says/),
  other('a pickle under another name', 'y.safetensors', Buffer.from('\u0080\u0004\u0095.....', 'latin1'), /y\.safetensors is a PyTorch pickle, whatever/),
  other('a GGUF', 'x.gguf', 'GGUF\u0003\0\0\0', /GGUF/),
  other('an HDF5', 'x.safetensors', Buffer.from('\u0089HDF\r\n', 'latin1'), /HDF5/),
  other('a web page', 'x.safetensors', '<!DOCTYPE html><title>404</title>', /is a web page/),
  other('an LFS pointer', 'x.safetensors', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n', /Git LFS pointer/),
  other('a gzip', 'x.safetensors', Buffer.from('\u001f\u008b\u0008\0', 'latin1'), /gzip archive/),
  other('a 7-Zip', 'x.7z', Buffer.from('7z\u00bc\u00af\u0027\u001c', 'latin1'), /7-Zip archive/),
  other('a RAR', 'x.rar', 'Rar!\u001a', /RAR archive/),
  { name: 'a file that is not there', code: 'MODEL_NOT_FOUND', says: /There is nothing at/, write: (place) => Promise.resolve(path.join(place, 'none.safetensors')) },
  { name: 'a device', code: 'MODEL_NOT_FOUND', says: /zero is no file/, write: () => Promise.resolve('/dev/zero') },
  {
    name: 'a link to itself',
    code: 'MODEL_NOT_FOUND',
    says: /There is nothing at .*loop\.safetensors/,
    async write(place) {
      await symlink('loop.safetensors', path.join(place, 'loop.safetensors'));
      return path.join(place, 'loop.safetensors');
    },
  },
];

const kinds: readonly HostileCase[] = [
  kind('a LoRA', ['lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight', 'lora_unet_down_blocks_0_attentions_0_proj_in.lora_up.weight'], /is a LoRA/),
  kind('a VAE', ['decoder.conv_in.weight', 'decoder.up.0.block.0.conv1.weight'], /is a VAE/),
  kind('a TAESD', ['decoder.layers.0.weight', 'encoder.layers.0.weight'], /TAESD/),
  kind('an embedding', ['emb_params'], /textual inversion embedding/),
  kind('a text encoder', ['text_model.encoder.layers.0.mlp.fc1.weight'], /is a text encoder/),
  kind('a UNet', ['down_blocks.0.resnets.0.conv1.weight'], /is a UNet alone/),
  kind('a ControlNet', ['control_model.input_blocks.0.0.weight'], /is a ControlNet/),
  kind('an IP-Adapter', ['image_proj.proj.weight', 'ip_adapter.1.to_k_ip.weight'], /is an adapter/),
  kind('a motion module', ['down_blocks.0.motion_modules.0.temporal_transformer.norm.weight'], /AnimateDiff/),
  kind('an upscaler', ['model.model.1.sub.0.RDB1.conv1.0.weight'], /is an upscaler/),
  kind('Flux', ['double_blocks.0.img_attn.norm.key_norm.scale'], /another family: Flux\./),
  kind('Stable Diffusion 3', ['model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight'], /another family: Stable Diffusion 3/),
  kind('nothing known', ['a.weight', 'b.weight', '../../etc/passwd', 'C:\\Windows'], /has a layout nobody here knows: 4 tensors/),
];

const drop = (pattern: RegExp): Change => (tensors) => tensors.filter(({ name }) => !pattern.test(name));
const retype = (pattern: RegExp, type: string): Change => (tensors) => tensors.map((item) => (pattern.test(item.name) ? { ...item, type } : item));
const reshape = (pattern: RegExp, shape: (sides: readonly number[]) => readonly number[]): Change => (tensors) =>
  tensors.map((item) => (pattern.test(item.name) ? { ...item, shape: shape(item.shape) } : item));
const rename = (pattern: RegExp, to: string): Change => (tensors) => tensors.map((item) => ({ ...item, name: item.name.replace(pattern, to) }));
const also = (...more: Tensor[]): Change => (tensors) => [...tensors, ...more];
/** Parts of another variant's file. */
const from = (variant: CheckpointVariant, pattern: RegExp): Tensor[] => singleTensors(variant).filter(({ name }) => pattern.test(name));
const channels = (count: number): Change => reshape(/input_blocks\.0\.0\.weight$/, ([out = 0, , ...kernel]) => [out, count, ...kernel]);
const xlText = /^conditioner\./;
const sdText = /^cond_stage_model\./;

const models: readonly HostileCase[] = [
  changed('no middle of the UNet', 'sd1', drop(/middle_block\.1\.proj_out/), 'MODEL_BAD', /The UNet lacks 2 of its \d+ tensors: "mid_block\.attentions\.0\.proj_out\.weight"/),
  changed('no beginning of the UNet', 'sd1', drop(/input_blocks\.0\.0\.weight/), 'MODEL_BAD', /tensor "conv_in\.weight" is missing/),
  changed('no VAE', 'sd1', drop(/^first_stage_model\./), 'MODEL_UNSUPPORTED', /holds no VAE/),
  changed('half a VAE decoder', 'sd1', drop(/first_stage_model\.decoder\.mid\.attn_1\.q\.weight/), 'MODEL_BAD', /The VAE lacks 1 of its/),
  changed('no text encoder', 'sd1', drop(sdText), 'MODEL_UNSUPPORTED', /holds no text encoder: it is a UNet and a VAE/),
  changed('no token embedding', 'sd1', drop(/token_embedding/), 'MODEL_BAD', /"text_model\.embeddings\.token_embedding\.weight" is missing/),
  changed('a layer of the text encoder missing', 'sd1', drop(/layers\.1\.mlp\.fc1\.bias/), 'MODEL_BAD', /The text encoder lacks 1 of its/),
  changed("one of SDXL's text encoders", 'sdxl', drop(/embedders\.0/), 'MODEL_BAD', /only one of SDXL's two text encoders/),
  changed('a second text encoder without its projection', 'sdxl', drop(/embedders\.1\.model\.text_projection/), 'MODEL_BAD', /told a pooled text, but no text encoder/),
  changed('a misshapen convolution', 'sd1', reshape(/input_blocks\.1\.0\.in_layers\.2\.weight$/, ([out = 0, into = 0]) => [out, into, 5, 5]), 'MODEL_BAD', /has the sides \[32, 32, 5, 5\]; the UNet takes \[32, 32, 3, 3\]/),
  changed('a matrix that lies the other way round', 'sd1', reshape(/input_blocks\.1\.1\.transformer_blocks\.0\.attn2\.to_v\.weight$/, (sides) => [...sides].reverse()), 'MODEL_BAD', /attn2\.to_v\.weight" has the sides \[64, 32\]/),
  changed('a side of nothing', 'sd1', reshape(/out\.2\.weight$/, () => [0, 0, 0, 0]), 'MODEL_BAD', /out\.2\.weight" has the sides \[0, 0, 0, 0\], which no model has/),
  changed('a UNet in eight bits', 'sd1', retype(/^model\.diffusion_model\..*weight$/, 'F8_E4M3'), 'MODEL_UNSUPPORTED', /The UNet is stored as \d+ tensors of F8_E4M3/),
  changed('a UNet of whole numbers', 'sd1', retype(/middle_block\.1\.proj_in\.weight$/, 'I8'), 'MODEL_UNSUPPORTED', /The UNet is stored as 1 tensors of I8/),
  changed('a text encoder in doubles', 'sd1', retype(/mlp\.fc2\.weight$/, 'F64'), 'MODEL_UNSUPPORTED', /The text encoder is stored as 3 tensors of F64/),
  changed('a VAE of bytes', 'sd1', retype(/first_stage_model\.decoder\.conv_in\.weight$/, 'U8'), 'MODEL_UNSUPPORTED', /The VAE is stored as 1 tensors of U8/),
  changed("Stable Diffusion 1 with SDXL's text encoders", 'sd1', (all) => [...drop(sdText)(all), ...from('sdxl', xlText)], 'MODEL_BAD', /The text encoders are those of SDXL, the UNet is not/),
  changed("SDXL with Stable Diffusion 1's text encoder", 'sdxl', (all) => [...drop(xlText)(all), ...from('sd1', sdText)], 'MODEL_UNSUPPORTED', /takes added conditions, as those of SDXL and of Stable Diffusion unCLIP/),
  changed('text encoders of Stable Diffusion 1 and 2', 'sd1', (all) => [...all, ...from('sd2', sdText)], 'MODEL_BAD', /text encoders of Stable Diffusion 1 and of Stable Diffusion 2/),
  changed('text encoders of Stable Diffusion 1 and of SDXL', 'sd1', (all) => [...all, ...from('sdxl', xlText)], 'MODEL_BAD', /text encoders of SDXL and of Stable Diffusion 1 or 2/),
  changed("SDXL with the refiner's UNet", 'sdxl', (all) => [...drop(/^model\./)(all), ...from('sdxl-refiner', /^model\./)], 'MODEL_BAD', /takes 176 added values; with a pooled text of 96 that leaves no whole number of sizes/),
  changed('a VAE of other latents', 'sd1', (all) => reshape(/decoder\.conv_in\.weight$/, ([out = 0, , ...kernel]) => [out, 16, ...kernel])(reshape(/post_quant_conv\.(weight|bias)$/, (sides) => sides.map((side) => (side === 1 ? 1 : 16)))(reshape(/\.quant_conv\.(weight|bias)$/, (sides) => sides.map((side) => (side === 1 ? 1 : 32)))(reshape(/encoder\.conv_out\.(weight|bias)$/, ([, ...rest]) => [32, ...rest])(all)))), 'MODEL_BAD', /The VAE has 16 latent channels, the UNet 4/),
  changed('InstructPix2Pix', 'sd1', channels(8), 'MODEL_UNSUPPORTED', /InstructPix2Pix/),
  changed('depth to image', 'sd1', channels(5), 'MODEL_UNSUPPORTED', /a depth-to-image model/),
  changed('an upscaling UNet', 'sd1', channels(7), 'MODEL_UNSUPPORTED', /an upscaler: it is shown a small picture/),
  changed('channels nobody knows', 'sd1', channels(6), 'MODEL_UNSUPPORTED', /takes 6 channels and gives 4/),
  changed('a part no UNet has', 'sd1', also({ name: 'model.diffusion_model.extra.weight', type: 'F16', shape: [4] }), 'MODEL_UNSUPPORTED', /1 tensors that its architecture does not have: "model\.diffusion_model\.extra\.weight"/),
  changed('a part no VAE has', 'sd1', also({ name: 'first_stage_model.wavelets.weight', type: 'F16', shape: [4] }), 'MODEL_UNSUPPORTED', /The VAE has 1 tensors that its architecture/),
  changed('a part no text encoder has', 'sd1', also({ name: 'cond_stage_model.transformer.vision_model.weight', type: 'F16', shape: [4] }), 'MODEL_UNSUPPORTED', /The text encoder has 1 tensors that/),
  changed('a UNet without text', 'sd1', drop(/\.attn2\./), 'MODEL_BAD', /has no cross-attention/),
  changed('a thousand levels', 'sd1', (all) => [...all, ...Array.from({ length: 1000 }, (_, index) => ({ name: `first_stage_model.decoder.up_blocks.${index}.x.weight`, type: 'F16', shape: [1] }))], 'MODEL_BAD', /There are 1\d\d\d "decoder\.up_blocks"; no model has more than 8/),
  changed('a thousand transformer blocks', 'sd1', also(...Array.from({ length: 1000 }, (_, index) => ({ name: `model.diffusion_model.middle_block.1.transformer_blocks.${index + 1}.norm1.weight`, type: 'F16', shape: [64] }))), 'MODEL_BAD', /There are 1001 "mid_block\.attentions\.0\.transformer_blocks"/),
  changed('a numbered block missing', 'sd1', drop(/output_blocks\.4\./), 'MODEL_UNSUPPORTED', /The UNet has \d+ tensors that its architecture does not have: "model\.diffusion_model\.output_blocks/),
  changed('queries, keys and values in a matrix of five rows', 'sd2', reshape(/resblocks\.0\.attn\.in_proj_bias$/, () => [5]), 'MODEL_BAD', /has 5 rows, which are not 3 times as many/),
  changed('a vocabulary of its own', 'sd1', (all) => all, 'MODEL_TOKENIZER', /The text encoder knows \d+ tokens, CLIP's vocabulary has 49408/),
  changed('Playground 2.5', 'sdxl', also({ name: 'edm_mean', type: 'F32', shape: [4] }, { name: 'edm_std', type: 'F32', shape: [4] }), 'MODEL_UNSUPPORTED', /Playground 2\.5/),
  changed('CosXL', 'sdxl', also({ name: 'edm_vpred.sigma_max', type: 'F32', shape: [1] }), 'MODEL_UNSUPPORTED', /CosXL/),
  changed('groups that do not come out even', 'sd1', (all) => all.map((item) => (item.name.startsWith('model.') ? { ...item, shape: item.shape.map((side) => (side === 32 ? 40 : side === 128 ? 160 : side)) } : item)), 'MODEL_BAD', /Channels \[40, 64, 64, 64\] of the UNet do not make 32 groups/),
  changed('names that lead out of the folder', 'sd1', rename(/^model\.diffusion_model\.out\.2/, 'model.diffusion_model.../../../out.2'), 'MODEL_BAD', /The tensor "conv_out\.weight" is missing/),
  {
    ...changed('averaged weights where there are none', 'sd1', (all) => all, 'MODEL_UNSUPPORTED', /holds no averaged \(EMA\) weights/),
    options: () => Promise.resolve({ overrides: { useEma: true } }),
  },
  {
    ...changed('a LoRA as the VAE', 'sd1', (all) => all, 'MODEL_UNSUPPORTED', /lora\.safetensors holds no VAE/),
    options: async (place) => ({ vae: await written(place, 'lora.safetensors', safetensorsFile([{ name: 'a.lora_up.weight', type: 'F16', shape: [2, 2] }])) }),
  },
];

const json = (place: string, name: string, value: unknown): Promise<void> => writeFile(path.join(place, name), typeof value === 'string' ? value : JSON.stringify(value));
const unet = 'unet/diffusion_pytorch_model.safetensors';

/** The UNet in shards, by an index of its own. */
async function sharded(place: string, map: Readonly<Record<string, string>>, shards: Readonly<Record<string, readonly string[]>>): Promise<void> {
  await rm(path.join(place, unet));
  for (const [name, tensors] of Object.entries(shards)) {
    await writeFile(path.join(place, 'unet', name), safetensorsFile(tensors.map((one) => ({ name: one, type: 'F16', shape: [2] }))));
  }
  await json(place, `${unet}.index.json`, { weight_map: map });
}

const folders: readonly HostileCase[] = [
  folder('no model_index.json', (place) => rm(path.join(place, 'model_index.json')), 'MODEL_PARTS', /has no model_index\.json/),
  folder('a broken model_index.json', (place) => json(place, 'model_index.json', '{'), 'MODEL_BAD', /model_index\.json is damaged/),
  folder('a list for a model_index.json', (place) => json(place, 'unet/config.json', '[]'), 'MODEL_BAD', /unet\/config\.json is damaged/),
  folder('a config of five megabytes', (place) => json(place, 'vae/config.json', ' '.repeat(5_000_000)), 'MODEL_BAD', /vae\/config\.json has 5000000 bytes/),
  folder('another class', (place) => json(place, 'model_index.json', { _class_name: 'FluxPipeline' }), 'MODEL_UNSUPPORTED', /another kind: "FluxPipeline"/),
  folder('no class', (place) => json(place, 'model_index.json', {}), 'MODEL_UNSUPPORTED', /names no class/),
  folder('a pickled UNet', async (place) => {
    await rm(path.join(place, unet));
    await writeFile(path.join(place, 'unet/diffusion_pytorch_model.bin'), 'PK');
  }, 'MODEL_UNSUPPORTED', /unet\/diffusion_pytorch_model\.bin is a PyTorch pickle/),
  folder('no UNet', (place) => rm(path.join(place, unet)), 'MODEL_PARTS', /has no unet\/diffusion_pytorch_model\.safetensors/),
  folder('no text encoder', (place) => rm(path.join(place, 'text_encoder'), { recursive: true }), 'MODEL_PARTS', /has no text encoder\./),
  folder('another activation', (place) => json(place, 'unet/config.json', { act_fn: 'mish' }), 'MODEL_UNSUPPORTED', /unet\/config\.json describes a model/),
  folder('heads that do not come out even', (place) => json(place, 'unet/config.json', { attention_head_dim: 7 }), 'MODEL_BAD', /do not make heads of \[7, 7, 7, 7\]/),
  folder('another text activation', (place) => json(place, 'text_encoder/config.json', { hidden_act: 'relu' }), 'MODEL_UNSUPPORTED', /text_encoder\/config\.json describes a model/),
  folder('latents with a shift', (place) => json(place, 'vae/config.json', { shift_factor: 0.1 }), 'MODEL_UNSUPPORTED', /vae\/config\.json describes a model/),
  folder('a flow', (place) => json(place, 'scheduler/scheduler_config.json', { prediction_type: 'flow_prediction' }), 'MODEL_UNSUPPORTED', /predicts "flow_prediction"/),
  folder('shards above the folder', (place) => sharded(place, { a: '../text_encoder/model.safetensors' }, {}), 'MODEL_BAD', /names "\.\.\/text_encoder\/model\.safetensors", which is no file beside it/),
  folder('shards anywhere', (place) => sharded(place, { a: '/etc/x.safetensors' }, {}), 'MODEL_BAD', /names "\/etc\/x\.safetensors", which is no file beside it/),
  folder('a shard that is not there', (place) => sharded(place, { a: 'b.safetensors' }, {}), 'MODEL_NOT_FOUND', /There is no file at .*b\.safetensors/),
  folder('a tensor in two shards', (place) => sharded(place, { a: '1.safetensors', b: '2.safetensors' }, { '1.safetensors': ['a'], '2.safetensors': ['a', 'b'] }), 'MODEL_BAD', /Two shards of the unet hold "a"/),
  folder('a tensor in no shard', (place) => sharded(place, { a: '1.safetensors', b: '1.safetensors' }, { '1.safetensors': ['a'] }), 'MODEL_BAD', /names "b", which is in none of them/),
  folder('an index of something else', async (place) => {
    await rm(path.join(place, unet));
    await json(place, `${unet}.index.json`, { weight_map: [1] });
  }, 'MODEL_BAD', /index of the unet's shards is damaged/),
  folder('a hundred shards', (place) => sharded(place, Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`t${index}`, `s${index}.safetensors`])), {}), 'MODEL_BAD', /lies in 100 shards/),
  folder('a tokenizer without a vocabulary', (place) => rm(path.join(place, 'tokenizer/vocab.json')), 'MODEL_TOKENIZER', /neither vocab\.json and merges\.txt nor tokenizer\.json/),
  folder('an ONNX model', (place) => json(place, 'unet/model.onnx', 'x'), 'MODEL_UNSUPPORTED', /is an ONNX model already/),
];

export const hostileCases: readonly HostileCase[] = [...headers, ...formats, ...kinds, ...models, ...folders];

/** An empty folder for a case. */
export async function placeFor(root: string, index: number): Promise<string> {
  const place = path.join(root, String(index));
  await mkdir(place, { recursive: true });
  return place;
}
