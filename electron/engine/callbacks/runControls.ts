import type { GenerationRequest, SteeringEntry } from '../../../shared/generation.ts';
import type { Steering } from '../../../shared/job.ts';
import type { GuidancePlan } from '../guidance/guidanceCurve.ts';
import { picturePart } from './steeringLog.ts';

/** What of a request steering changes by writing it down; the rest (prompts, plan, noise) takes work. */
export type SteeredFields = GuidancePlan & Pick<GenerationRequest, 'guidanceRescale' | 'reuse'>;

/** @returns the fields with what a steering says over them */
export function steeredFields(fields: SteeredFields, steering: Steering): SteeredFields {
  const { guidanceInterval } = steering;
  return {
    guidanceScale: steering.guidanceScale ?? fields.guidanceScale,
    guidanceEnd: steering.guidanceEnd ?? fields.guidanceEnd,
    guidanceCurve: steering.guidanceCurve ?? fields.guidanceCurve,
    guidanceInterval: guidanceInterval === undefined ? fields.guidanceInterval : guidanceInterval,
    guidanceRescale: steering.guidanceRescale ?? fields.guidanceRescale,
    reuse: steering.reuse ?? fields.reuse,
  };
}

/** Where a run's controls stand when its loop begins. */
export interface ControlsStart {
  /** By now: with all that was executed. */
  readonly fields: SteeredFields;
  /** Of `request.steering`, not applied yet, in order. */
  readonly planned: readonly SteeringEntry[];
  /** Steered live before a checkpoint. */
  readonly live: readonly SteeringEntry[];
}

/** What a person asks for arrives here at any time, and is taken at a step's end by the steering callback. */
export class RunControls {
  paceMs: number;
  #fields: SteeredFields;
  #planned: readonly SteeringEntry[] = [];
  #live: readonly SteeringEntry[] = [];
  #pending: readonly Steering[] = [];
  #onChange: () => void = () => undefined;

  /**
   * @param fields those of the request
   * @param paceMs least wall time of a step
   */
  constructor(fields: SteeredFields, paceMs: number) {
    this.#fields = steeredFields(fields, {});
    this.paceMs = paceMs;
  }

  /** What was steered before stays waiting for the first step's end. */
  begin({ fields, planned, live }: ControlsStart): void {
    this.#fields = fields;
    this.#planned = planned;
    this.#live = live;
  }

  get fields(): SteeredFields {
    return this.#fields;
  }

  /** What was steered live, up to now. */
  get log(): readonly SteeringEntry[] {
    return this.#live;
  }

  steer(steering: Steering): void {
    this.paceMs = steering.paceMs ?? this.paceMs;
    this.#pending = [...this.#pending, steering];
    this.#onChange();
  }

  /** Whether something waits to be applied now. */
  get hasPending(): boolean {
    return this.#pending.length > 0;
  }

  /** Told of every live steering as it comes. */
  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  /** The entries of `request.steering` that count after this step and were not taken before. */
  takePlanned(stepIndex: number): readonly SteeringEntry[] {
    const due = this.#planned.filter(({ afterStep }) => afterStep <= stepIndex);
    this.#planned = this.#planned.slice(due.length);
    return due;
  }

  /** Whether entries of `request.steering` for this step or an earlier one wait still. */
  hasPlanned(stepIndex: number): boolean {
    return this.#planned.some(({ afterStep }) => afterStep <= stepIndex);
  }

  /** The oldest live steering that was not taken before. */
  takePending(): Steering | undefined {
    const [first, ...rest] = this.#pending;
    this.#pending = rest;
    return first;
  }

  /** @param afterStep null: it came with the request, and stands there */
  applied(steering: Steering, afterStep: number | null): void {
    this.#fields = steeredFields(this.#fields, steering);
    const part = picturePart(steering);
    if (afterStep !== null && part !== null) this.#live = [...this.#live, { afterStep, steering: part }];
  }
}
