import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export interface RuntimePackage {
  /** Of onnxruntime-node; its libraries and the NVIDIA ones are bound to each other by it. */
  readonly version: string;
  /** Where the native files of this platform are: outside app.asar in an installed app. */
  readonly folder: string;
}

/** The onnxruntime-node in use, without loading it. */
export function runtimePackage(): RuntimePackage {
  const root = join(dirname(createRequire(import.meta.url).resolve('onnxruntime-node')), '..');
  const { version }: { version?: unknown } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as object;
  const folder = join(root, 'bin', 'napi-v6', process.platform, process.arch);
  return { version: String(version), folder: folder.replace(/app\.asar(?=[\\/])/, 'app.asar.unpacked') };
}
