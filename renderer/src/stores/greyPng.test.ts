import { expect, it } from 'vitest';
import { readGreyPng } from '../testing/readGreyPng.ts';
import { encodeGreyPng } from './greyPng.ts';

it('a mask as PNG is read back byte for byte', async () => {
  const width = 301;
  const height = 270;
  const data = Uint8Array.from({ length: width * height }, (_, index) => (index % 97 < 40 ? 255 : (index * 31) % 256));
  const png = new Uint8Array(await (await encodeGreyPng({ width, height, data })).arrayBuffer());
  const read = await readGreyPng(png);
  expect([read.width, read.height]).toEqual([width, height]);
  expect(read.data.every((value, index) => value === data[index])).toBe(true);
});
