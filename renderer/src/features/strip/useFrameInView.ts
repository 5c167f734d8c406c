import { useEffect, useRef, type RefObject } from 'react';

/** Pixels kept free before the current frame, and after it: there the steps to come are reached. */
const before = 20;
const after = 130;

/** A box that scrolls to the frame with that index whenever it is another one. */
export function useFrameInView(current: number): RefObject<HTMLDivElement | null> {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // With the next frame: asked for right behind a change, the browser would have to lay out the page twice for one frame.
    const planned = requestAnimationFrame(() => bringIntoView(list.current, current));
    return () => cancelAnimationFrame(planned);
  }, [current]);
  return list;
}

function bringIntoView(box: HTMLDivElement | null, index: number): void {
  const frame = box?.querySelector<HTMLElement>(`[data-index="${String(index)}"]`) ?? null;
  if (box === null || frame === null) return;
  // By hand: scrollIntoView would move every box around the strip too.
  const left = frame.offsetLeft - box.offsetLeft;
  if (left < box.scrollLeft + before) box.scrollLeft = left - before;
  else if (left + frame.offsetWidth > box.scrollLeft + box.clientWidth - after) {
    box.scrollLeft = left + frame.offsetWidth - box.clientWidth + after;
  }
}
