import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { stateFileSchema } from '../../electron/core/downloads/record.ts';
import type { Content } from './content.ts';
import { differs } from './rig.ts';

export interface Seen {
  readonly faults: string[];
  readonly parts: ReadonlyMap<string, number>;
  readonly hasModel: boolean;
}

/** What a store's folder holds of a model, and what is wrong with it. @param wanted path in the model's folder -> content */
export async function inspect(folder: string, wanted: Readonly<Record<string, Content>>): Promise<Seen> {
  const faults: string[] = [];
  const parts = new Map<string, number>();
  const sizes = new Map<string, number>(Object.values(wanted).flatMap(({ sha256, gitOid, bytes }) => [[`sha256-${sha256}`, bytes] as const, [`git-${gitOid}`, bytes] as const]));
  const blobs = join(folder, 'blobs');
  for (const name of existsSync(blobs) ? await readdir(blobs) : []) {
    const { size } = await stat(join(blobs, name));
    if (name.endsWith('.part')) {
      parts.set(name, size);
      if (size > (sizes.get(name.slice(0, -5)) ?? -1)) faults.push(`${name} is longer than its file`);
    } else if (/^sha256-[0-9a-f]{64}$/.test(name) && (await sha256Of(join(blobs, name))) !== name.slice(7)) faults.push(`${name} has another hash`);
  }
  const models = join(folder, 'models');
  let hasModel = false;
  for (const name of existsSync(models) ? await readdir(models) : []) {
    if (name.startsWith('.')) continue;
    hasModel = true;
    const difference = await differs(join(models, name), wanted);
    if (difference !== null) faults.push(`${name}: ${difference}`);
  }
  const list = join(folder, 'downloads.json');
  if (existsSync(list)) {
    const read = stateFileSchema.safeParse(JSON.parse(await readFile(list, 'utf8')));
    if (!read.success) faults.push(`downloads.json: ${read.error.message}`);
    else if (read.data.downloads.length === 0 && !hasModel) faults.push('downloads.json has forgotten the download');
  } else if (parts.size > 0) faults.push('parts without a list');
  return { faults, parts, hasModel };
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece as Uint8Array);
  return hash.digest('hex');
}
