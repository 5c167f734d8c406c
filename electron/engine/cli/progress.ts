import type { StepRecord } from '../../../shared/job.ts';

const width = 30;

/** A line that is drawn over itself; nothing where the output is no terminal. */
export function createProgress(stream: Pick<NodeJS.WriteStream, 'write' | 'isTTY'>): { step: (record: StepRecord) => void; end: () => void } {
  if (!stream.isTTY) return { step: () => undefined, end: () => undefined };
  let drawn = false;
  return {
    step({ stepIndex, numTimesteps, guided, ms }) {
      const done = stepIndex + 1;
      const filled = Math.round((done / numTimesteps) * width);
      const bar = '#'.repeat(filled).padEnd(width, '.');
      stream.write(`\r[${bar}] ${done}/${numTimesteps}  ${guided ? 'guided' : 'single'}  ${ms.toFixed(0)} ms   `);
      drawn = true;
    },
    end() {
      if (drawn) stream.write('\n');
    },
  };
}
