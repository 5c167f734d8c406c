import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** result.json is written by e2e/parity/run.sh, which needs Python; this keeps a failed comparison from being committed. */
interface Result {
  readonly bars: { readonly latentsRelative: number; readonly pictureWithin2Of255: number };
  readonly rows: readonly {
    readonly scheduler: string;
    readonly latentsRelative: number;
    readonly pictureWithin2Of255: number;
    readonly sameGuidedSteps: boolean;
  }[];
}

it('pictures agree with diffusers', () => {
  const { bars, rows } = JSON.parse(readFileSync(new URL('result.json', import.meta.url), 'utf8')) as Result;
  expect(bars).toEqual({ latentsRelative: 1e-3, pictureWithin2Of255: 0.99 });
  expect(rows.map(({ scheduler }) => scheduler)).toEqual(
    expect.arrayContaining(['euler', 'ddim', 'euler_a', 'dpmpp_2m', 'dpmpp_2m_karras']),
  );
  for (const row of rows) {
    expect(row.latentsRelative, row.scheduler).toBeLessThanOrEqual(bars.latentsRelative);
    expect(row.pictureWithin2Of255, row.scheduler).toBeGreaterThanOrEqual(bars.pictureWithin2Of255);
    expect(row.sameGuidedSteps, row.scheduler).toBe(true);
  }
});
