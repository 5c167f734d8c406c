import { homedir } from 'node:os';
import { join } from 'node:path';

/** `STOPBATH_DATA`, else the place the system keeps for an app's own files. */
export function dataFolder(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  const chosen = env['STOPBATH_DATA'];
  if (chosen !== undefined && chosen !== '') return chosen;
  switch (platform) {
    case 'win32':
      return join(env['APPDATA'] ?? join(home, 'AppData', 'Roaming'), 'Stopbath');
    case 'darwin':
      return join(home, 'Library', 'Application Support', 'Stopbath');
    default:
      return join(env['XDG_DATA_HOME'] ?? join(home, '.local', 'share'), 'Stopbath');
  }
}
