import { stat } from 'node:fs/promises';
import type { Checkpoint } from '../../../shared/engineProtocol.ts';
import type { Failure } from '../../../shared/errors.ts';
import { emptySnapshot, type JobSnapshot, type Preview } from '../../../shared/job.ts';
import type { RunRecord } from './runFile.ts';
import { parsePreviewName } from './runFolder.ts';

/** What a run that the app did not see the end of had come to since its run.json was written last. */
export function caughtUp(job: JobSnapshot, checkpoint: Checkpoint): JobSnapshot {
  const { stepsDone, steps, log, numTimesteps } = checkpoint;
  // The checkpoint tells only what was steered beyond the request, and nothing of what came after it.
  const others = job.log.filter(({ afterStep }) => afterStep >= stepsDone);
  const planned = checkpoint.request.steering.filter(({ afterStep }) => afterStep < stepsDone);
  const executed = [...planned, ...log].sort((a, b) => a.afterStep - b.afterStep);
  return { ...job, numTimesteps, steps: [...steps], log: [...executed, ...others] };
}

/** A run whose run.json is lost: a checkpoint tells enough to go on. */
export async function rebuiltRecord(folder: string, jobId: string, checkpoint: Checkpoint): Promise<RunRecord> {
  const at = await stat(folder).then(({ mtimeMs }) => mtimeMs, () => 0);
  return { at, job: { ...emptySnapshot(jobId, checkpoint.request, 0), state: 'stopped' } };
}

/** The previews whose files are there, in order of steps; one that run.json had not noted yet covers what the others cover. */
export function previewsOnDisk(jobId: string, noted: readonly Preview[], files: ReadonlyMap<string, number>): Preview[] {
  const found = [...files.keys()].flatMap((name): Preview[] => {
    const frame = parsePreviewName(name);
    if (frame === null) return [];
    const known = noted.find(({ stepIndex, source }) => stepIndex === frame.stepIndex && source === frame.source);
    const alike = noted.find(({ source }) => source === frame.source);
    if (known !== undefined) return [known];
    return alike === undefined ? [] : [{ ...alike, ...frame, url: previewUrl(jobId, frame.stepIndex, frame.source) }];
  });
  // A step's decoded preview comes after its quick one, as it did in the run.
  return found.sort((a, b) => a.stepIndex - b.stepIndex || b.source.localeCompare(a.source));
}

export function previewUrl(jobId: string, stepIndex: number, source: Preview['source']): string {
  return `/runs/${encodeURIComponent(jobId)}/${stepIndex}.png?source=${source}`;
}

export function setAsideNotice(aside: string, detail: string): Failure {
  return {
    code: 'FILE_ACCESS',
    message: `A step of an earlier run is of another version of Stopbath, or cannot be read; it has been set aside as ${aside}.`,
    nextStep: 'Go on from another step, or run it again from the beginning.',
    detail,
  };
}
