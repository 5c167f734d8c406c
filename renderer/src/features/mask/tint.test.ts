import { describe, expect, it } from 'vitest';
import { createMaskRaster } from '../../stores/maskRaster.ts';
import { sizeFromSlider, sliderFromSize, sliderSteps } from './sizeScale.ts';
import { drawTint, screenRegion } from './tint.ts';
import { fitView, panBy, reveal, toPicture, toViewport, zoomAt } from './viewTransform.ts';

const alpha = (pixel: number | undefined): number => (pixel ?? 0) >>> 24;

describe('the tint', () => {
  const raster = createMaskRaster(100, 100);
  for (let y = 20; y < 60; y++) raster.data.fill(255, y * 100 + 20, y * 100 + 60);
  const area = { left: 0, top: 0, width: 100, height: 100 };

  it('lies on what is masked, and nowhere else', () => {
    const out = new Uint32Array(100 * 100);
    drawTint(out, area, raster, { scale: 1, x: 0, y: 0 });
    expect(alpha(out[40 * 100 + 40])).toBe(140);
    expect(alpha(out[10 * 100 + 10])).toBe(0);
    expect(alpha(out[40 * 100 + 20])).toBe(255);
  });

  it('draws a part of the screen as it draws the whole of it', () => {
    const view = { scale: 1.7, x: -31, y: 12 };
    const whole = new Uint32Array(160 * 140);
    drawTint(whole, { left: 0, top: 0, width: 160, height: 140 }, raster, view);
    const part = { left: 33, top: 41, width: 50, height: 37 };
    const out = new Uint32Array(part.width * part.height);
    drawTint(out, part, raster, view);
    for (let y = 0; y < part.height; y++) {
      const start = (part.top + y) * 160 + part.left;
      expect(out.subarray(y * part.width, (y + 1) * part.width)).toEqual(whole.subarray(start, start + part.width));
    }
  });

  it('averages when it is made smaller, so that thin strokes stay in sight', () => {
    const thin = createMaskRaster(400, 400);
    for (let y = 0; y < 400; y++) thin.data[y * 400 + 201] = 255;
    const out = new Uint32Array(100 * 100);
    drawTint(out, area, thin, { scale: 0.25, x: 0, y: 0 });
    expect(alpha(out[50 * 100 + 50])).toBeGreaterThan(20);
  });

  it('leaves what lies off the screen alone', () => {
    expect(screenRegion({ left: 0, top: 0, width: 10, height: 10 }, { scale: 1, x: -50, y: 0 }, { width: 100, height: 100 })).toBeNull();
  });
});

describe('the view', () => {
  const picture = { width: 1000, height: 500 };
  const viewport = { width: 500, height: 500 };

  it('fits the picture into the middle', () => {
    const view = fitView(picture, viewport);
    const centre = toViewport(view, { x: 500, y: 250 });
    expect(centre.x).toBeCloseTo(250);
    expect(centre.y).toBeCloseTo(250);
    expect(picture.width * view.scale).toBeLessThanOrEqual(500);
  });

  it('zooms around the pointer', () => {
    const view = fitView(picture, viewport);
    const at = { x: 120, y: 260 };
    const place = toPicture(view, at);
    const closer = zoomAt(view, 3, at, picture, viewport);
    expect(toPicture(closer, at).x).toBeCloseTo(place.x);
    expect(toPicture(closer, at).y).toBeCloseTo(place.y);
  });

  it('ends somewhere in both directions, and never loses the picture', () => {
    let view = fitView(picture, viewport);
    const { scale } = view;
    for (let index = 0; index < 60; index++) view = zoomAt(view, 0.5, { x: 0, y: 0 }, picture, viewport);
    expect(view.scale).toBeCloseTo(scale / 2);
    view = panBy(view, 9e6, 9e6, picture, viewport);
    expect(toViewport(view, { x: 0, y: 0 }).x).toBeLessThan(500);
    for (let index = 0; index < 60; index++) view = zoomAt(view, 2, { x: 250, y: 250 }, picture, viewport);
    expect(view.scale).toBe(32);
  });

  it('follows a place that left the viewport', () => {
    const view = { scale: 2, x: 0, y: 0 };
    const spot = toViewport(reveal(view, { x: 900, y: 100 }, viewport), { x: 900, y: 100 });
    expect(spot.x).toBeLessThan(500);
    expect(spot.y).toBe(200);
  });
});

it('the size slider runs from the smallest to the largest brush', () => {
  expect(sizeFromSlider(0)).toBe(1);
  expect(sizeFromSlider(sliderSteps)).toBe(1024);
  for (const size of [1, 8, 77, 1024]) expect(Math.abs(sizeFromSlider(sliderFromSize(size)) / size - 1)).toBeLessThan(0.06);
});
