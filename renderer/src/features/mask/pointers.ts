import { cancelStroke, endStroke, strokeTo } from '../../stores/mask.ts';
import type { BrushPoint, BrushTip } from '../../stores/maskRaster.ts';
import { maskToolsStore } from '../../stores/maskTools.ts';
import type { Surface } from './surface.ts';

/** A pen hardly touching still paints this share of the radius. */
const leastPressure = 0.15;
/** Of the wheel's pixels to the exponent of the zoom; a notch is about a fifth. */
const wheelZoom = 0.002;

type Gesture =
  | { readonly kind: 'stroke'; readonly id: number; readonly tip: BrushTip; last: BrushPoint }
  | { readonly kind: 'pan'; readonly id: number; x: number; y: number }
  | { readonly kind: 'pinch'; distance: number; x: number; y: number };

export interface PointerHooks {
  /** Whether a drag moves the picture, because the space bar is held. */
  isPanning(): boolean;
  /** The pointer took over from the keyboard. */
  onUse(): void;
}

/** Mouse, pen and fingers on the surface: painting, moving, enlarging. */
export function listenToPointers(surface: Surface, hooks: PointerHooks): () => void {
  const { viewport } = surface.parts;
  const fingers = new Map<number, PointerEvent>();
  let gesture: Gesture | null = null;
  let lastEnd: BrushPoint | null = null;

  const brushAt = (event: PointerEvent): BrushPoint => {
    const { size } = maskToolsStore.getState();
    const share = event.pointerType === 'pen' ? Math.max(leastPressure, event.pressure) : 1;
    return { ...surface.at(event), radius: (size / 2) * share };
  };

  const down = (event: PointerEvent): void => {
    if (event.target instanceof Element && event.target.closest('button') !== null) return;
    hooks.onUse();
    viewport.focus({ preventScroll: true });
    viewport.setPointerCapture(event.pointerId);
    if (event.pointerType === 'touch') fingers.set(event.pointerId, event);
    if (fingers.size === 2) {
      if (gesture?.kind === 'stroke') cancelStroke();
      gesture = { kind: 'pinch', ...spread(fingers) };
      return;
    }
    if (gesture !== null) return;
    event.preventDefault();
    if (event.button === 1 || hooks.isPanning()) {
      gesture = { kind: 'pan', id: event.pointerId, x: event.clientX, y: event.clientY };
      viewport.dataset['panning'] = 'true';
      return;
    }
    const { tool, hardness } = maskToolsStore.getState();
    // The other end of a pen and the right button erase.
    const erase = tool === 'eraser' || event.button === 2 || event.button === 5;
    const point = brushAt(event);
    const tip = { erase, hardness };
    gesture = { kind: 'stroke', id: event.pointerId, tip, last: point };
    strokeTo(event.shiftKey && lastEnd !== null ? lastEnd : point, point, tip);
  };

  const move = (event: PointerEvent): void => {
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, event);
    if (event.pointerType !== 'touch') surface.showBrush(surface.at(event));
    if (gesture === null) return;
    if (gesture.kind === 'pinch') {
      const next = spread(fingers);
      surface.pan(next.x - gesture.x, next.y - gesture.y);
      surface.zoom(next.distance / gesture.distance, { clientX: next.x, clientY: next.y });
      gesture = { kind: 'pinch', ...next };
    } else if (event.pointerId !== gesture.id) return;
    else if (gesture.kind === 'pan') {
      surface.pan(event.clientX - gesture.x, event.clientY - gesture.y);
      gesture.x = event.clientX;
      gesture.y = event.clientY;
    } else {
      const steps = event.getCoalescedEvents();
      for (const step of steps.length === 0 ? [event] : steps) {
        const point = brushAt(step);
        strokeTo(gesture.last, point, gesture.tip);
        gesture.last = point;
      }
    }
  };

  const up = (event: PointerEvent): void => {
    fingers.delete(event.pointerId);
    delete viewport.dataset['panning'];
    if (gesture === null || (gesture.kind !== 'pinch' && gesture.id !== event.pointerId)) return;
    if (gesture.kind === 'stroke') {
      lastEnd = gesture.last;
      endStroke();
    }
    // The finger that stays after a pinch paints nothing.
    gesture = null;
  };

  const wheel = (event: WheelEvent): void => {
    event.preventDefault();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 32 : 1;
    if (event.ctrlKey || event.metaKey) surface.zoom(Math.exp(-event.deltaY * pixels * wheelZoom), event);
    else if (event.shiftKey && event.deltaX === 0) surface.pan(-event.deltaY * pixels, 0);
    else surface.pan(-event.deltaX * pixels, -event.deltaY * pixels);
  };
  const leave = (event: PointerEvent): void => {
    if (event.pointerType !== 'touch') surface.showBrush(null);
  };
  const quiet = (event: Event): void => event.preventDefault();

  viewport.addEventListener('pointerdown', down);
  viewport.addEventListener('pointermove', move);
  viewport.addEventListener('pointerup', up);
  viewport.addEventListener('pointercancel', up);
  viewport.addEventListener('pointerleave', leave);
  viewport.addEventListener('wheel', wheel, { passive: false });
  viewport.addEventListener('contextmenu', quiet);
  return () => {
    viewport.removeEventListener('pointerdown', down);
    viewport.removeEventListener('pointermove', move);
    viewport.removeEventListener('pointerup', up);
    viewport.removeEventListener('pointercancel', up);
    viewport.removeEventListener('pointerleave', leave);
    viewport.removeEventListener('wheel', wheel);
    viewport.removeEventListener('contextmenu', quiet);
    if (gesture?.kind === 'stroke') endStroke();
  };
}

function spread(fingers: ReadonlyMap<number, PointerEvent>): { distance: number; x: number; y: number } {
  const [a, b] = [...fingers.values()];
  if (a === undefined || b === undefined) return { distance: 1, x: 0, y: 0 };
  return {
    distance: Math.max(1, Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY)),
    x: (a.clientX + b.clientX) / 2,
    y: (a.clientY + b.clientY) / 2,
  };
}
