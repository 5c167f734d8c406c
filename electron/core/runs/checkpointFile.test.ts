import { expect, it } from 'vitest';
import { decodeCheckpoint, encodeCheckpoint, isWholeLength, prefixBytes } from './checkpointFile.ts';
import { pack, unpack } from './packed.ts';
import { checkpointAfter } from './testing/checkpoints.ts';

it('gives back the very checkpoint, opaque states, NaN and negative zero included', () => {
  const checkpoint = checkpointAfter(7);
  const read = decodeCheckpoint(encodeCheckpoint(checkpoint));
  expect(read).toStrictEqual({ kind: 'good', checkpoint });
  if (read.kind !== 'good') return;
  expect(Object.is(read.checkpoint.latents.data[2], -0)).toBe(true);
  // What is read goes on being used when the file's bytes are long gone.
  expect(read.checkpoint.cleanEstimate.data.buffer.byteLength).toBe(4 * 1024);
});

it('recognises a file that is cut off anywhere', () => {
  const file = encodeCheckpoint(checkpointAfter(3));
  for (let length = 0; length < file.length; length += 97) {
    expect(decodeCheckpoint(file.subarray(0, length))).toEqual({ kind: 'torn' });
    expect(isWholeLength(file.subarray(0, Math.min(length, prefixBytes)), length)).toBe(false);
  }
  expect(decodeCheckpoint(Buffer.concat([file, Buffer.alloc(8)]))).toEqual({ kind: 'torn' });
});

it('recognises any altered bit, and blocks of zeros that a power cut leaves', () => {
  const file = encodeCheckpoint(checkpointAfter(3));
  for (let at = 16; at < file.length; at += 501) {
    const altered = Uint8Array.from(file);
    altered[at] = (altered[at] ?? 0) ^ 4;
    expect(decodeCheckpoint(altered)).toEqual({ kind: 'torn' });
  }
  const zeros = Uint8Array.from(file).fill(0, 4096);
  expect(decodeCheckpoint(zeros)).toEqual({ kind: 'torn' });
  expect(isWholeLength(zeros.subarray(0, prefixBytes), zeros.length)).toBe(true);
});

it('tells a whole file of another version from a torn one', () => {
  const other = { ...checkpointAfter(3), version: 4 } as unknown as ReturnType<typeof checkpointAfter>;
  expect(decodeCheckpoint(encodeCheckpoint(other))).toMatchObject({ kind: 'foreign' });
  const format = encodeCheckpoint(checkpointAfter(3));
  format[7] = 9;
  expect(decodeCheckpoint(format)).toEqual({ kind: 'foreign', problem: 'Format 9' });
});

it('stores plain data only, and says what it cannot', () => {
  const value = { $: ['Float32Array', 0, 1], list: [undefined, { $: 1 }], deep: { $: { $: null } }, half: new Int16Array([1, -2, 3]) };
  const { json, bytes } = pack(value);
  expect(unpack(json, Buffer.concat(bytes))).toStrictEqual(value);
  expect(() => pack({ when: new Date() })).toThrow('A Date cannot be stored');
  expect(() => pack({ call: () => 1 })).toThrow('A function cannot be stored');
  expect(() => unpack('{"$":["Float32Array",0,9]}', new Uint8Array(8))).toThrow('outside');
});
