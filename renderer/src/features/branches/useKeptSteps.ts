import { useEffect, useState } from 'react';
import { keptSteps } from '../../stores/branches.ts';

/** The runs in which the steps of a run are kept, by step; null until that is known. */
export function useKeptSteps(jobId: string, stepsDone: number): ReadonlyMap<number, string> | null {
  const [known, setKnown] = useState<{ readonly jobId: string; readonly kept: ReadonlyMap<number, string> } | null>(null);
  useEffect(() => {
    let current = true;
    void keptSteps(jobId).then((kept) => {
      if (current) setKnown({ jobId, kept });
    });
    return () => {
      current = false;
    };
    // With every step there is one more to go back to.
  }, [jobId, stepsDone]);
  return known?.jobId === jobId ? known.kept : null;
}
