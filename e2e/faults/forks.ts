import type { GenerationRequest, Steering } from '../../shared/generation.ts';
import type { JobSnapshot } from '../../shared/job.ts';
import { type FaultApp, pixelHash, sleep } from './faultApp.ts';
import type { Random } from './random.ts';
import { type InputPictures, pictureSteering, randomRequest } from './recipes.ts';

/** One picture that has to be another, pixel for pixel. */
export interface Comparison {
  readonly what: 'the same again' | 'a fork and its replay' | 'a steered run and its replay';
  readonly task: string;
  readonly scheduler: string;
  readonly problem: string | null;
}

/** Forks runs without and with a change, steers others while they wait, and draws the records of both again. */
export async function compareForks(app: FaultApp, folder: string, random: Random, inputs: InputPictures, count: number): Promise<Comparison[]> {
  const found: Comparison[] = [];
  const run = async (request: GenerationRequest): Promise<JobSnapshot> => {
    const [jobId = ''] = (await app.call('jobs.submit', { request, count: 1 })).jobIds;
    return await app.ended(jobId);
  };
  const compare = (what: Comparison['what'], job: JobSnapshot, other: JobSnapshot): void => {
    const { task, scheduler } = job.request;
    const failed = [job, other].find(({ state }) => state !== 'finished');
    const isSame = failed === undefined && pixelHash(folder, job) === pixelHash(folder, other);
    const problem = failed === undefined ? (isSame ? null : 'other pixels') : `${failed.state}: ${failed.failure?.message ?? ''}`;
    found.push({ what, task, scheduler, problem });
  };
  const replay = async (job: JobSnapshot): Promise<JobSnapshot> => {
    const record = job.pictures[0]?.request;
    return record === undefined ? job : await run(record);
  };
  for (let number = 0; number < count; number++) {
    const request = randomRequest(random, number, inputs);
    const parent = await run(request);
    const { jobId } = parent;
    const { frames } = await app.call('jobs.frames', { jobId });
    const same = await app.call('jobs.fork', { jobId, stepIndex: random.pick(frames).stepIndex, steering: {} });
    compare('the same again', await app.ended(same.jobId), parent);

    const steering: Steering = random.unit() < 0.3 ? { tail: { steps: random.whole(1, 6) } } : pictureSteering(random);
    const stepIndex = random.whole(0, Math.max(0, parent.steps.length - 2));
    const fork = await app.ended((await app.call('jobs.fork', { jobId, stepIndex, steering })).jobId);
    compare('a fork and its replay', fork, await replay(fork));

    const steered = await steeredWhileWaiting(app, request, random);
    compare('a steered run and its replay', steered, await replay(steered));
    for (const job of await app.call('jobs.list', {})) await app.call('jobs.remove', { jobId: job.jobId });
  }
  return found;
}

/** Waits at a breakpoint, is steered twice there, makes one step, and runs to its end. */
async function steeredWhileWaiting(app: FaultApp, request: GenerationRequest, random: Random): Promise<JobSnapshot> {
  const [jobId = ''] = (await app.call('jobs.submit', { request, count: 1 })).jobIds;
  await app.call('jobs.breakpoints', { jobId, breakpoints: [{ kind: 'step', stepIndex: 2 }] });
  const waits = ({ state }: JobSnapshot): boolean => ['paused', 'finished', 'failed'].includes(state);
  if ((await app.until(jobId, waits)).state === 'paused') {
    for (let times = 0; times < 2; times++) {
      await app.call('jobs.steer', { jobId, steering: pictureSteering(random) });
      await sleep(40);
    }
    await app.call('jobs.resume', { jobId, steps: 1 });
    await app.until(jobId, (job) => job.steps.length > 3 && waits(job));
    await app.call('jobs.resume', { jobId, steps: 'all' });
  }
  return await app.ended(jobId);
}
