import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { GenerationRequest } from '../../shared/generation.ts';
import type { JobSnapshot } from '../../shared/job.ts';
import { FaultApp, halfWritten, isAlive, pixelHash, sleep } from './faultApp.ts';
import { compareForks, type Comparison } from './forks.ts';
import { createRandom } from './random.ts';
import { type InputPictures, pictureSteering, randomRequest, side } from './recipes.ts';

/**
 * `npm run faults [-- --engine-kills N --app-kills N --forks N --seed N --out FILE
 * --sources]`: kills the engine, and the whole app, at random
 * moments of random runs; each run is then resumed to its end and has to be the uninterrupted one, pixel for pixel. Then forks
 * and steered runs are compared with replays of their records.
 */

const { values } = parseArgs({
  options: {
    'engine-kills': { type: 'string', default: '200' },
    'app-kills': { type: 'string', default: '20' },
    forks: { type: 'string', default: '17' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: 'test-results/faults.json' },
    /** The app as its sources are, instead of as it was built. */
    sources: { type: 'boolean', default: false },
  },
});

const random = createRandom(Number(values.seed));
const folder = mkdtempSync(path.join(os.tmpdir(), 'stopbath-faults-'));

interface Recipe {
  readonly request: GenerationRequest;
  readonly hash: string;
  /** From submitting to the picture, undisturbed. */
  readonly ms: number;
}

/** One kill and what became of its run. */
interface Outcome {
  readonly kind: 'engine' | 'app';
  readonly scheduler: string;
  readonly task: string;
  /** `undisturbed`: only planned steering; the others were done by hand while it ran. */
  readonly how: 'undisturbed' | 'steered' | 'paused';
  /** The phase the kill fell into, as the page knew it. */
  readonly phase: string;
  readonly stepsTold: number;
  /** Steps told to the page whose checkpoint did not survive. */
  readonly stepsLost: number;
  readonly resumeMs: number;
  readonly problems: readonly string[];
}

const entry = values.sources ? 'electron/hosts/serve.ts' : 'out/main/serve.js';
let app = await FaultApp.start(folder, entry);
const inputs: InputPictures = { image: await app.addInput(side, side, 120), mask: await app.addInput(side, side, 0) };
// A step of this model takes about 10 ms: stretched, so that most kills find one going on.
await app.call('settings.set', { paceMs: 40 });
const recipes: Recipe[] = [];
const outcomes: Outcome[] = [];
let comparisons: readonly Comparison[] = [];
let orphans: number;
const campaignBegun = performance.now();

async function undisturbed(request: GenerationRequest): Promise<Recipe> {
  const begun = performance.now();
  const jobId = await submit(request);
  const job = await app.ended(jobId);
  const ms = performance.now() - begun;
  if (job.state !== 'finished') throw new Error(`A run without a fault failed (${request.task}, ${request.scheduler}): ${job.failure?.message ?? job.state}\n${job.failure?.detail ?? ''}`);
  const hash = pixelHash(folder, job);
  await app.call('jobs.remove', { jobId });
  return { request, hash, ms };
}

async function submit(request: GenerationRequest): Promise<string> {
  const [jobId] = (await app.call('jobs.submit', { request, count: 1 })).jobIds;
  if (jobId === undefined) throw new Error('No job.');
  return jobId;
}

/** Lets a run go on until a random moment; on the way it may be steered or paused. */
async function disturb(jobId: string, how: Outcome['how'], expectedMs: number): Promise<void> {
  const moment = random.unit() * expectedMs;
  if (how === 'steered') {
    await sleep(moment / 2);
    await app.call('jobs.steer', { jobId, steering: pictureSteering(random) }).catch(() => undefined);
    await sleep(moment / 2);
    return;
  }
  await sleep(moment);
  if (how !== 'paused') return;
  await app.call('jobs.pause', { jobId }).catch(() => undefined);
  await app.until(jobId, ({ state }) => ['paused', 'finished', 'failed'].includes(state));
}

/** Goes on with a run that was cut, and compares it with its recipe, or, steered by hand, with a replay of its log. */
async function resumeAndCompare(jobId: string, recipe: Recipe, how: Outcome['how'], problems: string[]): Promise<number> {
  const begun = performance.now();
  const told = app.eventsOf(jobId).length;
  const { frames } = await app.call('jobs.frames', { jobId });
  const newest = frames.at(-1)?.stepIndex ?? -1;
  await app.call('jobs.continue', { jobId });
  const job = await app.ended(jobId);
  const ms = performance.now() - begun;
  if (job.state !== 'finished') {
    problems.push(`not resumed: ${job.state} ${job.failure?.code ?? ''} ${job.failure?.message ?? ''}`);
    return ms;
  }
  const made = app.eventsOf(jobId).slice(told).flatMap((event) => (event.kind === 'step' ? [event.step.stepIndex] : []));
  if (made.length > 0 && made[0] !== newest + 1) problems.push(`went on with step ${made[0]} instead of ${newest + 1}`);
  if (job.steps.some(({ stepIndex }, index) => stepIndex !== index)) problems.push('its steps have gaps');
  await compare(job, recipe, how, problems);
  return ms;
}

async function compare(job: JobSnapshot, recipe: Recipe, how: Outcome['how'], problems: string[]): Promise<void> {
  const record = job.pictures[0]?.request;
  if (record === undefined) throw new Error('A finished run without a picture.');
  const wanted = how === 'steered' ? (await undisturbed(record)).hash : recipe.hash;
  if (pixelHash(folder, job) !== wanted) problems.push(`other pixels than ${how === 'steered' ? 'its replay' : 'the run without a fault'}`);
}

function phaseOf(job: JobSnapshot | null): string {
  return job === null ? 'unknown' : job.state === 'running' && job.steps.length === 0 ? 'loading' : job.state;
}

/** A waiting job must come through every fault of the one before it. */
async function checkCompanion(jobId: string | null, recipe: Recipe, problems: string[]): Promise<void> {
  if (jobId === null) return;
  const job = await app.job(jobId);
  if (job === null) {
    problems.push('the waiting job is lost');
    return;
  }
  // It may have begun by the time of the kill.
  if ((await app.ended(jobId)).state !== 'finished') await app.call('jobs.continue', { jobId });
  const ended = await app.ended(jobId);
  if (ended.state !== 'finished' || pixelHash(folder, ended) !== recipe.hash) problems.push(`the waiting job is ${ended.state} or another picture`);
  await app.call('jobs.remove', { jobId });
}

async function cut(kind: Outcome['kind'], number: number): Promise<Outcome | null> {
  const recipe = recipes[number % recipes.length];
  if (recipe === undefined) throw new Error('No recipe.');
  const { request } = recipe;
  const how = random.pick<Outcome['how']>(['undisturbed', 'undisturbed', 'steered', 'paused']);
  const problems: string[] = [];
  await onlyEngine();
  const jobId = await submit(request);
  const companionId = number % 4 === 0 ? await submit(request) : null;
  await disturb(jobId, how, recipe.ms);
  const before = await app.job(jobId);
  const engines = app.enginePids();
  const phase = phaseOf(before);
  if (kind === 'engine') await killEngine(engines);
  else await restart(engines, problems);
  const job = await app.ended(jobId);
  const { frames } = await app.call('jobs.frames', { jobId });
  const stepsTold = app.eventsOf(jobId).filter((event) => event.kind === 'step').length || (before?.steps.length ?? 0);
  const stepsLost = Math.max(0, stepsTold - ((frames.at(-1)?.stepIndex ?? -1) + 1));
  let resumeMs = 0;
  if (job.state === 'finished') await compare(job, recipe, how, problems);
  else resumeMs = await resumeAndCompare(jobId, recipe, how, problems);
  await checkCompanion(companionId, recipe, problems);
  await app.call('jobs.remove', { jobId });
  await clean(problems);
  // It came too late to be a fault of this run; what followed was checked all the same.
  if (job.state === 'finished' && problems.length === 0) return null;
  return { kind, scheduler: request.scheduler, task: request.task, how, phase, stepsTold, stepsLost, resumeMs, problems };
}

async function killEngine(engines: readonly number[]): Promise<void> {
  const { generation } = await app.call('engine.status', {});
  for (const pid of engines) process.kill(pid, 'SIGKILL');
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(10)) {
    if ((await app.call('engine.status', {})).generation > generation) return;
  }
  throw new Error('The app did not start another engine.');
}

/** Kills the app, and starts it again on the same folder. */
async function restart(engines: readonly number[], problems: string[]): Promise<void> {
  await app.kill();
  const deadline = Date.now() + 5_000;
  while (engines.some(isAlive) && Date.now() < deadline) await sleep(20);
  if (engines.some(isAlive)) problems.push('an engine outlived the app');
  app = await FaultApp.start(folder, entry);
}

async function onlyEngine(): Promise<void> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await sleep(20)) {
    const { state } = await app.call('engine.status', {});
    if (state === 'ready' && app.enginePids().length === 1) return;
  }
  throw new Error(`The engine does not come back: ${JSON.stringify(await app.call('engine.status', {}))}`);
}

/** After every fault: one engine, no half of a file, nothing in the queue. */
async function clean(problems: string[]): Promise<void> {
  const deadline = Date.now() + 3_000;
  while (halfWritten(folder).length > 0 && Date.now() < deadline) await sleep(30);
  const half = halfWritten(folder);
  if (half.length > 0) problems.push(`half-written: ${half.join(', ')}`);
  const engines = app.enginePids();
  if (engines.length > 1) problems.push(`${engines.length} engines`);
  const left = (await app.call('jobs.list', {})).filter(({ state }) => state !== 'finished');
  if (left.length > 0) problems.push(`left in the list: ${left.map(({ state }) => state).join(', ')}`);
}

/** What cannot be gone on with is a problem of its own, and no reason to leave out the kills to come. */
async function brokenOff(kind: Outcome['kind'], number: number, error: unknown): Promise<Outcome> {
  const request = recipes[number % recipes.length]?.request;
  const engines = app.enginePids();
  const problems = [`broken off: ${error instanceof Error ? error.message : String(error)}`];
  await restart(engines, problems);
  for (const { jobId } of await app.call('jobs.list', {})) {
    await app.call('jobs.stop', { jobId });
    await app.ended(jobId);
    await app.call('jobs.remove', { jobId });
  }
  return {
    kind,
    scheduler: request?.scheduler ?? '',
    task: request?.task ?? '',
    how: 'undisturbed',
    phase: 'unknown',
    stepsTold: 0,
    stepsLost: 0,
    resumeMs: 0,
    problems,
  };
}

function tellProgress(kind: string, done: number, of: number): void {
  const bad = outcomes.filter(({ problems }) => problems.length > 0).length;
  console.log(`${new Date().toISOString()} ${kind}: ${done} of ${of} kills, ${bad} problems, ${Math.round((performance.now() - campaignBegun) / 1000)} s`);
}

async function campaign(kind: Outcome['kind'], kills: number): Promise<void> {
  let done = 0;
  for (let number = 0; done < kills && number < 4 * kills; number++) {
    const outcome = await cut(kind, number).catch((error: unknown) => brokenOff(kind, number, error));
    if (outcome === null) continue;
    outcomes.push(outcome);
    done++;
    if (done % 10 === 0) tellProgress(kind, done, kills);
    for (const problem of outcome.problems) console.log(`${kind} ${number} ${outcome.task} ${outcome.scheduler} ${outcome.how}, in ${outcome.phase}: ${problem}`);
  }
}

function table(): string {
  const rows = (['engine', 'app'] as const).flatMap((kind) => {
    const of = outcomes.filter((outcome) => outcome.kind === kind);
    const phases = [...new Set(of.map(({ phase }) => phase))].sort();
    return [...phases, 'all'].map((phase) => {
      const these = phase === 'all' ? of : of.filter((outcome) => outcome.phase === phase);
      const times = these.map(({ resumeMs }) => resumeMs).sort((a, b) => a - b);
      const exact = these.filter(({ problems }) => problems.length === 0).length;
      const lost = Math.max(0, ...these.map(({ stepsLost }) => stepsLost));
      return [kind, phase, these.length, exact, lost, Math.round(times[Math.floor(times.length / 2)] ?? 0)].map(String);
    });
  });
  const all = [['kill of', 'while', 'kills', 'bit-exact', 'most steps lost', 'resumed to the end, ms (median)'], ...rows];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? [];
  return all.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).join('\n');
}

function forkLines(): string {
  const kinds = [...new Set(comparisons.map(({ what }) => what))];
  const bad = comparisons.filter(({ problem }) => problem !== null);
  return [
    ...kinds.map((kind) => {
      const these = comparisons.filter(({ what }) => what === kind);
      return `${kind}: ${these.filter(({ problem }) => problem === null).length} of ${these.length} bit-exact`;
    }),
    ...bad.map(({ what, task, scheduler, problem }) => `${what}, ${task} ${scheduler}: ${problem ?? ''}`),
  ].join('\n');
}

const kills = { engine: Number(values['engine-kills']), app: Number(values['app-kills']) };
try {
  const wanted = Math.max(6, Math.ceil((kills.engine + kills.app) / 6));
  for (let number = 0; number < wanted; number++) recipes.push(await undisturbed(randomRequest(random, number, inputs)));
  await campaign('engine', kills.engine);
  await campaign('app', kills.app);
  comparisons = await compareForks(app, folder, random, inputs, Number(values.forks));
} finally {
  const pid = app.pid;
  const engines = app.enginePids();
  await app.end().catch(() => undefined);
  await sleep(300);
  orphans = [pid, ...engines].filter(isAlive).length;
  if (orphans > 0) console.log(`${orphans} processes outlived the campaign.`);
  const seconds = Math.round((performance.now() - campaignBegun) / 1000);
  mkdirSync(path.dirname(values.out), { recursive: true });
  writeFileSync(values.out, `${JSON.stringify({ seed: Number(values.seed), seconds, recipes: recipes.length, kills, outcomes, comparisons }, null, 2)}\n`);
  rmSync(folder, { recursive: true, force: true });
  console.log(`${table()}\n${forkLines()}\n${recipes.length} kinds of run, ${orphans} orphans, ${seconds} s, written to ${values.out}`);
}
const bad = outcomes.filter(({ problems }) => problems.length > 0).length + comparisons.filter(({ problem }) => problem !== null).length;
const missing = outcomes.length < kills.engine + kills.app;
if (missing) console.log('Fewer kills hit a run than were asked for.');
process.exitCode = bad > 0 || missing || orphans > 0 ? 1 : 0;
