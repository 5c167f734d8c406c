import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OnnxConstant, onnxModel, type OnnxNode, type OnnxValue } from '../graph/onnx/model.ts';
import { steadyValues } from '../tensor/steadyValues.ts';

/** What may differ between exports, and the faults a folder may have. */
export interface TinyModelOptions {
  readonly timestep?: { readonly type: OnnxValue['type']; readonly dims: readonly (number | string)[] };
  readonly idsType?: 'int32' | 'int64';
  readonly nanWeights?: boolean;
  /** The UNet takes and gives float16. */
  readonly half?: boolean;
  readonly scheduler?: Record<string, unknown>;
  /** The one length of prompt embeddings the UNet takes; left out: any. */
  readonly tokens?: number;
}

export const tinyWidth = 8;
const tokens = ['a', 'b', 'c', 'a</w>', 'b</w>', 'c</w>', 'ab</w>', '<|startoftext|>', '<|endoftext|>'];

const floats = (name: string, dims: readonly number[], scale: number): OnnxConstant => ({
  name,
  dims,
  data: steadyValues(dims.reduce((a, b) => a * b, 1), scale),
});
const ints = (name: string, values: readonly number[]): OnnxConstant => ({
  name,
  dims: [values.length],
  data: BigInt64Array.from(values, BigInt),
});

function textEncoder(idsType: 'int32' | 'int64'): Buffer {
  return onnxModel({
    inputs: [{ name: 'input_ids', type: idsType, dims: ['batch', 77] }],
    outputs: [{ name: 'last_hidden_state', type: 'float32', dims: ['batch', 77, tinyWidth] }],
    initializers: [floats('table', [tokens.length, tinyWidth], 1)],
    nodes: [{ op: 'Gather', inputs: ['table', 'input_ids'], outputs: ['last_hidden_state'], attributes: { axis: 0 } }],
  });
}

/** 0.3 conv(sample) + mean of the text per channel + 0.0001 timestep: depends on all three inputs, smoothly. */
function unet(options: TinyModelOptions): Buffer {
  const { half = false, nanWeights = false } = options;
  const type = half ? 'float16' : 'float32';
  const { timestep = { type, dims: [] } } = options;
  const weight = floats('w', [4, 4, 3, 3], 0.2);
  if (nanWeights) weight.data.fill(NaN as never);
  const time: OnnxNode[] = [
    { op: 'Cast', inputs: ['timestep'], outputs: ['t32'], attributes: { to: 1 } },
    { op: 'Reshape', inputs: ['t32', 'column'], outputs: ['tc'] },
    { op: 'Mul', inputs: ['tc', 'rate'], outputs: ['ts'] },
  ];
  return onnxModel({
    inputs: [
      { name: 'sample', type, dims: ['batch', 4, 'height', 'width'] },
      { name: 'timestep', type: timestep.type, dims: timestep.dims },
      { name: 'encoder_hidden_states', type, dims: ['batch', options.tokens ?? 'tokens', tinyWidth] },
    ],
    outputs: [{ name: 'out_sample', type, dims: ['batch', 4, 'height', 'width'] }],
    initializers: [
      weight,
      floats('project', [tinyWidth, 4], 0.5),
      ints('column', [-1, 1, 1, 1]),
      ints('spread', [-1, 4, 1, 1]),
      { name: 'rate', dims: [1], data: Float32Array.of(0.0001) },
    ],
    nodes: [
      { op: 'Cast', inputs: ['sample'], outputs: ['s32'], attributes: { to: 1 } },
      { op: 'Cast', inputs: ['encoder_hidden_states'], outputs: ['e32'], attributes: { to: 1 } },
      { op: 'Conv', inputs: ['s32', 'w'], outputs: ['c'], attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1] } },
      { op: 'ReduceMean', inputs: ['e32'], outputs: ['m'], attributes: { axes: [1], keepdims: 0 } },
      { op: 'MatMul', inputs: ['m', 'project'], outputs: ['p'] },
      { op: 'Reshape', inputs: ['p', 'spread'], outputs: ['pp'] },
      ...time,
      { op: 'Add', inputs: ['c', 'pp'], outputs: ['cp'] },
      { op: 'Add', inputs: ['cp', 'ts'], outputs: ['o32'] },
      { op: 'Cast', inputs: ['o32'], outputs: ['out_sample'], attributes: { to: half ? 10 : 1 } },
    ],
  });
}

/** Eight times nearest upsampling of a 1x1 convolution. */
function decoder(): Buffer {
  return onnxModel({
    inputs: [{ name: 'latent_sample', type: 'float32', dims: ['batch', 4, 'height', 'width'] }],
    outputs: [{ name: 'sample', type: 'float32', dims: ['batch', 3, 'h8', 'w8'] }],
    initializers: [
      floats('w', [3, 4, 1, 1], 0.2),
      { name: 'scales', dims: [4], data: Float32Array.of(1, 1, 8, 8) },
    ],
    nodes: [
      { op: 'Conv', inputs: ['latent_sample', 'w'], outputs: ['c'], attributes: { kernel_shape: [1, 1] } },
      { op: 'Resize', inputs: ['c', '', 'scales'], outputs: ['sample'] },
    ],
  });
}

const sdScheduler = {
  _class_name: 'DDIMScheduler',
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  prediction_type: 'v_prediction',
  timestep_spacing: 'trailing',
};

/** Writes a whole Stable Diffusion folder of a few kilobytes into a new temporary folder. */
export async function writeTinyModel(options: TinyModelOptions = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'stopbath-tiny-'));
  const write = async (name: string, content: Buffer | string | object): Promise<void> => {
    const file = join(folder, name);
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(file, typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content));
  };
  const vocabulary = Object.fromEntries(tokens.map((token, id) => [token, id]));
  await write('model_index.json', { _class_name: 'StableDiffusionPipeline' });
  await write('scheduler/scheduler_config.json', options.scheduler ?? sdScheduler);
  await write('tokenizer/vocab.json', vocabulary);
  await write('tokenizer/merges.txt', '#version: 0.2\na b</w>\n');
  await write('tokenizer/tokenizer_config.json', { model_max_length: 77, pad_token: '<|endoftext|>' });
  await write('text_encoder/config.json', { vocab_size: tokens.length });
  await write('text_encoder/model.onnx', textEncoder(options.idsType ?? 'int64'));
  await write('unet/config.json', { in_channels: 4, sample_size: 8, block_out_channels: [4, 4] });
  await write('unet/model.onnx', unet(options));
  await write('vae_decoder/config.json', { latent_channels: 4, scaling_factor: 0.18215, block_out_channels: [1, 1, 1, 1] });
  await write('vae_decoder/model.onnx', decoder());
  return folder;
}
