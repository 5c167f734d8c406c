import type { GenerationRequest } from '../../../shared/generation.ts';
import { tensor, type Tensor } from '../tensor/tensor.ts';

type Sized = Pick<GenerationRequest, 'width' | 'height' | 'microConditioning'>;
interface Size {
  readonly width: number;
  readonly height: number;
}

export interface TimeIds {
  readonly positive: Tensor;
  readonly negative: Tensor;
}

/**
 * SDXL's size conditioning: [original height, width, crop top, left, target height, width], or for models that ask for it an
 * aesthetic score in place of the target. What is not given for the negative side follows the positive one, but for the
 * corner beside a score, which is 0, 0 as in diffusers. Its picture pipelines without a score take the positive corner there
 * even where a negative one is given.
 * @returns [rows, 6] or [rows, 5]
 */
export function timeIds({ width, height, microConditioning: micro }: Sized, requiresAestheticsScore: boolean, rows: number): TimeIds {
  const own: Size = { width, height };
  const original = micro.originalSize ?? own;
  const target = micro.targetSize ?? own;
  const { top, left } = micro.cropTopLeft;
  const negativeOriginal = micro.negativeOriginalSize ?? original;
  const negativeTarget = micro.negativeTargetSize ?? target;
  const negativeCrop = micro.negativeCropTopLeft ?? (requiresAestheticsScore ? { top: 0, left: 0 } : micro.cropTopLeft);
  const ends = (size: Size, score: number): number[] => (requiresAestheticsScore ? [score] : [size.height, size.width]);
  return {
    positive: repeated([original.height, original.width, top, left, ...ends(target, micro.aestheticScore)], rows),
    negative: repeated(
      [
        negativeOriginal.height,
        negativeOriginal.width,
        negativeCrop.top,
        negativeCrop.left,
        ...ends(negativeTarget, micro.negativeAestheticScore),
      ],
      rows,
    ),
  };
}

function repeated(ids: readonly number[], rows: number): Tensor {
  return tensor([rows, ids.length], Float32Array.from({ length: rows * ids.length }, (_, index) => ids[index % ids.length] ?? 0));
}
