import type { Offer } from '../../../shared/models.ts';
import { fileKind } from './fileKinds.ts';
import { foldedPath } from './filePath.ts';
import type { HubFile, HubVariant } from './repository.ts';

export interface FoundVariants {
  readonly variants: HubVariant[];
  readonly refused: Offer['refused'];
}

/** The files right in a folder (`''` or ending in a slash), not below it. */
export function inFolder<File extends HubFile>(files: readonly File[], folder: string): File[] {
  return files.filter(({ path }) => path.startsWith(folder) && !path.slice(folder.length).includes('/'));
}

export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** Smaller than any real model: what memory it takes says nothing then. */
const telling = 50 * 2 ** 20;

/** Memory to run a model: its weights, a fifth more, and what the decoder works with; an estimate for the list. */
export function memoryFor(weightBytes: number): number | null {
  return weightBytes < telling ? null : Math.round(weightBytes * 1.2 + 0.5 * 2 ** 30);
}

export function finish(variant: Omit<HubVariant, 'bytes' | 'memoryBytes'>): HubVariant {
  const sum = (files: readonly HubFile[]): number => files.reduce((bytes, file) => bytes + file.bytes, 0);
  // The first of two that would become one file: a part's own before the repository's.
  const files = variant.files.filter(({ to }, at) => variant.files.findIndex((other) => foldedPath(other.to) === foldedPath(to)) === at);
  const weights = files.filter(({ path }) => fileKind(path) !== 'config');
  return { ...variant, files, bytes: sum(files), memoryBytes: memoryFor(sum(weights)) };
}
