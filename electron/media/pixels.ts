/** 8-bit samples as a file has them, row by row: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha (not premultiplied). */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
  readonly samples: Uint8Array;
  /** EXIF orientation, 1 to 8; 1 is upright. */
  readonly orientation: number;
  /** What was changed while reading, in sentences. */
  readonly notes: readonly string[];
}

/**
 * Turns pixels upright (EXIF 2.32, tag 0x0112): 2 mirrored, 3 turned by 180 degrees, 4 upside down mirrored, 5 to 8 the same
 * with rows and columns swapped.
 */
export function upright(pixels: Pixels): Pixels {
  const { width, height, channels, samples, orientation } = pixels;
  if (orientation === 1) return pixels;
  const swapped = orientation >= 5;
  const flipX = [2, 3, 7, 8].includes(orientation);
  const flipY = [3, 4, 6, 7].includes(orientation);
  const [toWidth, toHeight] = swapped ? [height, width] : [width, height];
  const turned = new Uint8Array(samples.length);
  for (let y = 0, to = 0; y < toHeight; y++) {
    for (let x = 0; x < toWidth; x++) {
      // Flips are told in the file's own axes.
      const [fileX, fileY] = swapped ? [y, x] : [x, y];
      const column = flipX ? width - 1 - fileX : fileX;
      const row = flipY ? height - 1 - fileY : fileY;
      const from = (row * width + column) * channels;
      for (let channel = 0; channel < channels; channel++) turned[to++] = samples[from + channel] ?? 0;
    }
  }
  const notes = [...pixels.notes, 'It was turned upright as its EXIF orientation says.'];
  return { width: toWidth, height: toHeight, channels, samples: turned, orientation: 1, notes };
}
