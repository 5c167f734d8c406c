import type { GreyImage, RgbImage, RunInputs } from '../../../shared/engineProtocol.ts';
import { StopbathError } from '../../../shared/errors.ts';
import type { GenerationRequest } from '../../../shared/generation.ts';
import type { Region } from '../../../shared/job.ts';
import { fitImage } from '../images/fit.ts';
import { pasteBack } from '../images/paste.ts';
import { crop, maskCropRegion } from '../images/region.ts';
import { imageToTensor, latentMask, maskedImage, maskToTensor, requirePainted } from '../images/tensors.ts';
import type { Tensor } from '../tensor/tensor.ts';

type Frame = Pick<GenerationRequest, 'task' | 'width' | 'height' | 'maskPadding' | 'keepUnmasked'>;

/** @throws StopbathError `INVALID_INPUT` when the picture a task starts from did not come along. */
export function requireInputs(inputs: RunInputs | null): RunInputs {
  if (inputs !== null) return inputs;
  throw new StopbathError({ code: 'INVALID_INPUT', field: 'image', message: 'image: The picture to start from is missing.' });
}

/** @throws StopbathError `INVALID_INPUT` for a mask that is missing, empty or of other sides than its picture. */
function requireMask({ image, mask }: RunInputs): GreyImage {
  const refuse = (message: string): StopbathError => new StopbathError({ code: 'INVALID_INPUT', field: 'mask', message: `mask: ${message}` });
  if (mask === null) throw refuse('The mask is missing.');
  if (mask.width !== image.width || mask.height !== image.height) {
    throw refuse(`It must have the sides of the picture, ${image.width} x ${image.height}, not ${mask.width} x ${mask.height}.`);
  }
  requirePainted(mask);
  return mask;
}

/**
 * Whether a task has the pictures it needs.
 * @throws StopbathError `INVALID_INPUT` naming `image` or `mask`.
 */
export function checkInputs({ task }: Pick<Frame, 'task'>, inputs: RunInputs | null): void {
  if (task === 'text-to-image') return;
  const given = requireInputs(inputs);
  if (task === 'inpaint') requireMask(given);
}

/** The part of the picture that is drawn, where only the surroundings of the mask are; null: all of it. */
export function drawnRegion(request: Frame, inputs: RunInputs | null): Region | null {
  const mask = inputs?.mask ?? null;
  if (request.task !== 'inpaint' || request.maskPadding === null || mask === null) return null;
  return maskCropRegion(mask, request.width, request.height, request.maskPadding);
}

/** The picture as the VAE takes it: [1, 3, H, W] of the request's sides in -1..1, stretched where they differ. */
export function picturePixels({ image }: RunInputs, { width, height }: Frame): Tensor {
  return imageToTensor(fitImage(image, width, height, 'default'));
}

export interface MaskedPicture {
  /** [1, 3, H, W] in -1..1 */
  readonly pixels: Tensor;
  /** The same with mid grey where it is painted again. */
  readonly masked: Tensor;
  /** [1, 1, h, w] of the latents' sides, 1 where it is painted again. */
  readonly mask: Tensor;
}

/** Picture and mask as diffusers' inpainting pipelines bring them to size. */
export function maskedPicture(request: Frame, inputs: RunInputs, pixelFactor: number): MaskedPicture {
  const given = requireMask(inputs);
  const { width, height } = request;
  const region = drawnRegion(request, inputs);
  const mode = region === null ? 'default' : 'fill';
  const [image, grey] = region === null ? [inputs.image, given] : [crop(inputs.image, region), crop(given, region)];
  const pixels = imageToTensor(fitImage(image, width, height, mode));
  const mask = maskToTensor(fitImage(grey, width, height, mode));
  return { pixels, masked: maskedImage(pixels, mask), mask: latentMask(mask, pixelFactor) };
}

/**
 * What a run hands out: the pictures as drawn, or laid into the one they began with.
 * A run around the mask gives the picture's own sides back, as diffusers does; any other the request's.
 */
export function finishImages(drawn: readonly RgbImage[], request: Frame, inputs: RunInputs | null): readonly RgbImage[] {
  if (request.task !== 'inpaint' || inputs === null || inputs.mask === null) return drawn;
  const region = drawnRegion(request, inputs);
  const { image, mask } = inputs;
  if (region !== null) return drawn.map((one) => pasteBack(image, one, mask, region));
  if (!request.keepUnmasked) return drawn;
  const { width, height } = request;
  const [original, edges] = [fitImage(image, width, height, 'default'), fitImage(mask, width, height, 'default')];
  return drawn.map((one) => pasteBack(original, one, edges, null));
}
