import { describe, expect, it } from 'vitest';
import { featherMask } from './maskBlur.ts';
import { createMaskRaster, invertMask, measureMask, paintSegment, putLuma, type MaskRaster } from './maskRaster.ts';

const hard = { erase: false, hardness: 1 };

function value({ data, width }: MaskRaster, x: number, y: number): number {
  return data[y * width + x] ?? -1;
}

function dab(raster: MaskRaster, x: number, y: number, radius: number, tip = hard): void {
  paintSegment(raster, { x, y, radius }, { x, y, radius }, tip);
}

describe('the brush', () => {
  it('covers a disc of its own area', () => {
    const raster = createMaskRaster(100, 100);
    dab(raster, 50, 50, 20);
    const sum = raster.data.reduce((total, pixel) => total + pixel, 0) / 255;
    expect(Math.abs(sum - Math.PI * 400)).toBeLessThan(12);
    expect(value(raster, 50, 50)).toBe(255);
    expect(value(raster, 50, 20)).toBe(0);
  });

  it('draws a line without gaps, however far apart its ends are', () => {
    const raster = createMaskRaster(200, 40);
    paintSegment(raster, { x: 10, y: 20, radius: 5 }, { x: 190, y: 20, radius: 5 }, hard);
    for (let x = 6; x < 194; x++) expect(value(raster, x, 20)).toBe(255);
    expect(value(raster, 100, 12)).toBe(0);
  });

  it('grows along a line whose ends differ in radius, as a pen pressed harder', () => {
    const raster = createMaskRaster(200, 60);
    paintSegment(raster, { x: 20, y: 30, radius: 2 }, { x: 180, y: 30, radius: 20 }, hard);
    expect(value(raster, 30, 38)).toBe(0);
    expect(value(raster, 170, 38)).toBe(255);
  });

  it('falls off softly and does not build up where strokes overlap', () => {
    const raster = createMaskRaster(80, 80);
    const soft = { erase: false, hardness: 0 };
    dab(raster, 40, 40, 30, soft);
    const once = Uint8Array.from(raster.data);
    dab(raster, 40, 40, 30, soft);
    expect(raster.data).toEqual(once);
    const half = value(raster, 55, 40);
    expect(half).toBeGreaterThan(90);
    expect(half).toBeLessThan(165);
  });

  it('takes away again with the eraser', () => {
    const raster = createMaskRaster(60, 60);
    dab(raster, 30, 30, 20);
    dab(raster, 30, 30, 22, { erase: true, hardness: 1 });
    expect(measureMask(raster)).toEqual({ coverage: 0, bounds: null });
  });

  it('reaches the border and passes outside without harm', () => {
    const raster = createMaskRaster(20, 10);
    dab(raster, 0, 0, 4);
    expect(value(raster, 0, 0)).toBe(255);
    expect(paintSegment(raster, { x: -90, y: -90, radius: 4 }, { x: -80, y: -80, radius: 4 }, hard)).toBeNull();
    dab(raster, 19.5, 9.5, 0.5);
    expect(value(raster, 19, 9)).toBe(255);
  });
});

describe('a whole mask', () => {
  it('is measured by what the engine paints again, and bounded by everything not black', () => {
    const raster = createMaskRaster(10, 10);
    raster.data.set([127, 128, 255], 32);
    expect(measureMask(raster)).toEqual({ coverage: 0.02, bounds: { left: 2, top: 3, width: 3, height: 1 } });
  });

  it('inverts, and back', () => {
    const raster = createMaskRaster(4, 1);
    raster.data.set([0, 1, 200, 255]);
    invertMask(raster);
    expect([...raster.data]).toEqual([255, 254, 55, 0]);
    invertMask(raster);
    expect([...raster.data]).toEqual([0, 1, 200, 255]);
  });

  it('takes brightness from colours as Pillow does', () => {
    const raster = createMaskRaster(4, 2);
    // Image.new('RGB', (1, 1), c).convert('L').getpixel((0, 0)) of these colours.
    putLuma(raster, Uint8ClampedArray.of(255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 12, 200, 99, 255), 1);
    expect([...raster.data.subarray(4)]).toEqual([76, 150, 29, 132]);
  });
});

describe('feather', () => {
  it('softens an edge around its place: half stays half, and what lies far is untouched', () => {
    const raster = createMaskRaster(200, 50);
    for (let y = 0; y < 50; y++) raster.data.fill(255, y * 200, y * 200 + 100);
    featherMask(raster, 8);
    expect(value(raster, 60, 25)).toBe(255);
    expect(value(raster, 140, 25)).toBe(0);
    expect(value(raster, 99, 25) + value(raster, 100, 25)).toBeCloseTo(255, -1);
    // A Gaussian's cumulative share 7.5 pixels, at sigma 8, outside the edge is 0.174.
    expect(Math.abs(value(raster, 107, 25) / 255 - 0.174)).toBeLessThan(0.03);
  });

  it('leaves a border that is covered covered', () => {
    const raster = createMaskRaster(40, 40);
    raster.data.fill(255);
    featherMask(raster, 6);
    expect(raster.data.every((pixel) => pixel === 255)).toBe(true);
  });

  it('does nothing to an empty mask', () => {
    expect(featherMask(createMaskRaster(10, 10), 5)).toBeNull();
  });
});
