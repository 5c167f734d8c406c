import { z } from 'zod';
import { StopbathError } from '../../../shared/errors.ts';
import type { Condition, ModelExtras, NoiseModel } from '../guidance/condition.ts';
import type { ModelSession, TensorSpec } from '../tensor/modelSession.ts';
import { concatRows, describeDims, repeatRows, sliceRows, tensor, type Tensor } from '../tensor/tensor.ts';
import { ModelFault } from './modelFault.ts';
import { type UnetInput, unetInputs } from './unetInputs.ts';

const unetSchema = z.object({
  in_channels: z.int().optional(),
  block_out_channels: z.array(z.int()).min(1).optional(),
  time_cond_proj_dim: z.int().min(4).nullable().optional(),
});

export interface UnetConfig {
  /** How often the UNet halves its latents, plus one. */
  readonly levels: number;
  readonly channels: number | null;
  readonly guidanceWidth: number | null;
}

/**
 * @param file the parsed unet/config.json, or null where there is none
 * @throws StopbathError `MODEL_UNSUPPORTED`
 */
export function readUnetConfig(file: unknown): UnetConfig {
  const parsed = unetSchema.safeParse(file ?? {});
  if (!parsed.success) {
    throw new ModelFault('CONFIG_VALUE', 'unet', {
      code: 'MODEL_UNSUPPORTED',
      message: 'unet/config.json describes a UNet this version cannot run.',
      detail: z.prettifyError(parsed.error),
    });
  }
  const { block_out_channels: blocks, in_channels: channels, time_cond_proj_dim: guidanceWidth } = parsed.data;
  return { levels: blocks?.length ?? 4, channels: channels ?? null, guidanceWidth: guidanceWidth ?? null };
}

export interface UnetFacts {
  /** Channels it takes: those of the latents, or with mask and masked picture 2C + 1. */
  readonly channels: number;
  /** Width of the guidance scale it is told as `timestep_cond`; null for one that is guided by two calls. */
  readonly guidanceWidth: number | null;
  /** Tokens of a prompt, where the export allows one number only; 77 is a single chunk. */
  readonly tokens: number | null;
}

/** The config, and where it is silent (old exports have none) what the model's inputs say. */
export function unetFacts(config: UnetConfig, session: ModelSession): UnetFacts {
  const inputs = unetInputs(session);
  const side = (name: UnetInput, index: number): number | null => {
    const value = inputs[name]?.dims[index];
    return typeof value === 'number' && value > 0 ? value : null;
  };
  return {
    channels: config.channels ?? side('sample', 1) ?? 4,
    guidanceWidth: config.guidanceWidth ?? side('timestep_cond', 1),
    tokens: side('encoder_hidden_states', 1),
  };
}

/** Name of what our own graphs give and take beside the others, see graph/architectures/unet.ts. */
export const featuresName = 'deep_features';

/** What a UNet is fed, by the names and types its file declares. */
export interface UnetFeeds {
  /** Rows of every call, where the export takes one number only. */
  readonly fixedRows: number | null;
  /** All but the timestep. */
  of(sample: Tensor, condition: Condition, extras: ModelExtras): Readonly<Record<string, Tensor>>;
  timestep(timestep: number, rows: number): Readonly<Record<string, Tensor>>;
}

/** @throws StopbathError `MODEL_UNSUPPORTED` naming an input every UNet has and this one has not. */
export function unetFeeds(session: ModelSession, { channels }: UnetFacts, latentChannels: number): UnetFeeds {
  const inputs = unetInputs(session);
  const named = (name: UnetInput): TensorSpec => {
    const spec = inputs[name];
    if (spec !== undefined) return spec;
    throw new ModelFault('INPUT_MISSING', 'unet', {
      code: 'MODEL_UNSUPPORTED',
      message: `unet/model.onnx has no input "${name}".`,
      nextStep: 'Export the model again with optimum-onnx, as text-to-image.',
      detail: session.inputs.map((input) => `${input.name} ${input.type} ${describeDims(input.dims)}`).join('\n'),
    });
  };
  const [sampleSpec, timeSpec, textSpec] = [named('sample'), named('timestep'), named('encoder_hidden_states')];
  const takesMask = channels > latentChannels;
  const [rows] = sampleSpec.dims;
  return {
    fixedRows: typeof rows === 'number' && rows > 0 ? rows : null,
    of(sample, { promptEmbeds, pooled, timeIds }, { mask, maskedImageLatents, timestepCond }) {
      const optional = { text_embeds: pooled, time_ids: timeIds, timestep_cond: timestepCond };
      const feeds: Record<string, Tensor> = {
        [sampleSpec.name]: takesMask ? withMask(sample, mask, maskedImageLatents) : sample,
        [textSpec.name]: promptEmbeds,
      };
      for (const [name, value] of Object.entries(optional)) {
        const spec = inputs[name as UnetInput];
        if (spec !== undefined && value !== null) feeds[spec.name] = value;
      }
      return feeds;
    },
    timestep: (timestep, count) => ({ [timeSpec.name]: timestepTensor(timestep, timeSpec, count) }),
  };
}

/**
 * The UNet by the names and shapes its file declares; exports differ in the timestep's rank and type.
 * @throws StopbathError as {@link unetFeeds}
 */
export function unetModel(session: ModelSession, facts: UnetFacts, latentChannels: number): NoiseModel {
  const feeds = unetFeeds(session, facts, latentChannels);
  const output = unetOutput(session);
  return async (sample, timestep, condition, extras) => {
    const run = async (given: Readonly<Record<string, Tensor>>, rows: number): Promise<Tensor> => {
      const results = await session.run({ ...given, ...feeds.timestep(timestep, rows) }, [output]);
      return requireSize(results[output], sample, rows);
    };
    const rows = sample.dims[0] ?? 1;
    const given = feeds.of(sample, condition, extras);
    return feeds.fixedRows !== null && feeds.fixedRows !== rows ? inGroups(given, rows, feeds.fixedRows, run) : run(given, rows);
  };
}

/** Name of what it predicts. */
export function unetOutput(session: ModelSession): string {
  return session.outputs[0]?.name ?? 'out_sample';
}

/**
 * @param rows of the call the result is of
 * @throws StopbathError `MODEL_UNSUPPORTED` for a result that is none for these latents.
 */
export function requireSize(result: Tensor | undefined, sample: Tensor, rows: number): Tensor {
  if (result !== undefined && result.data.length * (sample.dims[0] ?? 1) === sample.data.length * rows) return result;
  throw wrongSize(result, sample);
}

/** For exports that take one number of rows only: the rows in groups of so many, the last filled up with its last row. */
async function inGroups(
  feeds: Readonly<Record<string, Tensor>>,
  rows: number,
  size: number,
  run: (feeds: Readonly<Record<string, Tensor>>, rows: number) => Promise<Tensor>,
): Promise<Tensor> {
  const answers: Tensor[] = [];
  for (let from = 0; from < rows; from += size) {
    const to = Math.min(from + size, rows);
    const group = Object.entries(feeds).map(([name, value]): [string, Tensor] => {
      const own = sliceRows(value, from, to);
      const missing = size - (to - from);
      return [name, missing === 0 ? own : concatRows([own, repeatRows(sliceRows(value, to - 1, to), missing)])];
    });
    answers.push(sliceRows(await run(Object.fromEntries(group), size), 0, to - from));
  }
  return concatRows(answers);
}

function wrongSize(result: Tensor | undefined, sample: Tensor): ModelFault {
  const given = result === undefined ? 'nothing' : describeDims(result.dims);
  return new ModelFault('OUTPUT_SIZE', 'unet', {
    code: 'MODEL_UNSUPPORTED',
    message: `unet/model.onnx gives ${given} for latents of ${describeDims(sample.dims)}.`,
    nextStep: 'Choose a model that predicts noise for the latents it is given.',
  });
}

/** [latents, mask, masked picture] along the channels, row by row. */
function withMask(sample: Tensor, mask: Tensor | null, maskedImageLatents: Tensor | null): Tensor {
  if (mask === null || maskedImageLatents === null) {
    throw new StopbathError({ code: 'INTERNAL', message: 'An inpainting UNet was called without a mask.' });
  }
  const [rows = 1, , height = 1, width = 1] = sample.dims;
  const parts = [sample, mask, maskedImageLatents];
  const sizes = parts.map((part) => part.data.length / rows);
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.data.length, 0));
  let offset = 0;
  for (let row = 0; row < rows; row++) {
    for (const [index, part] of parts.entries()) {
      const size = sizes[index] ?? 0;
      data.set(part.data.subarray(row * size, (row + 1) * size), offset);
      offset += size;
    }
  }
  return tensor([rows, data.length / (rows * height * width), height, width], data);
}

/** [] in current exports, [1] in optimum's before 2024-11, [batch] in those of the diffusers script. */
export function timestepTensor(timestep: number, spec: TensorSpec, rows: number): Tensor {
  const side = spec.dims[0];
  if (spec.dims.length === 0) return tensor([], Float32Array.of(timestep));
  const count = side === 1 || side === 'steps' ? 1 : rows;
  return tensor([count], new Float32Array(count).fill(timestep));
}
