import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyModelFolder } from '../../../e2e/parity/tiny/folder.ts';
import type { GreyImage, RgbImage, RunInputs } from '../../../shared/engineProtocol.ts';
import type { ErrorCode } from '../../../shared/errors.ts';
import { type GenerationRequestInput, parseGenerationRequest } from '../../../shared/generation.ts';
import type { StepCallback } from '../callbacks/callback.ts';
import type { GenerateCommand } from '../generation.ts';
import { createRig, ofKind } from '../testing/engineRig.ts';

/** What badInput.test.ts asks of the command line, asked of a request and of the engine itself: refused by the field's name. */

const models = { sd: '', inpaint: '' };
type ModelName = keyof typeof models;

beforeAll(async () => {
  models.sd = await tinyModelFolder('sd');
  models.inpaint = await tinyModelFolder('sd-inpaint');
});
afterAll(async () => {
  for (const made of Object.values(models)) await rm(made, { recursive: true });
});

interface RequestCase {
  readonly change: Record<string, unknown>;
  readonly field: string;
}
const base: GenerationRequestInput = {
  task: 'text-to-image',
  modelId: 'm',
  prompt: 'a',
  negativePrompt: null,
  width: 64,
  height: 64,
  steps: 4,
  guidanceScale: 5,
  guidanceEnd: { kind: 'never' },
  scheduler: 'euler',
  seed: '1',
};
const named = { id: 'a'.repeat(64), width: 64, height: 64 };
const fromPicture = { task: 'image-to-image', image: named };
const fromMask = { task: 'inpaint', image: named, mask: named };

const requestCases: readonly RequestCase[] = [
  { change: { task: 'upscale' }, field: 'task' },
  { change: { modelId: '' }, field: 'modelId' },
  { change: { prompt: 'a'.repeat(40_000) }, field: 'prompt' },
  { change: { prompt: 5 }, field: 'prompt' },
  { change: { negativePrompt: undefined }, field: 'negativePrompt' },
  { change: { width: NaN }, field: 'width' },
  { change: { height: 66 }, field: 'height' },
  { change: { steps: NaN }, field: 'steps' },
  { change: { steps: 1.5 }, field: 'steps' },
  { change: { guidanceScale: NaN }, field: 'guidanceScale' },
  { change: { guidanceScale: Infinity }, field: 'guidanceScale' },
  { change: { guidanceEnd: { kind: 'ratio', ratio: NaN } }, field: 'guidanceEnd.ratio' },
  { change: { guidanceEnd: { kind: 'guided-steps', steps: -1 } }, field: 'guidanceEnd.steps' },
  { change: { guidanceEnd: { kind: 'soon' } }, field: 'guidanceEnd.kind' },
  { change: { guidanceCurve: { kind: 'list', scales: [] } }, field: 'guidanceCurve.scales' },
  { change: { guidanceCurve: { kind: 'linear', to: NaN } }, field: 'guidanceCurve.to' },
  { change: { guidanceInterval: { sigmaLow: 2, sigmaHigh: 1 } }, field: 'guidanceInterval.sigmaHigh' },
  { change: { guidanceInterval: { sigmaLow: NaN, sigmaHigh: 1 } }, field: 'guidanceInterval.sigmaLow' },
  { change: { guidanceRescale: NaN }, field: 'guidanceRescale' },
  { change: { scheduler: 'restart' }, field: 'scheduler' },
  { change: { eta: NaN }, field: 'eta' },
  { change: { timesteps: [] }, field: 'timesteps' },
  { change: { timesteps: [NaN] }, field: 'timesteps.0' },
  { change: { sigmas: [10, Infinity] }, field: 'sigmas.1' },
  { change: { timesteps: [500], sigmas: [10, 1] }, field: 'sigmas' },
  { change: { seed: 1 }, field: 'seed' },
  { change: { seed: '01' }, field: 'seed' },
  { change: { noise: { kind: 'torch-cuda', sms: NaN, threadsPerSm: 1536 } }, field: 'noise.sms' },
  { change: { imagesPerPrompt: 17 }, field: 'imagesPerPrompt' },
  { change: { imagesPerPrompt: 8, morePrompts: ['b', 'c'] }, field: 'imagesPerPrompt' },
  { change: { clipSkip: NaN }, field: 'clipSkip' },
  { change: { image: named }, field: 'image' },
  { change: { mask: named }, field: 'mask' },
  { change: { denoisingStart: 0.5 }, field: 'denoisingStart' },
  { change: { task: 'image-to-image' }, field: 'image' },
  { change: { ...fromPicture, strength: 0 }, field: 'strength' },
  { change: { ...fromPicture, strength: NaN }, field: 'strength' },
  { change: { ...fromPicture, strength: Infinity }, field: 'strength' },
  { change: { ...fromPicture, image: { ...named, id: '../../etc/passwd' } }, field: 'image.id' },
  { change: { ...fromPicture, denoisingStart: 0.5, denoisingEnd: 0.5 }, field: 'denoisingEnd' },
  { change: { task: 'inpaint', image: named }, field: 'mask' },
  { change: { ...fromMask, mask: { ...named, width: 72 } }, field: 'mask' },
  { change: { ...fromMask, maskPadding: -1 }, field: 'maskPadding' },
  { change: { microConditioning: { originalSize: { width: 0, height: 5 } } }, field: 'microConditioning.originalSize.width' },
];

describe('a request', () => {
  it.each(requestCases.map((one) => [JSON.stringify(one.change).slice(0, 90), one] as const))('%s', (_, { change, field }) => {
    expect(() => parseGenerationRequest({ ...base, ...change })).toThrow(expect.objectContaining({ code: 'INVALID_INPUT', field }) as Error);
  });

  it.each([null, 5, 'text', [], {}])('%j is none', (value) => {
    expect(() => parseGenerationRequest(value)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }) as Error);
  });
});

const rgb: RgbImage = { width: 64, height: 64, rgb: new Uint8Array(64 * 64 * 3).fill(90) };
const painted: GreyImage = { width: 64, height: 64, grey: new Uint8Array(64 * 64).fill(255) };
const asking = (name: string): StepCallback => ({ name: 'own', callbackOnStepEndTensorInputs: [name], callbackOnStepEnd: () => undefined });
const throwing: StepCallback = { name: 'own', callbackOnStepEnd: () => { throw new TypeError('oh'); } };

interface EngineCase {
  readonly name: string;
  readonly change?: Record<string, unknown>;
  readonly inputs?: RunInputs | null;
  readonly model?: ModelName;
  readonly callbacks?: readonly StepCallback[];
  readonly command?: Partial<GenerateCommand>;
  readonly code?: ErrorCode;
  readonly field?: string;
}
const engineCases: readonly EngineCase[] = [
  { name: 'a tensor the run has not', callbacks: [asking('latent')], field: 'callbackOnStepEndTensorInputs' },
  { name: "SDXL's tensors on SD", callbacks: [asking('add_time_ids')], field: 'callbackOnStepEndTensorInputs' },
  { name: 'a callback that throws', callbacks: [throwing], code: 'CALLBACK' },
  { name: 'a picture that did not come along', change: fromPicture, field: 'image' },
  { name: 'a mask that did not come along', change: fromMask, inputs: { image: rgb, mask: null }, field: 'mask' },
  { name: 'an empty mask', change: fromMask, inputs: { image: rgb, mask: { ...painted, grey: new Uint8Array(64 * 64) } }, field: 'mask' },
  { name: 'a mask of other sides', change: fromMask, inputs: { image: rgb, mask: { width: 8, height: 8, grey: new Uint8Array(64).fill(255) } }, field: 'mask' },
  { name: 'a strength that leaves no step', change: { ...fromPicture, strength: 0.1 }, inputs: { image: rgb, mask: null }, field: 'strength' },
  { name: 'rising timesteps', change: { timesteps: [1, 2, 3] }, field: 'timesteps' },
  { name: 'sigmas for a scheduler without', change: { scheduler: 'ddim', sigmas: [10, 1] }, field: 'sigmas' },
  { name: 'sides the UNet cannot halve', change: { width: 72 }, field: 'width' },
  { name: "SDXL's fields on SD", change: { prompt2: 'b' }, field: 'prompt2' },
  { name: 'a clip skip beyond the layers there are', change: { clipSkip: 12 }, field: 'clipSkip' },
  { name: 'an inpainting model without a mask', model: 'inpaint', field: 'task' },
  { name: 'a folder that is no model', command: { modelFolder: '/nowhere' }, code: 'MODEL_NOT_FOUND' },
  { name: 'a device that is not there', command: { provider: 'dml' }, code: 'PROVIDER_UNAVAILABLE' },
];

describe('one engine', () => {
  it('refuses all of these by field, and draws the same as before', async () => {
    const rig = createRig(models.sd);
    const good = parseGenerationRequest(base);
    const pictureOf = async (): Promise<RgbImage | undefined> => ofKind(await rig.generate({ request: good }), 'finished')[0]?.images[0];
    const before = await pictureOf();
    expect(before?.rgb).toHaveLength(64 * 64 * 3);
    const seen: object[] = [];
    for (const { name, change = {}, inputs = null, model = 'sd', callbacks = [], command = {} } of engineCases) {
      const request = parseGenerationRequest({ ...base, ...change });
      const messages = await rig.generate({ request, inputs, modelFolder: models[model], ...command }, callbacks);
      const last = messages.at(-1);
      seen.push({ name, ended: last?.kind, ...(last?.kind === 'failed' ? { code: last.failure.code, field: last.failure.field } : {}) });
      expect(ofKind(messages, 'finished')).toEqual([]);
    }
    expect(seen).toEqual(engineCases.map(({ name, code = 'INVALID_INPUT', field }) => ({ name, ended: 'failed', code, field })));
    expect(await pictureOf()).toEqual(before);
  });
});
