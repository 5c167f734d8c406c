import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readGreyPng } from '../testing/readGreyPng.ts';
import { formStore, initialForm, setForm } from './form.ts';
import { currentMask, endStroke, fillMask, maskStore, strokeTo, undoMask } from './mask.ts';
import { settleMask, watchMask } from './maskFile.ts';

const image = { id: 'a'.repeat(64), width: 64, height: 48 };
const dot = { x: 30, y: 20, radius: 6 };

let sent: Uint8Array[] = [];
let stop: () => void = () => undefined;
let refuse = false;

beforeEach(() => {
  sent = [];
  refuse = false;
  vi.stubGlobal('fetch', (_url: string, init?: { body?: ArrayBuffer }) => {
    if (refuse) return Promise.reject(new TypeError('no connection'));
    sent.push(new Uint8Array(init?.body ?? new ArrayBuffer(0)));
    return Promise.resolve({ status: 201, json: () => Promise.resolve({ id: String(sent.length).repeat(64), width: 64, height: 48 }) });
  });
  formStore.setState(initialForm, true);
  stop = watchMask();
  setForm({ task: 'inpaint', image });
});

afterEach(() => {
  setForm({ image: null, mask: null });
  stop();
  vi.unstubAllGlobals();
});

function paint(): void {
  strokeTo(dot, dot, { erase: false, hardness: 1 });
  endStroke();
}

describe('the mask of the form', () => {
  it('is stored before a run is sent, as it is painted', async () => {
    paint();
    expect(formStore.getState().mask).toBeNull();
    await settleMask();
    expect(formStore.getState().mask).toEqual({ id: '1'.repeat(64), width: 64, height: 48 });
    const stored = await readGreyPng(sent[0] ?? new Uint8Array());
    expect([...stored.data]).toEqual([...(currentMask()?.data ?? [])]);
    expect(stored.data[20 * 64 + 30]).toBe(255);
  });

  it('is sent once for what did not change', async () => {
    paint();
    await settleMask();
    await settleMask();
    expect(sent).toHaveLength(1);
  });

  it('is none when nothing is masked', async () => {
    paint();
    await settleMask();
    fillMask(0);
    await settleMask();
    expect(formStore.getState().mask).toBeNull();
    undoMask();
    await settleMask();
    expect(formStore.getState().mask?.id).toBe('2'.repeat(64));
  });

  it('that cannot be stored stops the run in words, and is sent with the next one', async () => {
    paint();
    refuse = true;
    await expect(settleMask()).rejects.toMatchObject({ code: 'FILE_ACCESS' });
    refuse = false;
    await settleMask();
    expect(formStore.getState().mask).not.toBeNull();
  });

  it('stays through a change of tabs and begins anew with another picture', async () => {
    paint();
    await settleMask();
    setForm({ task: 'text-to-image', prompt: 'x' });
    setForm({ task: 'inpaint' });
    expect(maskStore.getState().coverage).toBeGreaterThan(0);
    setForm({ image: { id: 'c'.repeat(64), width: 32, height: 32 }, mask: null });
    expect(maskStore.getState()).toMatchObject({ sides: { width: 32, height: 32 }, coverage: 0, canUndo: false });
  });
});
