import { batchSize } from '../../../shared/generation.ts';
import { repeatRows } from '../tensor/tensor.ts';
import { drawNoise, encodeForBatch, pureNoise } from './draws.ts';
import { maskedPicture, requireInputs } from './pictureInput.ts';
import type { StartInput, TaskStart } from './taskStart.ts';

/**
 * Noise alone at strength 1, else the picture at the noise level of the first step.
 * The order of draws is that of diffusers: posterior of the picture (a UNet that takes the mask needs it only where the run
 * begins with the picture), noise, posterior of the masked picture, which a UNet that does not take it draws all the same.
 */
export async function inpaint({ request, inputs, pipeline, stepper, window, noise }: StartInput): Promise<TaskStart> {
  const picture = maskedPicture(request, requireInputs(inputs), pipeline.latentSpace.pixelFactor);
  const takesMask = pipeline.unet.channels > pipeline.latentSpace.channels;
  const goesOn = request.denoisingStart !== null;
  const isPureNoise = !goesOn && request.strength === 1;
  const imageLatents = takesMask && isPureNoise ? null : await encodeForBatch(picture.pixels, request, pipeline, noise);
  const drawn = drawNoise(request, pipeline, noise);
  const noised = imageLatents === null || isPureNoise ? pureNoise(drawn, stepper) : stepper.addNoise(imageLatents, drawn, window.begin);
  return {
    tensors: {
      latents: goesOn && imageLatents !== null ? imageLatents : noised,
      mask: repeatRows(picture.mask, batchSize(request)),
      masked_image_latents: await encodeForBatch(picture.masked, request, pipeline, noise),
    },
    known: takesMask || imageLatents === null ? null : { imageLatents, noise: drawn },
  };
}
