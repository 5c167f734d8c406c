/** Names Windows keeps for devices, with any ending. */
const device = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:\.|$)/i;

/** Longest path in a model's folder, and longest name: the whole must fit Windows' 260 characters. */
const longestPath = 160;
const longestName = 100;

/**
 * Why a file's path from elsewhere may not become a path inside a folder of ours, on any system; null when it may. What
 * a repository holds was written by strangers.
 */
export function pathFault(path: string): string | null {
  if (path === '') return 'it has no name';
  if (path.length > longestPath) return 'its path is too long';
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(path)) return 'its name has control characters';
  if (path.includes('\\')) return 'its path has a backslash';
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) return 'its path is absolute';
  for (const name of path.split('/')) {
    if (name === '..' || name === '.') return 'its path leaves the folder';
    if (name === '') return 'its path has an empty part';
    if (name.length > longestName) return 'its name is too long';
    if (/[<>:"|?*]/.test(name)) return 'its name has characters that not every system takes';
    if (/[. ]$/.test(name)) return 'its name ends with a dot or a blank';
    if (device.test(name)) return 'its name is that of a device';
  }
  return null;
}

/** Two paths that are the same file where capitals or the form of accents do not count. */
export const foldedPath = (path: string): string => path.normalize('NFC').toLowerCase();
