import { StopbathError } from '../../../shared/errors.ts';
import { batchSize, type GenerationRequest, type SteeringEntry } from '../../../shared/generation.ts';
import type { Steering } from '../../../shared/job.ts';
import { type PlannedLora, plannedLoras } from '../../../shared/loraPlan.ts';
import type { StepTensors } from '../callbacks/callback.ts';
import type { Change } from '../callbacks/steering.ts';
import { reworded, wordingAfter } from '../callbacks/steeringLog.ts';
import { carriedOver, courseAfter, type PlottedCourse, tailCourse } from '../course.ts';
import type { ReuseMemory } from '../guidance/reuse.ts';
import type { Pipeline } from '../pipelines/pipeline.ts';
import { stepsOf } from '../schedulers/course.ts';
import type { LoraStrengths } from '../loras/loraStrengths.ts';
import { checkRequest, checkReuse } from '../tasks/checkRequest.ts';
import { type Conditions, encodeConditions, isScheduled } from '../tasks/conditions.ts';
import { createNoise, type RestorableNoise } from '../tensor/noise.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Warn } from '../warn.ts';

export interface SteeredRunParts {
  readonly request: GenerationRequest;
  readonly pipeline: Pipeline;
  /** Applied before: the run begins with what they made of it. */
  readonly executed: readonly SteeringEntry[];
  readonly warn: Warn;
  /** Those the model was opened with. */
  readonly loras: LoraStrengths | null;
}

/** The parts of a run that steering makes anew: its course and its conditions, both following from request and log alone. */
export class SteeredRun {
  readonly #parts: SteeredRunParts;
  #wording: Pick<GenerationRequest, 'prompt' | 'negativePrompt'>;
  /** What was steered by now. */
  #log: readonly SteeringEntry[];
  #loras: readonly PlannedLora[];
  #course: PlottedCourse;
  #conditions: Conditions;

  private constructor(parts: SteeredRunParts, course: PlottedCourse, conditions: Conditions) {
    this.#parts = parts;
    this.#wording = wordingAfter(parts.request, parts.executed);
    this.#log = parts.executed;
    this.#loras = plannedLoras({ ...parts.request, ...this.#wording }, this.#log);
    this.#course = course;
    this.#conditions = conditions;
  }

  /** @throws StopbathError as `plotCourse` and `encodeConditions` do. */
  static async begin(parts: SteeredRunParts): Promise<SteeredRun> {
    const { request, pipeline, executed, warn, loras } = parts;
    const course = courseAfter(request, pipeline, executed);
    const worded = { ...request, ...wordingAfter(request, executed) };
    const planned = plannedLoras(worded, executed);
    if (loras === null && planned.length > 0) throw noLoras(planned);
    loras?.setText(planned);
    return new SteeredRun(parts, course, await encodeConditions(worded, pipeline, stepsOf(course), warn));
  }

  get course(): PlottedCourse {
    return this.#course;
  }

  get conditions(): Conditions {
    return this.#conditions;
  }

  /**
   * Makes one change after a step; nothing is changed where it throws.
   * @param latents as they are by now
   * @param mayGoOn asked between two texts; when it says no, nothing is changed
   * @returns null when it was not allowed to end
   * @throws StopbathError `INVALID_INPUT` for what the model or the scheduler cannot follow.
   */
  async change(
    steering: Steering,
    stepIndex: number,
    latents: Tensor,
    { noise, reuse, mayGoOn }: { noise: RestorableNoise; reuse: ReuseMemory; mayGoOn: () => Promise<boolean> },
  ): Promise<Change | null> {
    const { request, pipeline, loras } = this.#parts;
    const wording = reworded(this.#wording, steering);
    if (steering.reuse !== undefined) checkReuse(steering.reuse, pipeline);
    const course = steering.tail === undefined ? this.#course : tailCourse(this.#course, stepIndex, steering.tail, request, pipeline);
    const isReworded = steering.prompt !== undefined || steering.negativePrompt !== undefined;
    const log = [...this.#log, { afterStep: stepIndex, steering }];
    const planned = plannedLoras({ ...request, ...wording }, log);
    if (loras === null && planned.length > 0) throw noLoras(planned);
    const textBefore = loras?.textKey;
    loras?.setText(planned);
    // A schedule within a prompt is read against the steps of the run.
    const isEncoded = isReworded || loras?.textKey !== textBefore || (course !== this.#course && isScheduled(this.#conditions));
    let conditions: Conditions | null = this.#conditions;
    if (isEncoded) {
      const worded = { ...request, ...wording };
      conditions = await this.#encode(worded, course, mayGoOn);
      if (conditions === null) return null;
    }
    if (steering.noiseSeed !== undefined) {
      const rows = { count: batchSize(request), mode: request.batchSeeds };
      noise.restore(createNoise(request.noise, steering.noiseSeed, rows).snapshot());
    }
    const carried = course === this.#course ? latents : carriedOver(latents, this.#course, course, stepIndex);
    const change = {
      tensors: { ...(isEncoded ? textTensors(conditions.at(stepIndex + 1)) : {}), ...(carried === latents ? {} : { latents: carried }) },
      course: course === this.#course ? null : course,
    };
    if (changesAnswers(steering)) reuse.reset(steering.reuse ?? null);
    this.#wording = wording;
    this.#log = log;
    this.#loras = planned;
    this.#course = course;
    this.#conditions = conditions;
    return change;
  }

  /** Tells the model the strengths of its LoRAs for a step that comes. */
  setLoras(stepIndex: number): void {
    this.#parts.loras?.setStep(this.#loras, stepIndex, stepsOf(this.#course));
  }

  /** Where nothing came of it, the text encoders are left as they were. */
  async #encode(worded: GenerationRequest, course: PlottedCourse, mayGoOn: () => Promise<boolean>): Promise<Conditions | null> {
    const { pipeline, warn, loras } = this.#parts;
    try {
      checkRequest(worded, pipeline);
      const conditions = await encodeConditions(worded, pipeline, stepsOf(course), warn, mayGoOn);
      if (conditions === null) loras?.setText(this.#loras);
      return conditions;
    } catch (error) {
      loras?.setText(this.#loras);
      throw error;
    }
  }
}

function noLoras([lora]: readonly PlannedLora[]): StopbathError {
  return new StopbathError({
    code: 'INVALID_INPUT',
    field: 'loras',
    message: `loras: ${JSON.stringify(lora?.name ?? '')} was not given to the engine.`,
    nextStep: 'Take it out of the request and its prompts, or name its file.',
  });
}

/** Whether answers the model gave before belong to something else now. */
function changesAnswers({ paceMs: _pace, noiseSeed: _seed, ...rest }: Steering): boolean {
  return Object.values(rest).some((value) => value !== undefined);
}

function textTensors(at: StepTensors): StepTensors {
  const names = ['prompt_embeds', 'negative_prompt_embeds', 'add_text_embeds', 'negative_add_text_embeds'] as const;
  return Object.fromEntries(names.flatMap((name) => (at[name] === undefined ? [] : [[name, at[name]]])));
}
