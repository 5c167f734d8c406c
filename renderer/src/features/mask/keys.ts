import { endStroke, invertWholeMask, redoMask, strokeTo, undoMask } from '../../stores/mask.ts';
import type { BrushPoint } from '../../stores/maskRaster.ts';
import { maskToolsStore, setMaskTools, stepBrushSize } from '../../stores/maskTools.ts';
import type { Surface } from './surface.ts';
import { surfaceStore, zoomStep } from './surfaceStore.ts';
import type { Point } from './viewTransform.ts';

/** An arrow key moves the brush by this share of its size, with Shift by its size. */
const step = 0.25;

const arrows: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

const plainKeys: Readonly<Record<string, () => void>> = {
  b: () => setMaskTools({ tool: 'brush' }),
  e: () => setMaskTools({ tool: 'eraser' }),
  x: () => setMaskTools({ tool: maskToolsStore.getState().tool === 'brush' ? 'eraser' : 'brush' }),
  i: invertWholeMask,
  '[': () => stepBrushSize(-1),
  ']': () => stepBrushSize(1),
  '+': () => surfaceStore.getState().surface?.zoom(zoomStep),
  '=': () => surfaceStore.getState().surface?.zoom(zoomStep),
  '-': () => surfaceStore.getState().surface?.zoom(1 / zoomStep),
  '0': () => surfaceStore.getState().surface?.fit(),
};

export interface Keyboard {
  isPanning(): boolean;
  /** The pointer is used: the brush of the keyboard goes. */
  rest(): void;
  dispose(): void;
}

/**
 * Painting without a pointer: the arrows move the brush, Enter sets a dab, Space holds it down. With the pointer on the
 * surface Space moves the picture instead.
 */
export function listenToKeys(surface: Surface, onMove: (place: Point) => void): Keyboard {
  const { viewport } = surface.parts;
  let cursor: Point | null = null;
  let pen: BrushPoint | null = null;
  let spaceHeld = false;

  const brush = (place: Point): BrushPoint => ({ ...place, radius: maskToolsStore.getState().size / 2 });
  const tip = (): { erase: boolean; hardness: number } => {
    const { tool, hardness } = maskToolsStore.getState();
    return { erase: tool === 'eraser', hardness };
  };
  const begin = (): Point => (cursor ??= { x: surface.picture.width / 2, y: surface.picture.height / 2 });
  const show = (place: Point): void => {
    surface.reveal(place);
    surface.showBrush(place);
  };
  const lift = (): void => {
    if (pen !== null) endStroke();
    pen = null;
  };
  const move = ([dx, dy]: readonly [number, number], far: boolean): void => {
    const from = begin();
    const length = Math.max(1, Math.round(maskToolsStore.getState().size * (far ? 1 : step)));
    const clamp = (value: number, limit: number): number => Math.min(limit, Math.max(0, value));
    cursor = { x: clamp(from.x + dx * length, surface.picture.width), y: clamp(from.y + dy * length, surface.picture.height) };
    if (pen !== null) {
      const next = brush(cursor);
      strokeTo(pen, next, tip());
      pen = next;
    }
    show(cursor);
    onMove(cursor);
  };

  /** Keys that need the surface to have the focus. */
  const onSurface = (event: KeyboardEvent): boolean => {
    const arrow = arrows[event.key];
    if (arrow !== undefined && !event.altKey && !event.ctrlKey && !event.metaKey) {
      move(arrow, event.shiftKey);
      return true;
    }
    if (event.key === 'Enter' && !event.ctrlKey && !event.metaKey) {
      show(begin());
      strokeTo(brush(begin()), brush(begin()), tip());
      if (pen === null) endStroke();
      return true;
    }
    if (event.key !== ' ') return false;
    if (event.repeat) return true;
    spaceHeld = cursor === null;
    if (cursor === null) viewport.dataset['space'] = 'true';
    else {
      pen = brush(cursor);
      strokeTo(pen, pen, tip());
    }
    return true;
  };

  const down = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.isComposing || isElsewhere(event.target)) return;
    const onBody = event.target === document.body;
    const handled = isUndo(event) || onPlainKey(event) || ((event.target === viewport || (onBody && event.key === ' ')) && onSurface(event));
    if (handled) event.preventDefault();
  };
  const up = (event: KeyboardEvent): void => {
    if (event.key !== ' ') return;
    spaceHeld = false;
    delete viewport.dataset['space'];
    lift();
  };
  const focus = (): void => {
    if (viewport.matches(':focus-visible')) show(begin());
  };
  const blur = (): void => {
    lift();
    if (cursor !== null) surface.showBrush(null);
  };

  window.addEventListener('keydown', down);
  window.addEventListener('keyup', up);
  viewport.addEventListener('focus', focus);
  viewport.addEventListener('blur', blur);
  return {
    isPanning: () => spaceHeld,
    rest: () => {
      lift();
      cursor = null;
    },
    dispose: () => {
      lift();
      window.removeEventListener('keydown', down);
      window.removeEventListener('keyup', up);
      viewport.removeEventListener('focus', focus);
      viewport.removeEventListener('blur', blur);
    },
  };
}

function isUndo(event: KeyboardEvent): boolean {
  const key = event.key.toLowerCase();
  if (!(event.ctrlKey || event.metaKey) || event.altKey || (key !== 'z' && key !== 'y')) return false;
  if (key === 'y' || event.shiftKey) redoMask();
  else undoMask();
  return true;
}

function onPlainKey(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const action = plainKeys[event.key.toLowerCase()];
  action?.();
  return action !== undefined;
}

/** Where keys mean something else: text, lists of choices, anything open on top. */
function isElsewhere(target: EventTarget | null): boolean {
  // One that is fading out is closed.
  if (document.querySelector('[role="dialog"]:not([data-closed])') !== null) return true;
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !['range', 'checkbox', 'radio', 'button'].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable;
}
