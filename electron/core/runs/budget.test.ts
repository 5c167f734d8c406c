import { expect, it } from 'vitest';
import { excess, type StoredFiles } from './budget.ts';

function run(jobId: string, kind: 'running' | 'unfinished' | 'finished', steps: number): StoredFiles {
  const files = (ending: string): StoredFiles['previews'] =>
    Array.from({ length: steps }, (_, step) => ({ name: `${step}${ending}`, bytes: ending === 'p' ? 1 : 10 }));
  return { jobId, isRunning: kind === 'running', isUnfinished: kind !== 'finished', checkpoints: files('c'), previews: files('p') };
}

const gone = (runs: readonly StoredFiles[], limit: number): string[] => excess(runs, limit).map(({ jobId, name }) => `${jobId}${name}`);

it('takes nothing below the limit, and no more than it has to', () => {
  expect(gone([run('a', 'finished', 3)], 33)).toEqual([]);
  expect(gone([run('a', 'finished', 3)], 32)).toEqual(['a0c']);
  expect(gone([run('a', 'finished', 3)], 14)).toEqual(['a0c', 'a1c']);
});

it('takes what is missed least first, and never the running one\'s newest step', () => {
  const runs = [run('a', 'unfinished', 3), run('b', 'finished', 2), run('c', 'unfinished', 1), run('r', 'running', 3)];
  expect(gone(runs, 0)).toEqual([
    // Steps of ended runs, the oldest run first, but for the last of those that can go on.
    ...['a0c', 'a1c', 'b0c', 'b1c'],
    ...['a0p', 'a1p', 'a2p', 'b0p', 'b1p', 'c0p'],
    ...['r0c', 'r1c'],
    // At last what they could go on from.
    ...['a2c', 'c0c'],
  ]);
});
