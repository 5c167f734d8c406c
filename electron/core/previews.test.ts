import { expect, it } from 'vitest';
import { readPngSize } from '../media/png.ts';
import { createPreviews, type PreviewDisk } from './previews.ts';

const image = { width: 2, height: 2, rgb: new Uint8Array(12) };

/** A disk that takes everything, at once. */
function memoryDisk(): PreviewDisk {
  const files = new Map<string, Promise<Uint8Array>>();
  return {
    addPreview: (jobId, stepIndex, source, png) => void files.set(`${jobId} ${stepIndex} ${source}`, png()),
    previewPng: async (jobId, stepIndex, source) => {
      const png = await files.get(`${jobId} ${stepIndex} ${source}`);
      return png === undefined ? null : Buffer.from(png);
    },
  };
}

/** One that takes nothing. */
const fullDisk: PreviewDisk = { addPreview: () => undefined, previewPng: () => Promise.resolve(null) };

it('takes from the disk what had to leave memory, and what another session left', async () => {
  const disk = memoryDisk();
  const previews = createPreviews(disk, 30);
  for (let step = 0; step < 4; step++) previews.add('a', step, 'linear', image, null);
  expect(readPngSize((await previews.png('a', 0, 'linear')) ?? Buffer.alloc(0))).toEqual({ width: 2, height: 2 });
  expect(await createPreviews(disk).png('a', 3, null)).not.toBeNull();
});

it('lets the oldest frames go when there are too many bytes', async () => {
  const previews = createPreviews(fullDisk, 30);
  for (let step = 0; step < 4; step++) previews.add('a', step, 'linear', image, null);
  expect(await previews.png('a', 0, 'linear')).toBeNull();
  expect(await previews.png('a', 1, 'linear')).toBeNull();
  expect(readPngSize((await previews.png('a', 3, 'linear')) ?? Buffer.alloc(0))).toEqual({ width: 2, height: 2 });
});

it('keeps a frame larger than the bound rather than none', async () => {
  const previews = createPreviews(fullDisk, 5);
  previews.add('a', 0, 'linear', image, null);
  expect(await previews.png('a', 0, 'linear')).not.toBeNull();
});

it('drops one run only, and tells the two kinds of frame of a step apart', async () => {
  const previews = createPreviews(fullDisk);
  previews.add('a', 0, 'linear', image, null);
  previews.add('a', 0, 'decoder', { ...image, width: 4, height: 1 }, null);
  previews.add('ab', 0, 'linear', image, null);
  expect(readPngSize((await previews.png('a', 0, 'decoder')) ?? Buffer.alloc(0))?.width).toBe(4);
  expect(readPngSize((await previews.png('a', 0, null)) ?? Buffer.alloc(0))?.width).toBe(4);
  expect(readPngSize((await previews.png('ab', 0, null)) ?? Buffer.alloc(0))?.width).toBe(2);
  previews.drop('a');
  expect(await previews.png('a', 0, 'linear')).toBeNull();
  expect(await previews.png('ab', 0, 'linear')).not.toBeNull();
});
