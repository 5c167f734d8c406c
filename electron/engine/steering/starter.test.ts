import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { RgbImage } from '../../../shared/engineProtocol.ts';
import { type GenerationRequest, parseGenerationRequest } from '../../../shared/generation.ts';
import { createRig, ofKind } from '../testing/engineRig.ts';

const rig = createRig(fileURLToPath(new URL('../../../assets/starter', import.meta.url)));
const request = parseGenerationRequest({
  task: 'text-to-image',
  modelId: 'starter',
  prompt: 'a red house and a palm tree on green grass with mountains under an orange sunset sky with the sun',
  negativePrompt: null,
  width: 192,
  height: 192,
  steps: 20,
  scheduler: 'ddim',
  guidanceScale: 3,
  guidanceEnd: { kind: 'never' },
  seed: '5',
});

async function draw(change: Partial<GenerationRequest>): Promise<{ image: RgbImage; evaluations: number }> {
  const [finished] = ofKind(await rig.generate({ request: { ...request, ...change } }), 'finished');
  const [image] = finished?.images ?? [];
  if (finished === undefined || image === undefined) throw new Error('not finished');
  return { image, evaluations: finished.trace.unetEvaluationsTotal };
}

/** Peak signal-to-noise ratio in dB. */
function psnr(a: RgbImage, b: RgbImage): number {
  const squares = a.rgb.reduce((sum, value, index) => sum + (value - (b.rgb[index] ?? 0)) ** 2, 0);
  return 10 * Math.log10((255 * 255 * a.rgb.length) / squares);
}

it('the built-in model finishes early in the same picture, by its own scheduler and another, and by guidance that ends in time', async () => {
  const full = await draw({});
  expect(full.evaluations).toBe(40);
  const after = (afterStep: number, tail: { steps: number; scheduler?: 'dpmpp_2m' }) => [{ afterStep, steering: { tail } }];
  const three = await draw({ steering: after(7, { steps: 3 }) });
  expect(three.evaluations).toBe(22);
  expect(psnr(three.image, full.image)).toBeGreaterThan(25);
  const other = await draw({ steering: after(7, { steps: 4, scheduler: 'dpmpp_2m' }) });
  expect(psnr(other.image, full.image)).toBeGreaterThan(25);
  const adaptive = await draw({ guidanceEnd: { kind: 'evidence', cosine: 0.995 }, reuse: { kind: 'steps', threshold: 0.1, most: 2 } });
  // At least 45 % of the evaluations saved.
  expect(adaptive.evaluations).toBeLessThanOrEqual(22);
  expect(psnr(adaptive.image, full.image)).toBeGreaterThan(25);
}, 60_000);
