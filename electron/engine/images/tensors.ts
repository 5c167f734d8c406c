import type { GreyImage, RgbImage } from '../../../shared/engineProtocol.ts';
import { StopbathError } from '../../../shared/errors.ts';
import { describeDims, type Tensor, tensor } from '../tensor/tensor.ts';

const { fround } = Math;

/** A sample of 0..255 in -1..1, each operation rounded to float32 as in `VaeImageProcessor.preprocess`. */
const normalised = Float32Array.from({ length: 256 }, (_, value) => 2 * fround(value / 255) - 1);

/** A picture as the VAE encoder takes it: [1, 3, H, W] in -1..1. */
export function imageToTensor({ width, height, rgb }: RgbImage): Tensor {
  const pixels = width * height;
  const data = new Float32Array(3 * pixels);
  for (let channel = 0; channel < 3; channel++) {
    const plane = channel * pixels;
    for (let pixel = 0; pixel < pixels; pixel++) data[plane + pixel] = normalised[rgb[pixel * 3 + channel] ?? 0] ?? 0;
  }
  return tensor([1, 3, height, width], data);
}

/** From this sample on a pixel counts as painted: value / 255 >= 0.5. */
const painted = 128;

/** A mask as the inpainting loop takes it: [1, 1, H, W], 1 where it is to be painted again, else 0. */
export function maskToTensor({ width, height, grey }: GreyImage): Tensor {
  return tensor([1, 1, height, width], Float32Array.from(grey, (value) => (value >= painted ? 1 : 0)));
}

/**
 * @throws StopbathError `INVALID_INPUT`, field `mask`, when no pixel of it would be painted again.
 */
export function requirePainted({ grey }: GreyImage): void {
  if (grey.some((value) => value >= painted)) return;
  throw nothingPainted();
}

export function nothingPainted(): StopbathError {
  return new StopbathError({
    code: 'INVALID_INPUT',
    field: 'mask',
    message: 'mask: Nothing is painted in the mask.',
    nextStep: 'Paint white what is to be drawn again.',
  });
}

/**
 * A mask at the size of the latents: of every `factor` x `factor` pixels the top left one, as
 * `torch.nn.functional.interpolate` has it (mode nearest).
 * @param mask [1, 1, H, W], H and W multiples of `factor`
 * @returns [1, 1, H / factor, W / factor]
 */
export function latentMask(mask: Tensor, factor: number): Tensor {
  const [, , height = 0, width = 0] = mask.dims;
  if (mask.dims.length !== 4 || height % factor !== 0 || width % factor !== 0) {
    throw new StopbathError({ code: 'INTERNAL', message: `A mask of ${describeDims(mask.dims)} does not fit latents of 1/${factor}.` });
  }
  const rows = height / factor;
  const columns = width / factor;
  const data = new Float32Array(rows * columns);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) data[y * columns + x] = mask.data[y * factor * width + x * factor] ?? 0;
  }
  return tensor([1, 1, rows, columns], data);
}

/**
 * The picture with 0 (mid grey) where it is to be painted again.
 * @param image [1, 3, H, W]
 * @param mask [1, 1, H, W] of 0 and 1
 */
export function maskedImage(image: Tensor, mask: Tensor): Tensor {
  const pixels = mask.data.length;
  if (image.data.length !== 3 * pixels) {
    throw new StopbathError({ code: 'INTERNAL', message: `A mask of ${describeDims(mask.dims)} does not fit a picture of ${describeDims(image.dims)}.` });
  }
  const data = image.data.map((value, index) => value * ((mask.data[index % pixels] ?? 0) < 0.5 ? 1 : 0));
  return tensor(image.dims, data);
}
