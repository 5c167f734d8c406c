import type { Command } from '../../../shared/commands.ts';

/** Whether this computer (not the core's) calls its main modifier Cmd. */
export function isMac(): boolean {
  return /Mac|iPhone|iPad/.test(navigator.platform);
}

export interface KeyPress {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
}

/** Whether a key press is the one a command names, e.g. `Mod+Shift+G`. */
export function matchesKeys(press: KeyPress, keys: NonNullable<Command['keys']>, mac: boolean): boolean {
  const parts = keys.split('+');
  const key = parts.at(-1) ?? '';
  const mod = mac ? press.metaKey : press.ctrlKey;
  const otherMod = mac ? press.ctrlKey : press.metaKey;
  // Some keyboards have their full stop on Shift.
  const shift = keys === '.' ? press.shiftKey : parts.includes('Shift');
  return (
    press.key.toLowerCase() === key.toLowerCase() &&
    mod === parts.includes('Mod') &&
    !otherMod &&
    press.shiftKey === shift &&
    press.altKey === parts.includes('Alt')
  );
}

/** Whether keys without a modifier are letters there. */
export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches('textarea, select, input:not([type="range"], [type="radio"], [type="checkbox"])'));
}

/** Whether a command is one key by itself, which a text field would take for a letter. */
export function isPlainKey(keys: string): boolean {
  return keys.length === 1;
}
