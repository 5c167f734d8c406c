import { describe, expect, it } from 'vitest';
import { matchesKeys } from './keyboard.ts';

const press = (key: string, held: Partial<Record<'ctrlKey' | 'metaKey' | 'shiftKey' | 'altKey', boolean>> = {}) => ({
  key,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  altKey: false,
  ...held,
});

describe('shortcuts', () => {
  it('take Ctrl, or on a Mac Cmd', () => {
    expect(matchesKeys(press('Enter', { ctrlKey: true }), 'Mod+Enter', false)).toBe(true);
    expect(matchesKeys(press('Enter', { metaKey: true }), 'Mod+Enter', true)).toBe(true);
    expect(matchesKeys(press('Enter', { ctrlKey: true }), 'Mod+Enter', true)).toBe(false);
  });

  it('want exactly the keys they name', () => {
    expect(matchesKeys(press('Enter'), 'Mod+Enter', false)).toBe(false);
    expect(matchesKeys(press('s', { ctrlKey: true, shiftKey: true }), 'Mod+S', false)).toBe(false);
    expect(matchesKeys(press('G', { ctrlKey: true, shiftKey: true }), 'Mod+Shift+G', false)).toBe(true);
    expect(matchesKeys(press('Escape'), 'Escape', false)).toBe(true);
    expect(matchesKeys(press('ArrowLeft', { altKey: true }), 'Alt+ArrowLeft', false)).toBe(true);
  });
});
