import { copyFile, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { tinyFixtures } from '../../../e2e/parity/tiny/folder.ts';
import { openSession, sessionOptions } from '../ort/session.ts';
import { TorchGenerator } from '../tensor/random.ts';

it('on the CPU large weights are used where they are mapped, small ones laid out for speed', () => {
  expect(sessionOptions('cpu', 300 * 2 ** 20)).toMatchObject({ graphOptimizationLevel: 'extended', extra: { session: { disable_prepacking: '1' } } });
  const small = sessionOptions('cpu', 100 * 2 ** 20);
  expect([small.graphOptimizationLevel, JSON.stringify(small.extra)]).toEqual([undefined, expect.not.stringContaining('prepacking')]);
  expect(sessionOptions('webgpu', 300 * 2 ** 20).graphOptimizationLevel).toBe(undefined);
});

it('both ways give the same values but for rounding, and weights count wherever they lie in the folder', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'stopbath-large-'));
  const file = path.join(folder, 'model.onnx');
  await copyFile(path.join(tinyFixtures, 'parts/vae_decoder/model.onnx'), file);
  const latents = new TorchGenerator('1').normal([1, 4, 16, 16]);
  const decode = async (): Promise<Float32Array> => {
    const session = await openSession(file, 'cpu');
    const results = await session.run({ [session.inputs[0]?.name ?? '']: latents });
    await session.release();
    return Object.values(results)[0]?.data ?? new Float32Array();
  };
  const small = await decode();
  // Sparse: only its length is on disk.
  await writeFile(path.join(folder, 'model.onnx_data'), '');
  await truncate(path.join(folder, 'model.onnx_data'), 300 * 2 ** 20);
  const large = await decode();
  const largest = small.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const difference = small.reduce((most, value, index) => Math.max(most, Math.abs(value - (large[index] ?? NaN))), 0);
  expect(difference / largest).toBeLessThan(1e-5);
  await rm(folder, { recursive: true });
});
