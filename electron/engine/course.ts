import { StopbathError } from '../../shared/errors.ts';
import type { GenerationRequest, SteeringEntry, Tail } from '../../shared/generation.ts';
import { sigmaSchedulesOf, timestepSpacingsOf } from '../../shared/samplers.ts';
import type { Pipeline } from './pipelines/pipeline.ts';
import { rescaledTo } from './schedulers/changeScale.ts';
import { type Course, indexOf } from './schedulers/course.ts';
import { loadScheduler } from './schedulers/registry.ts';
import { sigmaOf } from './schedulers/scheduler.ts';
import { checkSampler } from './tasks/checkSampler.ts';
import { stepWindow } from './tasks/window.ts';
import type { Tensor } from './tensor/tensor.ts';

type Sampling = Pick<GenerationRequest, 'scheduler' | 'sigmaSchedule' | 'timestepSpacing'>;

/** A course, and what it was chosen by. */
export interface PlottedCourse extends Course {
  readonly sampling: Sampling;
}

/** What a request and a model's scheduler make of each other, before anything is computed. */
export function plotCourse(request: GenerationRequest, pipeline: Pipeline): PlottedCourse {
  const { scheduler, sigmaSchedule, timestepSpacing, eta, timesteps, sigmas } = request;
  const options = { sigmaSchedule, timestepSpacing, eta, family: pipeline.family };
  const file = pipeline.schedulerFile(request.task);
  const loaded = loadScheduler(scheduler, file, options);
  checkSampler(request, file, loaded.config);
  const plan = loaded.plan(request.steps, {
    ...(timesteps === null ? {} : { timesteps }),
    ...(sigmas === null ? {} : { sigmas }),
  });
  const stepper = loaded.scheduler.createStepper(loaded.config, plan);
  const window = stepWindow(request, plan, stepper, loaded.config.numTrainTimesteps);
  const sampling = { scheduler, sigmaSchedule, timestepSpacing };
  return { stepper, window, predictionType: loaded.config.predictionType, sampling };
}

/**
 * A new course for the steps after `stepIndex`, from the noise level the run has reached there. Multistep solvers begin
 * without a history; what is left of a list of steps the request gave is put aside.
 * @throws StopbathError `INVALID_INPUT` naming `tail.steps`, `scheduler`, `sigmaSchedule` or `timestepSpacing` where the
 * scheduler cannot follow or the model is not for it.
 */
export function tailCourse(course: PlottedCourse, stepIndex: number, tail: Tail, request: GenerationRequest, pipeline: Pipeline): PlottedCourse {
  const next = indexOf(course, stepIndex) + 1;
  if (next >= course.window.end) {
    throw new StopbathError({ code: 'INVALID_INPUT', field: 'tail', message: 'tail: The run has no steps left to plan anew.' });
  }
  const sampling = samplingOf(course.sampling, tail);
  const { scheduler, ...curve } = sampling;
  const file = pipeline.schedulerFile(request.task);
  const loaded = loadScheduler(scheduler, file, { ...curve, eta: request.eta, family: pipeline.family });
  checkSampler(sampling, file, loaded.config);
  const plan = loaded.plan(tail.steps, { from: sigmaOf(course.stepper.level(next)) });
  const stepper = loaded.scheduler.createStepper(loaded.config, plan);
  const window = { begin: 0, end: stepper.timesteps.length };
  return { stepper, window, predictionType: loaded.config.predictionType, startsAt: stepIndex + 1, sampling };
}

/** What a tail leaves open stays as it is, where the scheduler it names can follow it. */
function samplingOf(now: Sampling, { scheduler = now.scheduler, sigmaSchedule, timestepSpacing }: Tail): Sampling {
  return {
    scheduler,
    sigmaSchedule: sigmaSchedule ?? (sigmaSchedulesOf(scheduler).includes(now.sigmaSchedule) ? now.sigmaSchedule : 'automatic'),
    timestepSpacing: timestepSpacing ?? (timestepSpacingsOf(scheduler).includes(now.timestepSpacing) ? now.timestepSpacing : 'automatic'),
  };
}

/** The course of a run after all that was steered in it. */
export function courseAfter(request: GenerationRequest, pipeline: Pipeline, log: readonly SteeringEntry[]): PlottedCourse {
  return log.reduce<PlottedCourse>(
    (course, { afterStep, steering }) => (steering.tail === undefined ? course : tailCourse(course, afterStep, steering.tail, request, pipeline)),
    plotCourse(request, pipeline),
  );
}

/** The sample after a step of one course as the first step of the next one takes it. */
export function carriedOver(latents: Tensor, from: Course, to: Course, stepIndex: number): Tensor {
  return rescaledTo(latents, from.stepper.level(indexOf(from, stepIndex) + 1), to.stepper.level(to.window.begin));
}
