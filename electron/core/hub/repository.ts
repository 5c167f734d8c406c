import type { Model, Offer } from '../../../shared/models.ts';

/** A file of a repository at a commit. */
export interface HubFile {
  readonly path: string;
  readonly bytes: number;
  /**
   * `sha256-<hex>`: hash of the bytes, as large files have it; `git-<hex>`: SHA-1 that git gives a small file. It names
   * the content: two files with one id are one file.
   */
  readonly oid: string;
}

/** A file that is wanted, and what it is called in the model's folder. */
export interface WantedFile extends HubFile {
  readonly to: string;
}

/** One way to take a model. */
export interface HubVariant {
  readonly id: string;
  readonly label: string;
  readonly origin: Exclude<Model['origin'], 'built-in'>;
  readonly bytes: number;
  readonly memoryBytes: number | null;
  readonly files: readonly WantedFile[];
}

export interface HubRepository {
  readonly repo: string;
  /** The commit that the asked revision stands for: what is looked at is what is fetched. */
  readonly revision: string;
  readonly title: string;
  readonly license: string | null;
  readonly gated: boolean;
  readonly variants: readonly HubVariant[];
  readonly refused: Offer['refused'];
}
