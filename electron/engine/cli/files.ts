import { constants } from 'node:fs';
import { access, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { StopbathError } from '../../../shared/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from './options.ts';

/** @throws ArgumentError naming the option when its file could not be written: before minutes of work, not after. */
export async function requireWritable(option: string, file: string): Promise<void> {
  const folder = dirname(file);
  try {
    if (!(await stat(folder)).isDirectory()) throw new Error('not a folder');
  } catch {
    throw new ArgumentError(`--${option}: there is no folder ${folder}.`);
  }
  try {
    await access(folder, constants.W_OK);
  } catch {
    throw new ArgumentError(`--${option}: the folder ${folder} cannot be written to.`);
  }
  const there = await stat(file).catch(() => null);
  if (there?.isDirectory() === true) throw new ArgumentError(`--${option}: ${file} is a folder.`);
}

/**
 * Writes a file whole or not at all.
 * @throws StopbathError `DISK_FULL` or `FILE_ACCESS`.
 */
export async function writeWhole(file: string, content: Uint8Array | string): Promise<void> {
  const unfinished = `${file}.${process.pid}.part`;
  try {
    await writeFile(unfinished, content);
    await rename(unfinished, file);
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => undefined);
    const full = error instanceof Error && 'code' in error && error.code === 'ENOSPC';
    throw new StopbathError(
      {
        code: full ? 'DISK_FULL' : 'FILE_ACCESS',
        message: full ? `The disk is full: ${file} was not written.` : `${file} could not be written.`,
        detail: String(error),
      },
      { cause: error },
    );
  }
}

/** @throws ArgumentError naming the option when the folder cannot be made or written to. */
export async function makeFolder(option: string, folder: string): Promise<void> {
  try {
    await makeMissing(folder);
    await access(folder, constants.W_OK);
  } catch {
    throw new ArgumentError(`--${option}: the folder ${folder} cannot be made or written to.`);
  }
}

/** Not `recursive`: Node never returns where a folder that is there takes no new ones and says so with ENOENT, as /proc does. */
async function makeMissing(folder: string): Promise<void> {
  if (await isFolder(folder)) return;
  const parent = dirname(folder);
  if (parent !== folder) await makeMissing(parent);
  await mkdir(folder);
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() === true;
}

/** NumPy's file format, version 1.0: float32, C order. */
export function npy({ dims, data }: Tensor): Buffer {
  const shape = dims.length === 1 ? `${dims.join('')},` : dims.join(', ');
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape}), }`;
  const prefix = 10;
  const padded = header.padEnd(Math.ceil((prefix + header.length + 1) / 64) * 64 - prefix - 1) + '\n';
  const start = Buffer.from('\u0093NUMPY\u0001\u0000', 'latin1');
  const length = Buffer.alloc(2);
  length.writeUInt16LE(padded.length);
  const values = Buffer.alloc(data.length * 4);
  data.forEach((value, index) => values.writeFloatLE(value, index * 4));
  return Buffer.concat([start, length, Buffer.from(padded, 'latin1'), values]);
}

/** The file of every picture: the name itself for one, `-1`, `-2` ... before its ending for several. */
export function pictureFiles(out: string, count: number): string[] {
  if (count === 1) return [out];
  const ending = extname(out);
  const stem = out.slice(0, out.length - ending.length);
  return Array.from({ length: count }, (_, index) => `${stem}-${index + 1}${ending}`);
}

export function stepFile(folder: string, stepIndex: number): string {
  return join(folder, `step_${String(stepIndex).padStart(3, '0')}.npy`);
}
