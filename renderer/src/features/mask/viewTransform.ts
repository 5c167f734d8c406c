/** Where the picture lies in the viewport, in CSS pixels: `screen = picture * scale + offset`. */
export interface View {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

export interface Box {
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** CSS pixels kept free around a picture that is fitted. */
const margin = 14;
const largestScale = 32;
/** Of the fitted scale. */
const smallestShare = 0.5;
/** CSS pixels of the picture that stay in sight however far it is moved. */
const leastInSight = 48;

export function fitScale(picture: Box, viewport: Box): number {
  const width = Math.max(1, viewport.width - 2 * margin);
  const height = Math.max(1, viewport.height - 2 * margin);
  return Math.min(width / picture.width, height / picture.height, largestScale);
}

export function fitView(picture: Box, viewport: Box): View {
  return centred(fitScale(picture, viewport), picture, viewport);
}

function centred(scale: number, picture: Box, viewport: Box): View {
  return { scale, x: (viewport.width - picture.width * scale) / 2, y: (viewport.height - picture.height * scale) / 2 };
}

/** Enlarges around a point of the viewport, which stays on the same place of the picture. */
export function zoomAt(view: View, factor: number, at: Point, picture: Box, viewport: Box): View {
  const smallest = fitScale(picture, viewport) * smallestShare;
  const scale = Math.min(largestScale, Math.max(smallest, view.scale * factor));
  const ratio = scale / view.scale;
  return keptInSight({ scale, x: at.x - (at.x - view.x) * ratio, y: at.y - (at.y - view.y) * ratio }, picture, viewport);
}

export function panBy(view: View, dx: number, dy: number, picture: Box, viewport: Box): View {
  return keptInSight({ ...view, x: view.x + dx, y: view.y + dy }, picture, viewport);
}

function keptInSight(view: View, picture: Box, viewport: Box): View {
  const clamp = (offset: number, length: number, room: number): number =>
    Math.min(room - leastInSight, Math.max(leastInSight - length * view.scale, offset));
  return { scale: view.scale, x: clamp(view.x, picture.width, viewport.width), y: clamp(view.y, picture.height, viewport.height) };
}

export function toPicture(view: View, at: Point): Point {
  return { x: (at.x - view.x) / view.scale, y: (at.y - view.y) / view.scale };
}

export function toViewport(view: View, at: Point): Point {
  return { x: at.x * view.scale + view.x, y: at.y * view.scale + view.y };
}

/** The view moved just so far that a point of the picture lies inside the viewport. */
export function reveal(view: View, at: Point, viewport: Box): View {
  const spot = toViewport(view, at);
  const into = (value: number, room: number): number => Math.min(room - margin, Math.max(margin, value)) - value;
  return { scale: view.scale, x: view.x + into(spot.x, viewport.width), y: view.y + into(spot.y, viewport.height) };
}
