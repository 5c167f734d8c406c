import type { JobSnapshot, Steering } from '../../../shared/job.ts';
import { loraStrengthAt, type PlannedLora, plannedLoras } from '../../../shared/loraPlan.ts';
import { jobsStore, noExtras } from './jobs.ts';
import { currentPrompts } from './liveEdits.ts';
import { steerRun } from './runActions.ts';

/** A LoRA of a run that goes on. */
export interface LiveLora {
  readonly name: string;
  /** Of the step to come. */
  readonly strength: number;
  /** It follows a curve, which a strength set by hand ends. */
  readonly curved: boolean;
  /** Sent, and not confirmed by the engine yet. */
  readonly pending: boolean;
}

/** @param wanted what was steered and not confirmed @param total steps of the run */
export function liveLoras(job: Pick<JobSnapshot, 'request' | 'log' | 'steps'>, wanted: Steering, total: number): readonly LiveLora[] {
  const asked = wanted.loras ?? [];
  const now = planOf(job, [...job.log, { afterStep: job.steps.length, steering: { loras: asked } }]);
  return now.map((lora) => ({
    name: lora.name,
    strength: loraStrengthAt(lora, Math.min(job.steps.length, total - 1), total),
    curved: lora.curve.kind !== 'constant',
    pending: asked.some(({ name }) => name === lora.name),
  }));
}

/** A tag that cannot be read is told by what refuses it; there is nothing to steer then. */
function planOf(job: Pick<JobSnapshot, 'request' | 'log'>, log: JobSnapshot['log']): readonly PlannedLora[] {
  const { prompt, negativePrompt } = currentPrompts(job);
  try {
    return plannedLoras({ ...job.request, prompt, negativePrompt: negativePrompt === '' ? null : negativePrompt }, log);
  } catch {
    return [];
  }
}

/** From the next step on; several that are moved in one step go together. */
export function steerLora(jobId: string, name: string, strength: number): void {
  const { wanted } = jobsStore.getState().extras[jobId] ?? noExtras;
  const others = (wanted.loras ?? []).filter((lora) => lora.name !== name);
  steerRun(jobId, { loras: [...others, { name, strength }] });
}
