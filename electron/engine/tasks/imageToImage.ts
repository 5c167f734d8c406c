import { drawNoise, encodeForBatch } from './draws.ts';
import { picturePixels, requireInputs } from './pictureInput.ts';
import type { StartInput, TaskStart } from './taskStart.ts';

/** The picture at the noise level of the first step; of a run that goes on where another left off, the picture as it is. */
export async function imageToImage({ request, inputs, pipeline, stepper, window, noise }: StartInput): Promise<TaskStart> {
  const latents = await encodeForBatch(picturePixels(requireInputs(inputs), request), request, pipeline, noise);
  if (request.denoisingStart !== null) return { tensors: { latents }, known: null };
  return { tensors: { latents: stepper.addNoise(latents, drawNoise(request, pipeline, noise), window.begin) }, known: null };
}
