import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { driverKey } from '../../system/driverKey.ts';
import { runtimeVersion } from './session.ts';

/** Of runtime and drivers. */
export function deviceKey(): string {
  return `${runtimeVersion} ${driverKey()}`;
}

const reasonSchema = z.object({ code: z.string(), reason: z.string(), remedy: z.string() });

const triedVariantSchema = z.object({
  attention: z.enum(['fused', 'plain']),
  arithmetic: z.enum(['float32', 'float16']),
  /** Milliseconds of a call; null: it did not come to that. */
  ms: z.number().nullable(),
  /** Why the variant is out; null: it is right. */
  reason: reasonSchema.nullable(),
});
/** What a probe found out of one way to write graphs for a device. */
export type TriedVariant = z.infer<typeof triedVariantSchema>;

const storedSchema = z.object({
  key: z.string(),
  verdicts: z.record(z.string(), reasonSchema.nullable()),
  /** `provider modelHash` of models whose results were the CPU's. */
  verified: z.array(z.string()),
  /** `provider file` of parts whose results on that device were not the CPU's. */
  moved: z.record(z.string(), reasonSchema),
  /** What was tried of each provider, see `Variants`. */
  variants: z.record(z.string(), z.array(triedVariantSchema)).optional(),
});
export type Stored = Omit<z.infer<typeof storedSchema>, 'key'>;

export const verdictFileName = 'providers.json';

/**
 * What is known of devices, kept over a restart for the same runtime and drivers. Engine processes share it (a self-test is one of
 * its own): each reads it again when another has written it.
 */
export class VerdictFile {
  readonly #folder: string | null;
  readonly #key: string;
  #stored: Stored | null = null;
  #readAt: number | null = null;

  /** @param folder null: nothing outlives the process */
  constructor(folder: string | null, key = deviceKey()) {
    this.#folder = folder;
    this.#key = key;
  }

  get outlivesProcess(): boolean {
    return this.#folder !== null;
  }

  async load(): Promise<Stored> {
    const changed = await this.#changedAt();
    if (this.#stored !== null && changed === this.#readAt) return this.#stored;
    this.#readAt = changed;
    const found = await this.#read();
    this.#stored = found ?? this.#stored ?? { verdicts: {}, verified: [], moved: {} };
    return this.#stored;
  }

  async save(stored: Stored): Promise<void> {
    this.#stored = stored;
    if (this.#folder === null) return;
    try {
      await mkdir(this.#folder, { recursive: true });
      const file = join(this.#folder, verdictFileName);
      await writeFile(`${file}.${process.pid}`, JSON.stringify({ key: this.#key, ...stored }));
      await rename(`${file}.${process.pid}`, file);
      this.#readAt = await this.#changedAt();
    } catch {
      // A cache only: without it the next start probes again.
    }
  }

  async #changedAt(): Promise<number | null> {
    if (this.#folder === null) return null;
    try {
      return (await stat(join(this.#folder, verdictFileName))).mtimeMs;
    } catch {
      return null;
    }
  }

  async #read(): Promise<Stored | null> {
    if (this.#folder === null) return null;
    try {
      const { key, ...stored } = storedSchema.parse(JSON.parse(await readFile(join(this.#folder, verdictFileName), 'utf8')));
      return key === this.#key ? stored : null;
    } catch {
      // None yet, or unreadable: the probe decides.
      return null;
    }
  }
}
