import type { SchedulerId } from '../../../shared/samplers.ts';
import type { StepCallback } from '../callbacks/callback.ts';
import { denoise, type DenoiseResult } from '../denoise.ts';
import type { Condition } from '../guidance/condition.ts';
import type { RunTensors } from '../runTensors.ts';
import { TorchGenerator } from '../tensor/random.ts';
import { mapTensor, tensor, type Tensor } from '../tensor/tensor.ts';
import { plan } from './loopRig.ts';

/** A run of the real loop on a model that takes no time; for tests. */
export interface CallbackRun {
  readonly steps?: number;
  readonly scheduler?: SchedulerId;
  readonly rows?: number;
  readonly guidanceScale?: number;
  readonly tensors?: Partial<RunTensors>;
}

export interface ModelCall {
  readonly rows: number;
  readonly condition: Condition;
}

export interface CallbackRunResult extends DenoiseResult {
  readonly calls: readonly ModelCall[];
}

/** Rows of three tokens of two values, row r all `value + r / 100`. */
export function embeds(value: number, rows = 1): Tensor {
  return tensor([rows, 3, 2], Float32Array.from({ length: rows * 6 }, (_, index) => value + Math.floor(index / 6) / 100));
}

export function filled(dims: readonly number[], value: number): Tensor {
  return tensor(dims, new Float32Array(dims.reduce((product, side) => product * side, 1)).fill(value));
}

/** Prompt embeddings begin at 4, negative ones at -2; both halves of guidance are one call. */
export async function runWith(callbacks: readonly StepCallback[], run: CallbackRun = {}): Promise<CallbackRunResult> {
  const { steps = 10, scheduler = 'euler', rows = 1, guidanceScale = 5, tensors } = run;
  const calls: ModelCall[] = [];
  const given = plan(
    {
      model: (sample, _timestep, condition) => {
        calls.push({ rows: sample.dims[0] ?? 0, condition });
        return Promise.resolve(mapTensor(sample, (value) => 0.1 * value));
      },
      guidedCalls: 'one-batch',
      guidanceScale,
      callbacks,
      tensors: {
        latents: new TorchGenerator('1').normal([rows, 4, 2, 2]),
        prompt_embeds: embeds(4, rows),
        negative_prompt_embeds: embeds(-2, rows),
        ...tensors,
      },
    },
    steps,
    scheduler,
  );
  return { ...(await denoise(given)), calls };
}

export function guidedCount({ steps }: DenoiseResult): number {
  return steps.filter(({ guided }) => guided).length;
}

export function scalesOf({ steps }: DenoiseResult): number[] {
  return steps.map(({ guidanceScale }) => guidanceScale);
}
