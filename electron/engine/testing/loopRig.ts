import type { SchedulerId } from '../../../shared/samplers.ts';
import type { DenoisePlan } from '../denoise.ts';
import type { NoiseModel } from '../guidance/condition.ts';
import type { RunTensors } from '../runTensors.ts';
import { loadScheduler } from '../schedulers/registry.ts';
import { TorchGenerator } from '../tensor/random.ts';
import { mapTensor, tensor, type Tensor } from '../tensor/tensor.ts';

export interface Call {
  readonly rows: number;
  readonly textRows: number;
}

/** A model that treats every row apart: 0.1 clamp(x) + the mean of its own text. Counts its calls. */
export function rowModel(calls: Call[], onCall: () => void = () => undefined): NoiseModel {
  return (sample, _timestep, { promptEmbeds: text }) => {
    const [rows = 0] = sample.dims;
    calls.push({ rows, textRows: text.dims[0] ?? 0 });
    onCall();
    const size = sample.data.length / rows;
    const width = text.data.length / rows;
    const data = sample.data.map((x, index) => {
      const row = Math.floor(index / size);
      const words = text.data.subarray(row * width, (row + 1) * width);
      return 0.1 * Math.max(-1, Math.min(1, x)) + words.reduce((sum, v) => sum + v, 0) / width;
    });
    return Promise.resolve({ dims: sample.dims, data });
  };
}

/** Prompt embeddings of one value. */
export const text = (value: number, rows = 1): Tensor => tensor([rows, 3, 2], new Float32Array(rows * 6).fill(value));

/** A plan of some changed parts; tensors by name replace single ones. */
export function plan(
  { tensors, ...change }: Partial<Omit<DenoisePlan, 'tensors'>> & { readonly tensors?: Partial<RunTensors> } = {},
  steps = 10,
  scheduler: SchedulerId = 'euler',
): DenoisePlan {
  const loaded = loadScheduler(scheduler, { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear' });
  const stepper = loaded.scheduler.createStepper(loaded.config, loaded.plan(steps));
  const noise = new TorchGenerator('1');
  return {
    model: rowModel([]),
    guidedCalls: 'two-singles',
    stepper,
    predictionType: 'epsilon',
    noise,
    window: { begin: 0, end: stepper.timesteps.length },
    tensors: {
      latents: mapTensor(noise.normal([1, 4, 2, 2]), (x) => x * stepper.initNoiseSigma),
      prompt_embeds: text(0.4),
      negative_prompt_embeds: text(-0.2),
      ...tensors,
    },
    known: null,
    guidanceScale: 5,
    guidanceRescale: 0,
    mayGuide: true,
    firstStep: 0,
    callbacks: [],
    onStep: () => undefined,
    signal: new AbortController().signal,
    paceMs: () => 0,
    ...change,
  };
}
