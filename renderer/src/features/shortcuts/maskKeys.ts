/** What a key does while a mask is painted, as `features/mask/keys.ts` and the compare button listen for it. */
export const maskKeys = [
  { keys: ['B'], label: 'mask.brush' },
  { keys: ['E'], label: 'mask.eraser' },
  { keys: ['X'], label: 'shortcuts.mask.swap' },
  { keys: ['['], label: 'shortcuts.mask.smaller' },
  { keys: [']'], label: 'shortcuts.mask.larger' },
  { keys: ['Mod+Z'], label: 'mask.undo' },
  { keys: ['Mod+Shift+Z'], label: 'mask.redo' },
  { keys: ['I'], label: 'mask.invert' },
  { keys: ['Plus'], label: 'shortcuts.mask.zoomIn' },
  { keys: ['-'], label: 'shortcuts.mask.zoomOut' },
  { keys: ['0'], label: 'shortcuts.mask.zoomFit' },
  { keys: ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'], label: 'shortcuts.mask.move' },
  { keys: ['Enter'], label: 'shortcuts.mask.dab' },
  { keys: ['Space'], label: 'shortcuts.mask.stroke' },
  { keys: ['C'], label: 'shortcuts.mask.compare' },
] as const;
