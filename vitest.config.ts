import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take the longest, first: begun last, one of them would run on alone. Where times of an earlier run are known they go by those. */
const long = ['e2e/loras/goldens', 'e2e/checkpoints/reuse', 'engine/headless', 'e2e/loras/resume', 'engine/sandbox/hostile', 'engine/doctor/', 'hosts/', 'e2e/loras/'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const found = long.findIndex((part) => moduleId.includes(part));
      return found === -1 ? long.length : found;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

/** Compiled modules: the processes that tests start, some hundred, begin in a third of the time. */
const env = { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? path.join(tmpdir(), 'stopbath-compile-cache') };

export default defineConfig({
  test: {
    // No test goes by the clock, so one beside another is safe; each file has a process of its own.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'node',
          include: ['{shared,electron}/**/*.test.ts', 'e2e/{policy,artefacts,layers,parity,attributes,checkpoints,loras}/**/*.test.ts'],
          environment: 'node',
          testTimeout: 60_000,
          env,
        },
      },
      {
        plugins: [react()],
        test: { name: 'dom', include: ['renderer/**/*.test.{ts,tsx}'], environment: 'happy-dom', testTimeout: 60_000, env },
      },
    ],
  },
});
