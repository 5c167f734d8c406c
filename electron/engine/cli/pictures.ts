import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { RunInputs } from '../../../shared/engineProtocol.ts';
import type { InputImage } from '../../../shared/generation.ts';
import { decodeImageFile, decodeMaskFile } from '../../media/decodeFile.ts';
import type { Given } from './options.ts';
import { refuse } from './values.ts';

/** The pictures of a run: their pixels, and how the request names them. */
export interface Pictures {
  readonly inputs: RunInputs;
  readonly image: InputImage;
  readonly mask: InputImage | null;
  /** What was changed while reading; a sentence each, the option in front. */
  readonly notes: readonly string[];
}

/**
 * Reads `--init` and `--mask`.
 * @returns null where neither is given
 * @throws ArgumentError for a file that cannot be read or a mask without a picture, StopbathError `INVALID_INPUT` for what
 * is no picture.
 */
export async function readPictures(given: Given): Promise<Pictures | null> {
  if (given.init === undefined) {
    if (given.mask !== undefined) refuse('mask', 'needs a picture: --init.');
    return null;
  }
  const imageFile = await bytesOf('init', given.init);
  const image = await decodeImageFile(imageFile, 'image');
  const notes = image.notes.map((note) => `--init: ${note}`);
  const about = nameOf(imageFile, image);
  if (given.mask === undefined) return { inputs: { image, mask: null }, image: about, mask: null, notes };
  const maskFile = await bytesOf('mask', given.mask);
  const mask = await decodeMaskFile(maskFile, 'mask');
  notes.push(...mask.notes.map((note) => `--mask: ${note}`));
  return { inputs: { image, mask }, image: about, mask: nameOf(maskFile, mask), notes };
}

async function bytesOf(option: 'init' | 'mask', file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return refuse(option, missing ? `there is no file ${file}.` : `${file} cannot be read.`);
  }
}

function nameOf(bytes: Buffer, { width, height }: { readonly width: number; readonly height: number }): InputImage {
  return { id: createHash('sha256').update(bytes).digest('hex'), width, height };
}
