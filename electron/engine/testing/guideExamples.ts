import { plainUse, type RgbImage } from '../../../shared/engineProtocol.ts';
import { StopbathError } from '../../../shared/errors.ts';
import { parseGenerationRequest } from '../../../shared/generation.ts';
import { asDiffusers } from '../callbacks/asDiffusers.ts';
import type { StepCallback } from '../callbacks/callback.ts';
import { cfgCutoff } from '../callbacks/cfgCutoff.ts';
import { guidanceCurve } from '../callbacks/guidanceCurve.ts';
import { guidanceInterval } from '../callbacks/guidanceInterval.ts';
import { guidedSteps } from '../callbacks/guidedSteps.ts';
import { interruptAtStep } from '../callbacks/interruptAtStep.ts';
import { saveLatents } from '../callbacks/saveLatents.ts';
import { createEngine } from '../engine.ts';
import { mapTensor, sliceRows, type Tensor, zipTensors } from '../tensor/tensor.ts';

// The code of GUIDE.md: guide.test.ts holds the two against each other and runs every piece.

// #region run
export async function draw(modelFolder: string, callbacks: readonly StepCallback[]): Promise<readonly RgbImage[]> {
  const images: RgbImage[] = [];
  const failures: Error[] = [];
  const engine = createEngine({
    probeEntry: '',
    warn: (text) => console.warn(text),
    emit: (message) => {
      if (message.kind === 'finished') images.push(...message.images);
      if (message.kind === 'failed') failures.push(new StopbathError(message.failure));
    },
  });
  const request = parseGenerationRequest({
    task: 'text-to-image',
    modelId: 'guide',
    prompt: 'a photo of an astronaut riding a horse on mars',
    negativePrompt: null,
    width: 512,
    height: 512,
    steps: 50,
    guidanceScale: 7.5,
    guidanceEnd: { kind: 'never' },
    scheduler: 'euler',
    seed: '1',
  });
  await engine.generate(
    { kind: 'generate', jobId: 'guide', request, inputs: null, modelFolder, provider: 'cpu', ...plainUse, previewMode: 'off', paceMs: 0 },
    callbacks,
  );
  if (failures[0] !== undefined) throw failures[0];
  return images;
}
// #endregion

// #region cutoff
export const dynamicCfg: StepCallback = {
  name: 'dynamicCfg',
  callbackOnStepEndTensorInputs: [],
  callbackOnStepEnd(run, stepIndex) {
    if (stepIndex !== Math.trunc(run.numTimesteps * 0.4)) return undefined;
    return { guidanceScale: 0 };
  },
};
// #endregion

// #region cutoff-diffusers
const chunk2 = (value: Tensor): Tensor => sliceRows(value, (value.dims[0] ?? 0) / 2, value.dims[0] ?? 0);

export const dynamicCfgOfDiffusers = asDiffusers(
  (pipe, stepIndex, _timestep, kwargs) => {
    const { prompt_embeds } = kwargs;
    if (stepIndex !== Math.trunc(pipe.numTimesteps * 0.4) || prompt_embeds === undefined) return kwargs;
    pipe.guidanceScale = 0;
    return { prompt_embeds: chunk2(prompt_embeds) };
  },
  { tensorInputs: ['prompt_embeds'], pipeline: 'StableDiffusionPipeline' },
);
// #endregion

// #region interrupt
export const stopAfterTen: StepCallback = {
  name: 'stopAfterTen',
  callbackOnStepEndTensorInputs: [],
  callbackOnStepEnd: (_run, stepIndex) => ({ interrupt: stepIndex === 9 }),
};
// #endregion

// #region interrupt-diffusers
export const stopAtIndexTen = asDiffusers((pipe, i, _t, kwargs) => {
  pipe.interrupt = i === 10;
  return kwargs;
});
// #endregion

// #region rgb
const factors = [
  [60, -60, 25, -70],
  [60, -5, 15, -50],
  [60, 10, -5, -35],
] as const;
const biases = [150, 140, 130] as const;

/** SDXL latents [B, 4, h, w] to B pictures of h x w pixels. */
export function latentsToRgb({ dims, data }: Tensor): RgbImage[] {
  const [rows = 0, , height = 0, width = 0] = dims;
  const area = height * width;
  return Array.from({ length: rows }, (_, row) => {
    const rgb = new Uint8ClampedArray(3 * area);
    for (let pixel = 0; pixel < area; pixel++) {
      factors.forEach((shares, colour) => {
        const value = (channel: number): number => data[(4 * row + channel) * area + pixel] ?? 0;
        rgb[3 * pixel + colour] = shares.reduce((sum, share, channel) => sum + share * value(channel), biases[colour] ?? 0);
      });
    }
    return { width, height, rgb: new Uint8Array(rgb.buffer) };
  });
}

export function showEachStep(show: (images: readonly RgbImage[], stepIndex: number) => void): StepCallback {
  return {
    name: 'showEachStep',
    callbackOnStepEndTensorInputs: [],
    callbackOnStepEnd(run, stepIndex) {
      show(latentsToRgb(run.cleanEstimate), stepIndex);
      return undefined;
    },
  };
}
// #endregion

// #region prompt
/** @param target [B, tokens, width], the sides of the run's own embeddings */
export function fadePromptTo(target: Tensor): StepCallback {
  let start: Tensor | undefined;
  return {
    name: 'fadePrompt',
    callbackOnStepEndTensorInputs: ['prompt_embeds'],
    callbackOnStepEnd(run, stepIndex, _timestep, { prompt_embeds }) {
      start ??= prompt_embeds;
      if (start === undefined) return undefined;
      const share = (stepIndex + 1) / run.numTimesteps;
      return { tensors: { prompt_embeds: zipTensors(start, target, (from, to) => from + (to - from) * share) } };
    },
  };
}
// #endregion

// #region weights
export function weightPromptFrom(stepIndex: number, weight: number): StepCallback {
  return {
    name: 'weightPrompt',
    callbackOnStepEndTensorInputs: ['prompt_embeds', 'negative_prompt_embeds'],
    callbackOnStepEnd(_run, index, _timestep, { prompt_embeds, negative_prompt_embeds }) {
      if (index + 1 !== stepIndex || prompt_embeds === undefined || negative_prompt_embeds === undefined) return undefined;
      const weighted = zipTensors(prompt_embeds, negative_prompt_embeds, (own, empty) => empty + (own - empty) * weight);
      return { tensors: { prompt_embeds: weighted } };
    },
  };
}
// #endregion

// #region inpaint
export function freeMaskAfter(share: number): StepCallback {
  return {
    name: 'freeMask',
    callbackOnStepEndTensorInputs: ['mask'],
    callbackOnStepEnd(run, stepIndex, _timestep, { mask }) {
      if (mask === undefined || stepIndex !== Math.trunc(run.numTimesteps * share)) return undefined;
      return { tensors: { mask: mapTensor(mask, () => 1) } };
    },
  };
}
// #endregion

// #region ready-made
export const readyMade = (onLatents: (latents: Tensor, stepIndex: number) => void): readonly StepCallback[] => [
  guidanceCurve(7.5, { kind: 'cosine', to: 2 }),
  guidanceInterval(7.5, { sigmaLow: 0.3, sigmaHigh: 5 }),
  cfgCutoff({ cutoffStepRatio: 0.4 }),
  guidedSteps(20),
  saveLatents(({ latents, stepIndex }) => onLatents(latents, stepIndex)),
  interruptAtStep({ steps: 30 }),
];
// #endregion
