import { StopbathError } from '../../../shared/errors.ts';
import type { Steering } from '../../../shared/job.ts';
import { scaleForStep } from '../guidance/guidanceCurve.ts';
import { isGuided, unguidedScale } from '../guidance/guidanceState.ts';
import { type Course, indexOf, stepsOf } from '../schedulers/course.ts';
import { sigmaOf } from '../schedulers/scheduler.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { NextStep, StepCallback, StepEnd, StepPatch, StepTensors } from './callback.ts';
import type { RunControls } from './runControls.ts';

/** What a steering makes of the tensors and the plan of a run. */
export interface Change {
  readonly tensors: StepTensors;
  /** null: the plan stays. */
  readonly course: Course | null;
}

export interface SteeringOptions {
  /** Told every change with the index of the step after which it counts. */
  readonly onApplied: (steering: Steering, afterStep: number) => void;
  /** Told why a live one was not applied; the run goes on as it was. */
  readonly onRefused?: (steering: Steering, error: StopbathError) => void;
  /**
   * Makes what is more than a number: prompts, plan, noise. Left out, there are numbers only.
   * @returns null when a stop came before it was done; only a live steering may be given up for one
   */
  readonly change?: (steering: Steering, stepIndex: number, latents: Tensor, isLive: boolean) => Promise<Change | null>;
  /** Tensors that changes may touch. */
  readonly names?: readonly string[];
  /** The highest cosine similarity of the two predictions at any step before this run; null where none was measured. */
  readonly mostCosine?: number | null;
  /** The plan's scale for the step that comes first; left out: it is worked out when that has ended. */
  readonly firstScale?: number;
}

/** The two of them, in their places: see {@link steeringCallbacks}. */
export interface SteeringCallbacks {
  readonly guidance: StepCallback;
  readonly steering: StepCallback;
}

/**
 * `guidance` sets the next step's scale from what the request, and the log since then, says: scale, curve, interval and end.
 * diffusers' SDCFGCutoffCallback acts when `i == trunc(T * ratio)`; an end moved during the run may lie behind, so it is
 * worked out anew at every step, and an end moved ahead switches guidance back on. It belongs first in the list and speaks
 * only where the plan changes, so that a scale another callback sets stays; where it switches guidance off it says so at
 * every step.
 *
 * `steering` applies the log, entry by entry, at the end of its step. It belongs behind all others that change something: a
 * run that is gone on with from there, and steered then, finds what they did done, and is the same as one whose log had the
 * entry from the start. It may be asked again after the same step: then it applies what has come since. After the last step
 * nothing can change, and nothing is applied.
 */
export function steeringCallbacks(controls: RunControls, options: SteeringOptions): SteeringCallbacks {
  let mostCosine = options.mostCosine ?? null;
  /** What the plan said last: of the step just done, or where steps have ended of the one to come. */
  let announced: number | null = options.firstScale ?? null;

  const scaleAt = (course: Course | null, stepIndex: number, run: StepEnd): number => {
    const [total, sigma] =
      course === null
        ? [run.numTimesteps, stepIndex === run.stepIndex ? run.sigma : (run.nextSigma ?? 0)]
        : [stepsOf(course), sigmaOf(course.stepper.level(indexOf(course, stepIndex)))];
    return scaleForStep(controls.fields, stepIndex, total, sigma, mostCosine);
  };

  /** @param course null: that of the step just done */
  function said(course: Course | null, run: StepEnd): Pick<StepPatch, 'guidanceScale'> {
    const scale = scaleAt(course, run.stepIndex + 1, run);
    const speaks = scale !== announced || (scale === unguidedScale && isGuided(controls.fields.guidanceScale));
    announced = scale;
    return speaks ? { guidanceScale: scale } : {};
  }

  const guidance: StepCallback = {
    name: 'guidance',
    callbackOnStepEndTensorInputs: [],
    callbackOnStepEnd(run, stepIndex, _timestep, _tensors, next) {
      if (run.nextSigma === null) return undefined;
      announced ??= scaleAt(null, stepIndex, run);
      if (run.guidanceCosine !== null) mostCosine = Math.max(mostCosine ?? -1, run.guidanceCosine);
      return said(next?.course ?? null, run);
    },
  };

  const steering: StepCallback = {
    name: 'steering',
    callbackOnStepEndTensorInputs: options.names ?? [],
    mayChangeTokens: true,
    async callbackOnStepEnd(run, stepIndex, _timestep, tensors: StepTensors, next?: NextStep) {
      if (run.nextSigma === null) return undefined;
      let patch: StepPatch = {};
      const apply = async (entry: Steering, isLive: boolean): Promise<void> => {
        const latents = patch.tensors?.latents ?? tensors.latents;
        const change = options.change === undefined || latents === undefined ? none : await options.change(entry, stepIndex, latents, isLive);
        if (change === null) return;
        controls.applied(entry, isLive ? stepIndex : null);
        patch = merged(patch, change, entry.guidanceRescale);
        // One after the other: entries taken together and in two goes come to the same.
        patch = { ...patch, ...said(patch.course ?? next?.course ?? null, run) };
        options.onApplied(entry, stepIndex);
      };
      for (const entry of controls.takePlanned(stepIndex)) await apply(entry.steering, false);
      for (let entry = controls.takePending(); entry !== undefined; entry = controls.takePending()) {
        try {
          await apply(entry, true);
        } catch (error) {
          if (!(error instanceof StopbathError) || options.onRefused === undefined) throw error;
          options.onRefused(entry, error);
        }
      }
      return patch;
    },
  };
  return { guidance, steering };
}

const none: Change = { tensors: {}, course: null };

function merged(patch: StepPatch, { tensors, course }: Change, guidanceRescale: number | undefined): StepPatch {
  return {
    ...patch,
    ...(guidanceRescale === undefined ? {} : { guidanceRescale }),
    tensors: { ...patch.tensors, ...tensors },
    ...(course === null ? {} : { course }),
  };
}
