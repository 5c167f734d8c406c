import { drawNoise, pureNoise } from './draws.ts';
import type { StartInput, TaskStart } from './taskStart.ts';

/** Pure noise at the schedule's first level. */
export function textToImage({ request, pipeline, stepper, noise }: StartInput): TaskStart {
  return { tensors: { latents: pureNoise(drawNoise(request, pipeline, noise), stepper) }, known: null };
}
