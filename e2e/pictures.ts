import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Page } from '@playwright/test';
import { decodeImage, decodeMask } from '../electron/media/decode.ts';
import { encodePng, readPngTexts } from '../electron/media/png.ts';
import type { RgbImage } from '../shared/engineProtocol.ts';
import { parseGenerationRequest, type GenerationRequest } from '../shared/generation.ts';

/** Pictures that specs start from, and what they read back from the disk. */

export async function landscape(width = 256, height = 256): Promise<Buffer> {
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const sky = y < height * 0.6;
      rgb.set(sky ? [90, 140, 220 - Math.round((80 * y) / height)] : [60, 130 + ((x >> 3) % 2) * 8, 60], (y * width + x) * 3);
    }
  }
  return await encodePng({ width, height, rgb }, []);
}

/** A picture drawn by the browser: a red left half and a blue right one, in any format it writes. */
export async function halves(page: Page, type: 'image/png' | 'image/jpeg', width: number, height: number, alpha = 1): Promise<Buffer> {
  const bytes = await page.evaluate(
    async ([kind, wide, high, opacity]) => {
      const canvas = new OffscreenCanvas(wide, high);
      const context = canvas.getContext('2d');
      if (context === null) throw new Error('no canvas');
      context.globalAlpha = opacity;
      context.fillStyle = '#f00';
      context.fillRect(0, 0, wide / 2, high);
      context.fillStyle = '#00f';
      context.fillRect(wide / 2, 0, wide / 2, high);
      return [...new Uint8Array(await (await canvas.convertToBlob({ type: kind, quality: 0.95 })).arrayBuffer())];
    },
    [type, width, height, alpha] as const,
  );
  return Buffer.from(bytes);
}

/** A JPEG with an Exif orientation put behind its start (TIFF 6.0, big-endian, one tag). */
export function withOrientation(jpeg: Buffer, orientation: number): Buffer {
  const tiff = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0];
  const payload = Buffer.from([...Buffer.from('Exif\0\0', 'latin1'), ...tiff]);
  const length = payload.length + 2;
  return Buffer.concat([jpeg.subarray(0, 2), Buffer.from([0xff, 0xe1, length >> 8, length & 255]), payload, jpeg.subarray(2)]);
}

/** The request that the newest picture of the library was made with, and its pixels. */
export function newestPicture(dataFolder: string): { readonly request: GenerationRequest; readonly image: RgbImage } {
  const folder = path.join(dataFolder, 'pictures');
  const name = readdirSync(folder).filter((file) => file.endsWith('.png')).sort().at(-1) ?? '';
  const bytes = readFileSync(path.join(folder, name));
  const text = readPngTexts(bytes).find(({ keyword }) => keyword === 'stopbath')?.text ?? '{}';
  const { picture } = JSON.parse(text) as { picture: { request: unknown } };
  return { request: parseGenerationRequest(picture.request), image: decodeImage(bytes, 'image') };
}

export function inputImage(dataFolder: string, id: string): RgbImage {
  return decodeImage(readFileSync(path.join(dataFolder, 'inputs', `${id}.png`)), 'image');
}

export function inputMask(dataFolder: string, id: string): { readonly width: number; readonly height: number; readonly grey: Uint8Array } {
  return decodeMask(readFileSync(path.join(dataFolder, 'inputs', `${id}.png`)), 'mask');
}

/** The largest difference of a channel among the pixels that `where` picks, and the average of all of theirs. */
export function difference(a: RgbImage, b: RgbImage, where: (pixel: number) => boolean): { readonly largest: number; readonly average: number } {
  let largest = 0;
  let sum = 0;
  let count = 0;
  for (let pixel = 0; pixel < a.width * a.height; pixel++) {
    if (!where(pixel)) continue;
    for (let channel = 0; channel < 3; channel++) {
      const by = Math.abs((a.rgb[pixel * 3 + channel] ?? 0) - (b.rgb[pixel * 3 + channel] ?? 0));
      largest = Math.max(largest, by);
      sum += by;
      count++;
    }
  }
  return { largest, average: count === 0 ? 0 : sum / count };
}
