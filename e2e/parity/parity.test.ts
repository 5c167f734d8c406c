import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { schedulerIds } from '../../shared/samplers.ts';

/** result.json is written by e2e/parity/run.sh, which needs Python; this keeps a failed comparison from being committed. */
interface Result {
  readonly bars: { readonly latentsRelative: number; readonly pictureWithin2Of255: number };
  readonly model: { readonly unetSha256: string };
  readonly rows: readonly {
    readonly scheduler: string;
    readonly latentsRelative: number;
    readonly pictureWithin2Of255: number;
    readonly sameGuidedSteps: boolean;
  }[];
}

it('pictures agree with diffusers', () => {
  const { bars, model, rows } = JSON.parse(readFileSync(new URL('result.json', import.meta.url), 'utf8')) as Result;
  const unet = readFileSync(new URL('../../assets/starter/unet/model.onnx', import.meta.url));
  expect(model.unetSha256, 'the model has changed: run e2e/parity/run.sh again').toBe(createHash('sha256').update(unet).digest('hex'));
  expect(bars).toEqual({ latentsRelative: 1e-4, pictureWithin2Of255: 0.999 });
  // A flow's sampler needs a flow's model.
  const drawable = schedulerIds.filter((id) => id !== 'flow_euler');
  expect(rows.map(({ scheduler }) => scheduler)).toEqual(expect.arrayContaining([...drawable, 'dpmpp_2m_karras']));
  for (const row of rows) {
    expect(row.latentsRelative, row.scheduler).toBeLessThanOrEqual(bars.latentsRelative);
    expect(row.pictureWithin2Of255, row.scheduler).toBeGreaterThanOrEqual(bars.pictureWithin2Of255);
    expect(row.sameGuidedSteps, row.scheduler).toBe(true);
  }
});
