import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

export const root: string = path.resolve(import.meta.dirname, '../..');
export const out: string = path.join(root, 'out');

const entries = ['main/main.js', 'main/engine.js', 'main/serve.js', 'main/start.js', 'preload/preload.cjs', 'renderer/index.html'];

/** Builds the app if it has not been built. */
export function ensureBuilt(): void {
  if (entries.every((entry) => existsSync(path.join(out, entry)))) return;
  for (const mode of ['main', 'preload', 'renderer']) {
    execFileSync(process.execPath, [path.join(root, 'node_modules/vite/bin/vite.js'), 'build', '--mode', mode], { cwd: root });
  }
}
