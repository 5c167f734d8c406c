import { useEffect, useRef } from 'react';
import { placed, type CompareView } from '../../stores/compareView.ts';
import { isSmall, sidesOf, softened, type Drawn } from './softened.ts';
import styles from './compare.module.css';

export interface Layer {
  readonly source: Drawn | null;
  /** The part of the box, in shares of its width, that it is seen in. */
  readonly from: number;
  readonly to: number;
}

export interface PictureCanvasProps {
  readonly layers: readonly Layer[];
  readonly view: CompareView;
  readonly alt: string;
}

/** From this many device pixels a pixel on, pixels are shown as squares. */
const squaresFrom = 6;

/** Pictures in one box, each in its part of it, all seen the same way. */
export function PictureCanvas({ layers, view, alt }: PictureCanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const redraw = useRef<() => void>(() => undefined);

  useEffect(() => {
    redraw.current = () => draw(canvas.current, layers, view);
    redraw.current();
  }, [layers, view]);

  useEffect(() => {
    const element = canvas.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => redraw.current());
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  return <canvas ref={canvas} className={styles.canvas} role="img" aria-label={alt} data-drawn={layers.every(({ source }) => source !== null)} />;
}

function draw(canvas: HTMLCanvasElement | null, layers: readonly Layer[], view: CompareView): void {
  const context = canvas?.getContext('2d') ?? null;
  if (canvas === null || context === null) return;
  const scale = window.devicePixelRatio;
  const box = { width: Math.round(canvas.clientWidth * scale), height: Math.round(canvas.clientHeight * scale) };
  canvas.width = box.width;
  canvas.height = box.height;
  for (const { source, from, to } of layers) {
    if (source === null) continue;
    const place = placed(view, box, sidesOf(source));
    context.save();
    context.beginPath();
    context.rect(from * box.width, 0, (to - from) * box.width, box.height);
    context.clip();
    context.imageSmoothingEnabled = isSmall(source) || place.width / sidesOf(source).width < squaresFrom;
    context.imageSmoothingQuality = 'high';
    context.drawImage(softened(source), place.left, place.top, place.width, place.height);
    context.restore();
  }
}
