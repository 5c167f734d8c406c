import { expect, it } from 'vitest';
import { microConditioningSchema } from '../../../shared/generation.ts';
import { timeIds } from './timeIds.ts';

const ids = (micro: object, scored = false, rows = 1): number[][] => {
  const { positive, negative } = timeIds({ width: 640, height: 512, microConditioning: microConditioningSchema.parse(micro) }, scored, rows);
  return [Array.from(positive.data), Array.from(negative.data)];
};

it('a size is height before width, and follows the picture', () => {
  expect(ids({})).toEqual([[512, 640, 0, 0, 512, 640], [512, 640, 0, 0, 512, 640]]);
});

it('what is not said of the negative side follows the positive one', () => {
  const positive = { originalSize: { width: 2, height: 1 }, cropTopLeft: { top: 3, left: 4 }, targetSize: { width: 6, height: 5 } };
  expect(ids(positive)).toEqual([[1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]]);
  expect(ids({ ...positive, negativeCropTopLeft: { top: 0, left: 7 }, negativeTargetSize: { width: 9, height: 8 } })[1]).toEqual([1, 2, 0, 7, 8, 9]);
  expect(ids({ ...positive, negativeOriginalSize: { width: 9, height: 8 } })[1]).toEqual([8, 9, 3, 4, 5, 6]);
});

it('a score stands where a refiner has no target, and every row of a batch is the same', () => {
  expect(ids({ cropTopLeft: { top: 1, left: 2 } }, true)).toEqual([[512, 640, 1, 2, 6], [512, 640, 0, 0, 2.5]]);
  expect(ids({ negativeCropTopLeft: { top: 3, left: 4 } }, true)[1]).toEqual([512, 640, 3, 4, 2.5]);
  expect(ids({}, true, 2)[0]).toEqual([512, 640, 0, 0, 6, 512, 640, 0, 0, 6]);
});
