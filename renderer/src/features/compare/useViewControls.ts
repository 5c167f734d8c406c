import { useEffect, useRef, type KeyboardEvent, type PointerEvent, type RefObject } from 'react';
import { panned, wholeView, zoomed, type CompareView } from '../../stores/compareView.ts';
import { compareStore } from '../../stores/compare.ts';

const wheelStep = 1.2;
const keyStep = 1.5;
/** Of the box, a key press. */
const panStep = 0.12;

function look(next: (view: CompareView) => CompareView): void {
  compareStore.setState(({ view }) => ({ view: next(view) }));
}

export function zoomBy(direction: 1 | -1): void {
  look((view) => zoomed(view, direction === 1 ? keyStep : 1 / keyStep));
}

export function zoomOut(): void {
  compareStore.setState({ view: wholeView });
}

export interface ViewControls {
  readonly ref: RefObject<HTMLDivElement | null>;
  onPointerDown(event: PointerEvent<HTMLElement>): void;
  onPointerMove(event: PointerEvent<HTMLElement>): void;
  onKeyDown(event: KeyboardEvent): void;
}

const panKeys: Readonly<Record<string, readonly [number, number]>> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Zooming and panning in a box of pictures: all boxes follow. */
export function useViewControls(): ViewControls {
  const ref = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const element = ref.current;
    if (element === null) return undefined;
    const onWheel = (event: WheelEvent): void => {
      event.preventDefault();
      const box = element.getBoundingClientRect();
      const at = { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
      look((view) => zoomed(view, event.deltaY < 0 ? wheelStep : 1 / wheelStep, at));
    };
    // By hand: React listens to the wheel in a way that cannot keep the page from scrolling.
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, []);

  return {
    ref,
    onPointerDown: (event) => {
      if (event.button === 0 && event.target instanceof HTMLCanvasElement) event.currentTarget.setPointerCapture(event.pointerId);
    },
    onPointerMove: (event) => {
      if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
      const box = event.currentTarget.getBoundingClientRect();
      look((view) => panned(view, -event.movementX / box.width, -event.movementY / box.height));
    },
    onKeyDown: (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const pan = panKeys[event.key];
      if (pan === undefined || event.target !== event.currentTarget) return;
      event.preventDefault();
      look((view) => panned(view, pan[0] * panStep, pan[1] * panStep));
    },
  };
}
