import { useEffect, useRef } from 'react';
import { cx } from './cx.ts';
import { drawEnlarged, drawnSize } from './enlarge.ts';
import styles from './Frame.module.css';

export interface FrameProps {
  readonly src: string;
  /** Frames of one stream replace each other without a gap; a new stream starts blank. */
  readonly stream: string;
  readonly alt: string;
  readonly className?: string | undefined;
  /** The address of the frame that is on the screen now. */
  onShown?(src: string): void;
}

/**
 * Shows a picture as large as its box, smoothly enlarged, and changes it without flicker: the next frame is loaded and
 * decoded beside the one shown. A frame that arrives late, after a newer one, is dropped.
 */
export function Frame({ src, stream, alt, className, onShown }: FrameProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const shown = useRef<{ image: HTMLImageElement | null; order: number; stream: string }>({ image: null, order: 0, stream });
  const asked = useRef(0);
  const report = useRef(onShown);

  useEffect(() => {
    report.current = onShown;
  }, [onShown]);

  useEffect(() => {
    const order = ++asked.current;
    const image = new Image();
    image.src = src;
    const show = (): void => {
      if (order <= shown.current.order) return;
      shown.current = { image, order, stream };
      draw(canvas.current, image);
      report.current?.(src);
    };
    // A picture that cannot be had leaves the one before in place; the job says what went wrong.
    image.decode().then(show, () => undefined);
  }, [src, stream]);

  useEffect(() => {
    if (shown.current.stream === stream) return;
    shown.current = { image: null, order: asked.current - 1, stream };
    draw(canvas.current, null);
  }, [stream]);

  useEffect(() => {
    const element = canvas.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => draw(element, shown.current.image));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  return <canvas ref={canvas} className={cx(styles.frame, className)} role="img" aria-label={alt} />;
}

function draw(canvas: HTMLCanvasElement | null, image: HTMLImageElement | null): void {
  const context = canvas?.getContext('2d') ?? null;
  if (canvas === null || context === null) return;
  const scale = window.devicePixelRatio;
  const { width, height } = drawnSize(image, canvas.clientWidth * scale, canvas.clientHeight * scale);
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  context.clearRect(0, 0, width, height);
  if (image === null) return;
  drawEnlarged(context, image, width, height);
}
