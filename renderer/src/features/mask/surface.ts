import type { Region } from '../../../../shared/job.ts';
import { currentMask, onMaskPainted } from '../../stores/mask.ts';
import { unite } from '../../stores/maskHistory.ts';
import { wholeOf } from '../../stores/maskRaster.ts';
import { maskToolsStore } from '../../stores/maskTools.ts';
import { surfaceStore } from './surfaceStore.ts';
import { drawTint, screenRegion } from './tint.ts';
import { fitView, panBy, reveal, toPicture, toViewport, zoomAt, type Box, type Point, type View } from './viewTransform.ts';

export interface SurfaceParts {
  /** What is painted on; everything lies in it. */
  readonly viewport: HTMLElement;
  /** At the picture's own sides, moved and scaled as a whole. */
  readonly sheet: HTMLElement;
  /** At the viewport's sides: the tint. */
  readonly canvas: HTMLCanvasElement;
  /** The brush's outline. */
  readonly ring: HTMLElement;
}

/** From this scale on single pixels are shown as squares. */
const pixelatedFrom = 3;

/**
 * The painting surface: where the picture lies, what the mask looks like on it, and the brush's outline. Works on the
 * elements directly, for a stroke must not wait for a render.
 */
export class Surface {
  readonly parts: SurfaceParts;
  readonly picture: Box;
  #view: View = { scale: 1, x: 0, y: 0 };
  #fitted = true;
  #dirty: Region[] = [];
  #frame: number | null = null;
  /** The picture lies elsewhere now: what it no longer covers must go too. */
  #moved = false;
  #brush: Point | null = null;
  readonly #stops: (() => void)[];

  constructor(parts: SurfaceParts, picture: Box) {
    this.parts = parts;
    this.picture = picture;
    const observer = new ResizeObserver(() => this.#resize());
    observer.observe(parts.viewport);
    this.#stops = [
      () => observer.disconnect(),
      onMaskPainted((region) => this.#redraw(region)),
      maskToolsStore.subscribe(() => this.showBrush(this.#brush)),
    ];
    this.#resize();
  }

  dispose(): void {
    for (const stop of this.#stops) stop();
    if (this.#frame !== null) cancelAnimationFrame(this.#frame);
  }

  get view(): View {
    return this.#view;
  }

  get #room(): Box {
    return { width: this.parts.viewport.clientWidth, height: this.parts.viewport.clientHeight };
  }

  /** The place of the picture under a pointer. */
  at(event: { readonly clientX: number; readonly clientY: number }): Point {
    return toPicture(this.#view, this.#inViewport(event));
  }

  #inViewport(event: { readonly clientX: number; readonly clientY: number }): Point {
    const box = this.parts.viewport.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  fit(): void {
    this.#fitted = true;
    this.#setView(fitView(this.picture, this.#room));
  }

  /** Around a pointer, or around the middle. */
  zoom(factor: number, event?: { readonly clientX: number; readonly clientY: number }): void {
    const room = this.#room;
    const at = event === undefined ? { x: room.width / 2, y: room.height / 2 } : this.#inViewport(event);
    this.#fitted = false;
    this.#setView(zoomAt(this.#view, factor, at, this.picture, room));
  }

  pan(dx: number, dy: number): void {
    this.#fitted = false;
    this.#setView(panBy(this.#view, dx, dy, this.picture, this.#room));
  }

  reveal(point: Point): void {
    this.#setView(reveal(this.#view, point, this.#room));
  }

  /** Puts the brush's outline over a place of the picture; null takes it away. */
  showBrush(point: Point | null): void {
    this.#brush = point;
    const { ring } = this.parts;
    ring.hidden = point === null;
    if (point === null) return;
    const spot = toViewport(this.#view, point);
    const diameter = Math.max(3, maskToolsStore.getState().size * this.#view.scale);
    ring.style.width = `${String(diameter)}px`;
    ring.style.height = `${String(diameter)}px`;
    ring.style.transform = `translate(${String(spot.x - diameter / 2)}px, ${String(spot.y - diameter / 2)}px)`;
  }

  #resize(): void {
    const { canvas } = this.parts;
    const room = this.#room;
    const ratio = window.devicePixelRatio;
    canvas.width = Math.max(1, Math.round(room.width * ratio));
    canvas.height = Math.max(1, Math.round(room.height * ratio));
    if (this.#fitted) this.fit();
    else this.#setView(this.#view);
  }

  #setView(view: View): void {
    this.#view = view;
    const { sheet } = this.parts;
    sheet.style.transform = `translate(${String(view.x)}px, ${String(view.y)}px) scale(${String(view.scale)})`;
    sheet.style.imageRendering = view.scale >= pixelatedFrom ? 'pixelated' : 'auto';
    surfaceStore.setState({ scale: view.scale, fitted: this.#fitted });
    this.showBrush(this.#brush);
    const raster = currentMask();
    this.#moved = true;
    if (raster !== null) this.#redraw(wholeOf(raster));
  }

  #redraw(region: Region): void {
    this.#dirty.push(region);
    this.#frame ??= requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    this.#frame = null;
    const dirty = unite(this.#dirty);
    this.#dirty = [];
    const { canvas } = this.parts;
    const context = canvas.getContext('2d');
    const raster = currentMask();
    if (context === null || raster === null || dirty === null) return;
    if (this.#moved) context.clearRect(0, 0, canvas.width, canvas.height);
    this.#moved = false;
    const ratio = window.devicePixelRatio;
    const view = { scale: this.#view.scale * ratio, x: this.#view.x * ratio, y: this.#view.y * ratio };
    const area = screenRegion(dirty, view, canvas);
    if (area === null) return;
    const image = new ImageData(area.width, area.height);
    drawTint(new Uint32Array(image.data.buffer), area, raster, view);
    context.putImageData(image, area.left, area.top);
  }
}
