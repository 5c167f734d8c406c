import { z } from 'zod';
import { StopbathError } from '../../../shared/errors.ts';
import type { NoiseModel } from '../guidance/condition.ts';
import type { ModelSession, TensorSpec } from '../tensor/modelSession.ts';
import { describeDims, tensor, type Tensor } from '../tensor/tensor.ts';

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
    throw new StopbathError({
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
  const side = (name: string, index: number): number | null => {
    const value = session.inputs.find((input) => input.name === name)?.dims[index];
    return typeof value === 'number' && value > 0 ? value : null;
  };
  return {
    channels: config.channels ?? side('sample', 1) ?? 4,
    guidanceWidth: config.guidanceWidth ?? side('timestep_cond', 1),
    tokens: side('encoder_hidden_states', 1),
  };
}

/**
 * The UNet by the names and shapes its file declares; exports differ in the timestep's rank and type.
 * @throws StopbathError `MODEL_UNSUPPORTED` naming an input every UNet has and this one has not.
 */
export function unetModel(session: ModelSession, { channels }: UnetFacts, latentChannels: number): NoiseModel {
  const named = (name: string): TensorSpec => {
    const spec = session.inputs.find((input) => input.name === name);
    if (spec !== undefined) return spec;
    throw new StopbathError({
      code: 'MODEL_UNSUPPORTED',
      message: `unet/model.onnx has no input "${name}".`,
      detail: session.inputs.map((input) => `${input.name} ${input.type} ${describeDims(input.dims)}`).join('\n'),
    });
  };
  const [sampleSpec, timeSpec, textSpec] = [named('sample'), named('timestep'), named('encoder_hidden_states')];
  const output = session.outputs[0]?.name ?? 'out_sample';
  const takesMask = channels > latentChannels;
  return async (sample, timestep, { promptEmbeds, pooled, timeIds }, { mask, maskedImageLatents, timestepCond }) => {
    const optional = { text_embeds: pooled, time_ids: timeIds, timestep_cond: timestepCond };
    const results = await session.run({
      [sampleSpec.name]: takesMask ? withMask(sample, mask, maskedImageLatents) : sample,
      [timeSpec.name]: timestepTensor(timestep, timeSpec, sample.dims[0] ?? 1),
      [textSpec.name]: promptEmbeds,
      ...Object.fromEntries(Object.entries(optional).filter((entry): entry is [string, Tensor] => entry[1] !== null)),
    });
    const result = results[output];
    if (result === undefined || result.data.length !== sample.data.length) {
      throw new StopbathError({ code: 'MODEL_UNSUPPORTED', message: 'The UNet gives no sample of the size it takes.' });
    }
    return result;
  };
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
