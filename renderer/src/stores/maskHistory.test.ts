import { describe, expect, it } from 'vitest';
import { createMaskHistory } from './maskHistory.ts';
import { createMaskRaster, invertMask, paintSegment, wholeOf, type MaskRaster } from './maskRaster.ts';
import { packBytes, unpackBytes } from './runLength.ts';

function stroke(raster: MaskRaster, history: ReturnType<typeof createMaskHistory>, x: number): void {
  const point = { x, y: 90, radius: 9 };
  history.touch({ left: x - 12, top: 70, width: 30, height: 40 });
  paintSegment(raster, point, { ...point, x: x + 5 }, { erase: false, hardness: 0.5 });
}

describe('undo', () => {
  it('walks back through eighty strokes to the empty mask, and forward to the last byte', () => {
    const raster = createMaskRaster(1000, 200);
    const history = createMaskHistory(raster);
    const states: Uint8Array[] = [Uint8Array.from(raster.data)];
    for (let index = 0; index < 80; index++) {
      stroke(raster, history, 20 + index * 12);
      expect(history.commit()).toBe(true);
      states.push(Uint8Array.from(raster.data));
    }
    for (let index = 79; index >= 0; index--) {
      expect(history.undo()).not.toBeNull();
      expect(raster.data).toEqual(states[index]);
    }
    expect(history.canUndo).toBe(false);
    for (let index = 1; index <= 80; index++) history.redo();
    expect(raster.data).toEqual(states[80]);
    expect(history.canRedo).toBe(false);
  });

  it('forgets what was undone once something new is painted', () => {
    const raster = createMaskRaster(300, 200);
    const history = createMaskHistory(raster);
    stroke(raster, history, 50);
    history.commit();
    history.undo();
    stroke(raster, history, 150);
    history.commit();
    expect(history.canRedo).toBe(false);
  });

  it('takes an unfinished stroke back without a step', () => {
    const raster = createMaskRaster(300, 200);
    const history = createMaskHistory(raster);
    stroke(raster, history, 50);
    expect(history.cancel()).not.toBeNull();
    expect(raster.data.every((value) => value === 0)).toBe(true);
    expect(history.canUndo).toBe(false);
  });

  it('counts nothing that changed nothing', () => {
    const raster = createMaskRaster(300, 200);
    const history = createMaskHistory(raster);
    history.touch(wholeOf(raster));
    expect(history.commit()).toBe(false);
  });

  it('goes back over whole-mask operations at sides that are no multiple of a tile', () => {
    const raster = createMaskRaster(131, 67);
    const history = createMaskHistory(raster);
    raster.data[5] = 77;
    history.touch(wholeOf(raster));
    invertMask(raster);
    history.commit();
    history.undo();
    expect(raster.data[5]).toBe(77);
    expect(raster.data.filter((value) => value !== 0)).toHaveLength(1);
  });
});

describe('packing', () => {
  it.each([
    ['even', new Uint8Array(4096).fill(255), 40],
    ['noise', Uint8Array.from({ length: 4096 }, (_, index) => (index * 7919) % 251), 4097],
    ['empty', new Uint8Array(0), 1],
  ])('%s bytes come back, and take no more than they must', (_, bytes, most) => {
    const packed = packBytes(bytes);
    expect(packed.length).toBeLessThanOrEqual(most);
    expect(unpackBytes(packed, bytes.length)).toEqual(bytes);
  });
});
