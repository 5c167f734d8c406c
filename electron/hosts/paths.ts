import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dataFolder } from '../core/dataFolder.ts';
import type { AppPaths } from '../core/host.ts';

export interface HostPaths extends AppPaths {
  /** The folder that holds package.json: the checkout, or app.asar. */
  readonly root: string;
  readonly engineEntry: string;
  /** The app's own models and tokenizers. */
  readonly assets: string;
  readonly preload: string;
}

/**
 * Where everything is, in a checkout (built, or its sources run directly by Node) and in an installed app.
 * @param resources Electron's resources folder in an installed app: models lie there, outside app.asar, where native code
 *   can open them.
 */
export function hostPaths(resources?: string): HostPaths {
  const here = fileURLToPath(import.meta.url);
  const root = rootAbove(here);
  const assets = join(resources ?? root, 'assets');
  // Sources keep their own extension, builds are .js.
  const engine = here.endsWith('.ts') ? join('electron', 'engine', 'process.ts') : join('out', 'main', 'engine.js');
  return {
    root,
    data: dataFolder(),
    ui: join(root, 'out', 'renderer'),
    assets,
    starterModel: join(assets, 'starter'),
    engineEntry: join(root, engine),
    preload: join(root, 'out', 'preload', 'preload.cjs'),
  };
}

function rootAbove(file: string): string {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
  }
  throw new Error(`No package.json above ${file}`);
}
