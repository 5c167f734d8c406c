import { mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DoctorCode } from '../../shared/doctorCodes.ts';
import { tinyFixtures, type TinyVariant } from '../parity/tiny/folder.ts';
import {
  addInput,
  changeDims,
  externalise,
  externalWeight,
  type ExternalPlace,
  mapWeights,
  type OnnxDraft,
  renameInside,
  replaceInput,
  replaceOutput,
} from './onnxEdit.ts';
import { editJson, editPart } from './variants.ts';

/** A model that cannot be used, made from a tiny one. */
export interface BrokenModel {
  readonly name: string;
  readonly from: TinyVariant;
  readonly spoil: (folder: string) => Promise<unknown>;
  /** What the doctor calls it. */
  readonly code: DoctorCode;
  /** What a message must name. */
  readonly file: string;
  /** Draws all the same: the doctor alone tells. */
  readonly draws?: true;
}

const at = (folder: string, name: string): string => path.join(folder, name);

/** Every weight of a kilobyte and more outside, at that place. */
async function pointTo(folder: string, part: string, place: ExternalPlace): Promise<void> {
  await editPart(folder, part, (draft) => {
    mapWeights(draft, ({ raw, fields }) => (raw.length < 1024 ? fields : externalWeight(fields, { length: String(raw.length), offset: '0', ...place })));
  });
}

async function moveOut(folder: string, part: string): Promise<string> {
  let data: Buffer = Buffer.alloc(0);
  await editPart(folder, part, (draft) => {
    data = externalise(draft, 'model.onnx_data');
  });
  const file = at(folder, `${part}/model.onnx_data`);
  await writeFile(file, data);
  return file;
}

/** Half-precision NaNs in every large weight: the tiny models keep theirs so. */
function spoilWeights(draft: OnnxDraft): void {
  mapWeights(draft, ({ raw, fields }) => {
    if (raw.length < 256) return fields;
    // 0x7e7e is a NaN as float16 and as the halves of a float32.
    raw.fill(0x7e);
    return fields;
  });
}

async function copyPart(folder: string, to: string, part: string): Promise<void> {
  await writeFile(at(folder, `${to}/model.onnx`), await readFile(path.join(tinyFixtures, 'parts', part, 'model.onnx')));
}

async function emptyFolder(folder: string): Promise<void> {
  for (const name of await readdir(folder)) await rm(at(folder, name), { recursive: true });
}

async function elsewhere(bytes: number): Promise<string> {
  const file = path.join(await mkdtemp(path.join(tmpdir(), 'stopbath-elsewhere-')), 'weights');
  await writeFile(file, Buffer.alloc(bytes));
  return file;
}

const missing = (name: string, code: DoctorCode = 'PART_MISSING'): BrokenModel => ({
  name: `without ${name}`,
  from: 'sd',
  code,
  file: name,
  spoil: (folder) => rm(at(folder, name)),
});

const traversal = (location: string): BrokenModel => ({
  name: `weights at ${location}`,
  from: 'sd',
  code: 'UNSAFE_PATH',
  file: 'unet/model.onnx',
  spoil: (folder) => pointTo(folder, 'unet', { location }),
});

const config = (file: string, values: Readonly<Record<string, unknown>>, from: TinyVariant = 'sd'): BrokenModel => ({
  name: `${file} with ${JSON.stringify(values)}`,
  from,
  code: 'CONFIG_VALUE',
  file,
  spoil: (folder) => editJson(at(folder, file), values),
});

const edited = (name: string, part: string, code: DoctorCode, change: (draft: OnnxDraft) => void, from: TinyVariant = 'sd'): BrokenModel => ({
  name,
  from,
  code,
  file: part,
  spoil: (folder) => editPart(folder, part, change),
});

export const brokenModels: readonly BrokenModel[] = [
  { name: 'no folder', from: 'sd', code: 'FOLDER_MISSING', file: 'stopbath-sd', spoil: (folder) => rm(folder, { recursive: true }) },
  { name: 'an empty folder', from: 'sd', code: 'PART_MISSING', file: 'stopbath-sd', spoil: emptyFolder },
  { name: 'a model_index.json of gigabytes', from: 'sd', code: 'CONFIG_DAMAGED', file: 'model_index.json', spoil: (folder) => truncate(at(folder, 'model_index.json'), 5_000_000_000) },
  missing('unet/model.onnx'),
  missing('vae_decoder/model.onnx'),
  missing('text_encoder/model.onnx'),
  missing('tokenizer/vocab.json', 'TOKENIZER_BAD'),
  missing('tokenizer/merges.txt', 'TOKENIZER_BAD'),
  { name: 'SDXL without its second encoder', from: 'sdxl', code: 'PART_MISSING', file: 'text_encoder_2/model.onnx', spoil: (folder) => rm(at(folder, 'text_encoder_2'), { recursive: true }) },
  { name: 'an empty UNet', from: 'sd', code: 'FILE_EMPTY', file: 'unet/model.onnx', spoil: (folder) => truncate(at(folder, 'unet/model.onnx'), 0) },
  { name: 'a UNet cut off', from: 'sd', code: 'FILE_DAMAGED', file: 'unet/model.onnx', spoil: (folder) => truncate(at(folder, 'unet/model.onnx'), 100_000) },
  { name: 'a decoder cut off', from: 'sd', code: 'FILE_DAMAGED', file: 'vae_decoder/model.onnx', spoil: (folder) => truncate(at(folder, 'vae_decoder/model.onnx'), 300) },
  { name: 'a page in place of a UNet', from: 'sd', code: 'FILE_DAMAGED', file: 'unet/model.onnx', spoil: (folder) => writeFile(at(folder, 'unet/model.onnx'), '<!doctype html><title>Not found</title>') },
  { name: 'a pointer of Git LFS in place of a UNet', from: 'sd', code: 'FILE_DAMAGED', file: 'unet/model.onnx', spoil: (folder) => writeFile(at(folder, 'unet/model.onnx'), 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n') },
  { name: 'a data file missing', from: 'sd', code: 'DATA_MISSING', file: 'unet/model.onnx_data', spoil: async (folder) => rm(await moveOut(folder, 'unet')) },
  { name: 'a data file cut off', from: 'sd', code: 'DATA_SHORT', file: 'unet/model.onnx_data', spoil: async (folder) => truncate(await moveOut(folder, 'unet'), 5000) },
  { name: 'an empty data file', from: 'sd', code: 'DATA_SHORT', file: 'vae_decoder/model.onnx_data', spoil: async (folder) => truncate(await moveOut(folder, 'vae_decoder'), 0) },
  traversal('../../../../../../../../etc/passwd'),
  traversal('../weights'),
  traversal('..\\..\\weights'),
  traversal('data/../../weights'),
  traversal('/etc/hostname'),
  traversal('C:\\Windows\\win.ini'),
  traversal('*/_ORT_MEM_ADDR_/*'),
  {
    name: 'weights behind a link out of the folder',
    from: 'sd',
    code: 'UNSAFE_PATH',
    file: 'unet/model.onnx',
    spoil: async (folder) => {
      await pointTo(folder, 'unet', { location: 'weights' });
      await symlink(await elsewhere(1_000_000), at(folder, 'unet/weights'));
    },
  },
  {
    name: 'a negative offset',
    from: 'sd',
    code: 'UNSAFE_PATH',
    file: 'unet/model.onnx',
    spoil: async (folder) => {
      await pointTo(folder, 'unet', { location: 'weights', offset: '-4096' });
      await writeFile(at(folder, 'unet/weights'), Buffer.alloc(1_000_000));
    },
  },
  {
    name: 'an offset past the end of the file',
    from: 'sd',
    code: 'DATA_SHORT',
    file: 'unet/weights',
    spoil: async (folder) => {
      await pointTo(folder, 'unet', { location: 'weights', offset: '9007199254000000' });
      await writeFile(at(folder, 'unet/weights'), Buffer.alloc(1_000_000));
    },
  },
  edited('sides of two billion', 'unet', 'FILE_DAMAGED', (draft) => mapWeights(draft, ({ raw, fields }) => (raw.length < 1024 ? fields : changeDims(fields, [2 ** 31, 2 ** 31, 2 ** 31])))),
  edited('more values than bytes', 'vae_decoder', 'FILE_DAMAGED', (draft) => mapWeights(draft, ({ raw, fields }) => (raw.length < 1024 ? fields : changeDims(fields, [1_000_000, 1000])))),
  edited('UNet weights that are no numbers', 'unet', 'NOT_FINITE', spoilWeights),
  edited('decoder weights that are no numbers', 'vae_decoder', 'NOT_FINITE', spoilWeights),
  edited('text encoder weights that are no numbers', 'text_encoder', 'NOT_FINITE', spoilWeights),
  edited('a UNet with samples of rank three', 'unet', 'INPUT_MISSING', (draft) => {
    renameInside(draft, 'sample', 'inner');
    const axis = { name: 'first', dims: [1], data: BigInt64Array.of(0n) };
    const node = { op: 'Unsqueeze', inputs: ['picture', 'first'], outputs: ['inner'] };
    replaceInput(draft, 'sample', { name: 'picture', type: 'float32', dims: [4, 'height', 'width'] }, [node], [axis]);
  }),
  edited('a UNet without a timestep', 'unet', 'INPUT_MISSING', (draft) => {
    renameInside(draft, 'timestep', 'inner');
    replaceInput(draft, 'timestep', { name: 'clock', type: 'float32', dims: [1, 1] }, [{ op: 'Squeeze', inputs: ['clock'], outputs: ['inner'] }]);
  }),
  edited('a UNet that wants more than it is told', 'unet', 'INPUT_UNKNOWN', (draft) =>
    addInput(draft, { name: 'mid_block_additional_residual', type: 'float32', dims: ['batch', 16, 'height', 'width'] }),
  ),
  edited('a UNet that gives half of its sample', 'unet', 'OUTPUT_SIZE', (draft) => {
    renameInside(draft, 'out_sample', 'inner_out');
    replaceOutput(
      draft,
      'out_sample',
      { name: 'out_sample', type: 'float32', dims: ['batch', 2, 'height', 'width'] },
      [{ op: 'Slice', inputs: ['inner_out', 'begin', 'end', 'axis'], outputs: ['out_sample'] }],
      [
        { name: 'begin', dims: [1], data: BigInt64Array.of(0n) },
        { name: 'end', dims: [1], data: BigInt64Array.of(2n) },
        { name: 'axis', dims: [1], data: BigInt64Array.of(1n) },
      ],
    );
  }),
  { name: "another model's UNet: SDXL's", from: 'sd', code: 'FAMILY_MIXED', file: 'unet/model.onnx', spoil: (folder) => copyPart(folder, 'unet', 'unet_xl') },
  { name: "another model's UNet: Stable Diffusion's", from: 'sdxl', code: 'FAMILY_MIXED', file: 'unet/model.onnx', spoil: (folder) => copyPart(folder, 'unet', 'unet_sd') },
  { name: 'a text encoder of another width', from: 'sd', code: 'TEXT_WIDTH', file: 'text_encoder/model.onnx', spoil: (folder) => copyPart(folder, 'text_encoder', 'text_encoder_2') },
  { name: 'an SDXL text encoder without hidden states', from: 'sdxl', code: 'UNSUPPORTED', file: 'text_encoder/model.onnx', spoil: (folder) => copyPart(folder, 'text_encoder', 'text_encoder') },
  { ...config('unet/config.json', { in_channels: 8 }), code: 'CHANNELS', file: 'unet/model.onnx' },
  config('unet/config.json', { in_channels: -4 }),
  config('unet/config.json', { block_out_channels: Array.from({ length: 40 }, () => 320) }),
  config('unet/config.json', { in_channels: 'four' }),
  config('vae_decoder/config.json', { scaling_factor: -0.18215 }),
  config('vae_decoder/config.json', { scaling_factor: 1e9 }),
  config('vae_decoder/config.json', { latent_channels: 1e9 }),
  { ...config('vae_decoder/config.json', { latent_channels: 16 }), code: 'CHANNELS', file: 'vae_decoder' },
  { ...config('vae_decoder/config.json', { block_out_channels: [4, 4, 8] }), code: 'OUTPUT_SIZE', file: 'vae_decoder/model.onnx', draws: true },
  config('scheduler/scheduler_config.json', { num_train_timesteps: 1e9 }),
  config('scheduler/scheduler_config.json', { beta_start: 'small' }),
  { ...config('scheduler/scheduler_config.json', { prediction_type: 'colour' }), code: 'UNSUPPORTED', file: 'scheduler_config.json' },
  { name: 'model_index.json that is no JSON', from: 'sd', code: 'CONFIG_DAMAGED', file: 'model_index.json', spoil: (folder) => writeFile(at(folder, 'model_index.json'), '{"_class_name": "StableDiff') },
  { name: 'unet/config.json that is a list', from: 'sd', code: 'CONFIG_DAMAGED', file: 'unet/config.json', spoil: (folder) => writeFile(at(folder, 'unet/config.json'), '[1, 2]') },
  { name: 'a class of no family', from: 'sd', code: 'CLASS_UNKNOWN', file: 'model_index.json', spoil: (folder) => editJson(at(folder, 'model_index.json'), { _class_name: 'FluxPipeline' }) },
  { name: 'a vocabulary that is no JSON', from: 'sd', code: 'TOKENIZER_BAD', file: 'tokenizer/vocab.json', spoil: (folder) => truncate(at(folder, 'tokenizer/vocab.json'), 5000) },
  { name: 'a vocabulary of words for numbers', from: 'sd', code: 'TOKENIZER_BAD', file: 'tokenizer/vocab.json', spoil: (folder) => editJson(at(folder, 'tokenizer/vocab.json'), { a: 'one' }) },
  { name: 'a vocabulary without an end', from: 'sd', code: 'TOKENIZER_BAD', file: 'tokenizer', spoil: (folder) => writeFile(at(folder, 'tokenizer/vocab.json'), '{"a": 0, "b": 1}') },
  { name: 'a tokenizer of another size', from: 'sd', code: 'TOKENIZER_FOREIGN', file: 'tokenizer', spoil: (folder) => editJson(at(folder, 'text_encoder/config.json'), { vocab_size: 49_408 }) },
  { name: 'a tokenizer for texts of no token', from: 'sd', code: 'TOKENIZER_BAD', file: 'tokenizer/tokenizer_config.json', spoil: (folder) => editJson(at(folder, 'tokenizer/tokenizer_config.json'), { model_max_length: -1 }) },
  edited('an operator of the future', 'unet', 'UNSUPPORTED', (draft) => {
    renameInside(draft, 'out_sample', 'inner_out');
    replaceOutput(draft, 'out_sample', { name: 'out_sample', type: 'float32', dims: ['batch', 4, 'height', 'width'] }, [
      { op: 'NotYetInvented', inputs: ['inner_out'], outputs: ['out_sample'] },
    ]);
  }),
  edited('integer latents', 'vae_decoder', 'FILE_DAMAGED', (draft) => replaceInput(draft, 'latent_sample', { name: 'latent_sample', type: 'int64', dims: ['batch', 4, 'height', 'width'] })),
  { name: 'the encoder in place of the decoder', from: 'sd', code: 'CHANNELS', file: 'vae_decoder/model.onnx', spoil: (folder) => copyPart(folder, 'vae_decoder', 'vae_encoder') },
];
