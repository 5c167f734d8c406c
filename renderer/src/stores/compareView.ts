/** How all compared pictures are looked at: the point of the picture in the middle of its box, in shares of it, and how large. */
export interface CompareView {
  readonly zoom: number;
  readonly x: number;
  readonly y: number;
}

export const wholeView: CompareView = { zoom: 1, x: 0.5, y: 0.5 };

export const mostZoom = 16;

/** Never farther than an edge of the picture to an edge of the box. */
function held(view: CompareView): CompareView {
  const zoom = Math.min(mostZoom, Math.max(1, view.zoom));
  const margin = 0.5 / zoom;
  const within = (at: number): number => Math.min(1 - margin, Math.max(margin, at));
  return { zoom, x: within(view.x), y: within(view.y) };
}

/** @param right and `down` in shares of the box */
export function panned(view: CompareView, right: number, down: number): CompareView {
  return held({ ...view, x: view.x + right / view.zoom, y: view.y + down / view.zoom });
}

/** @param at the place in the box, in shares of it, whose point of the picture stays where it is */
export function zoomed(view: CompareView, factor: number, at: { readonly x: number; readonly y: number } = { x: 0.5, y: 0.5 }): CompareView {
  const zoom = Math.min(mostZoom, Math.max(1, view.zoom * factor));
  const point = { x: view.x + (at.x - 0.5) / view.zoom, y: view.y + (at.y - 0.5) / view.zoom };
  return held({ zoom, x: point.x - (at.x - 0.5) / zoom, y: point.y - (at.y - 0.5) / zoom });
}

/** Where the whole picture lies, in pixels of a box of these sides: it fits into the box at zoom 1. */
export function placed(
  view: CompareView,
  box: { readonly width: number; readonly height: number },
  picture: { readonly width: number; readonly height: number },
): { readonly left: number; readonly top: number; readonly width: number; readonly height: number } {
  const scale = Math.min(box.width / picture.width, box.height / picture.height) * view.zoom;
  const width = picture.width * scale;
  const height = picture.height * scale;
  const shift = (size: number, side: number, at: number): number => (size <= side ? (side - size) / 2 : Math.min(0, Math.max(side - size, side / 2 - at * size)));
  return { left: shift(width, box.width, view.x), top: shift(height, box.height, view.y), width, height };
}
