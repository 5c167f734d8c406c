import { createPackage } from '@electron/asar';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Electron's fuse wire: a sentinel, version 1, nine fuses as they come (@electron/fuses reads and writes it in place). */
const fuseWire = Buffer.concat([
  Buffer.from('dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX'),
  Buffer.from([1, 9]),
  Buffer.from('101100011'),
]);

/** A folder that electron-builder takes for Electron itself, so that packing can be tested where its binary is not. */
export async function makeElectronStub(folder: string, version: string): Promise<void> {
  const empty = path.join(folder, '..', 'empty');
  for (const made of [empty, path.join(folder, 'locales'), path.join(folder, 'resources')]) mkdirSync(made, { recursive: true });
  writeFileSync(path.join(empty, 'package.json'), '{}');
  await createPackage(empty, path.join(folder, 'resources', 'default_app.asar'));
  const files: Record<string, string | Buffer> = {
    electron: Buffer.concat([Buffer.from('#!/bin/sh\n'), fuseWire]),
    version,
    LICENSE: '',
    'LICENSES.chromium.html': '',
    'locales/en-US.pak': '',
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(path.join(folder, name), content);
  chmodSync(path.join(folder, 'electron'), 0o755);
}
