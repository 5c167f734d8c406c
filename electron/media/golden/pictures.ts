import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const pictureSchema = z.object({
  file: z.base64().transform((text) => Buffer.from(text, 'base64')),
  width: z.int(),
  height: z.int(),
  /** SHA-256 of what Pillow reads: RGB, and its convert("L"). */
  rgb: z.string(),
  grey: z.string(),
  /** The RGB itself, where it is compared with a tolerance. */
  pixels: z.base64().transform((text) => Buffer.from(text, 'base64')).optional(),
});
const file = z
  .object({ 'cmyk.jpg': pictureSchema.pick({ file: true }) })
  .catchall(pictureSchema)
  .parse(JSON.parse(readFileSync(new URL('./pictures.json', import.meta.url), 'utf8')));
const { 'cmyk.jpg': cmyk, ...read } = file;

/** What make_golden.py wrote, by name. */
export const goldenPictures: ReadonlyMap<string, z.infer<typeof pictureSchema>> = new Map(Object.entries(read));
export const cmykJpeg: Buffer = cmyk.file;

export function goldenFile(name: string): Buffer {
  const picture = goldenPictures.get(name);
  if (picture === undefined) throw new RangeError(`There is no golden picture ${name}.`);
  return picture.file;
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
