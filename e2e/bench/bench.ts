import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { GenerationRequestInput } from '../../shared/generation.ts';
import type { RunTrace } from '../../shared/job.ts';
import { BenchEngine, starter, type MeasuredRun } from './engineRuns.ts';
import { framesTable, measureFrames } from './frames.ts';
import { runPeers } from './peers.ts';
import { median, quantile, sum } from './stats.ts';
import { measureStops, type StopSample } from './stops.ts';

/**
 * `npm run bench [-- --rounds N --stops N --out FILE --peers --frames [SCENE] --graphs FOLDER]`. Ratios within one run, medians, the kinds of run interleaved, so
 * that a machine whose speed drifts does not favour one of them. `--peers` measures nothing but us against optimum and diffusers (peers.ts);
 * `--frames` nothing but what a frame costs the page (frames.ts): every scene, or those whose name has SCENE in it;
 * `--graphs` nothing but our graphs of SD 1.5 against an export of the same weights, made before by e2e/graphs/export.py (e2e/graphs/bench.ts).
 */

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '12' },
    stops: { type: 'string', default: '100' },
    out: { type: 'string', default: 'test-results/bench.json' },
    peers: { type: 'boolean', default: false },
    frames: { type: 'boolean', default: false },
    graphs: { type: 'string' },
  },
});

function write(figures: Readonly<Record<string, unknown>>): void {
  mkdirSync(path.dirname(values.out), { recursive: true });
  writeFileSync(values.out, `${JSON.stringify(figures, null, 2)}\n`);
  for (const [name, value] of Object.entries(figures)) {
    const text = typeof value === 'number' ? String(Number(value.toPrecision(4))) : JSON.stringify(value);
    console.log(`${name.padEnd(36)} ${text}`);
  }
  console.log(`\nwritten to ${values.out}`);
}

if (values.frames) {
  const frames = await measureFrames(positionals[0] ?? null);
  console.log(framesTable(frames));
  mkdirSync(path.dirname(values.out), { recursive: true });
  writeFileSync(values.out, `${JSON.stringify(frames, null, 2)}\n`);
  process.exit();
}

if (values.graphs !== undefined) {
  const script = path.join(import.meta.dirname, '../graphs/bench.ts');
  process.exit(spawnSync(process.execPath, [script, values.graphs, 'sd15', values.rounds], { stdio: 'inherit' }).status ?? 1);
}

if (values.peers) {
  write({ ...(await runPeers(Number(values.rounds))) });
  process.exit();
}

const colours = ['red', 'blue', 'yellow', 'white', 'purple'];

/** A new prompt each round: encoded prompts are remembered by the engine. */
function request(round: number, variant: Partial<GenerationRequestInput>): GenerationRequestInput {
  return {
    task: 'text-to-image',
    modelId: 'starter',
    prompt: `a ${colours[round % colours.length] ?? 'red'} house under a night sky with a moon, number ${round}`,
    negativePrompt: null,
    width: starter.width,
    height: starter.height,
    steps: 20,
    guidanceScale: starter.guidance,
    guidanceEnd: { kind: 'never' },
    scheduler: 'euler',
    seed: String(1000 + round),
    ...variant,
  };
}

const work = (trace: RunTrace): number => trace.timingsMs.textEncode + trace.timingsMs.denoise + trace.timingsMs.decode;

function stepMs(runs: readonly MeasuredRun[], guided: boolean): number {
  return median(runs.flatMap(({ trace }) => trace.steps.filter((step) => step.guided === guided && step.stepIndex > 0).map((step) => step.ms)));
}

const ownCode = (runs: readonly MeasuredRun[]): number => median(runs.map(({ trace }) => work(trace) - trace.timingsMs.sessionRun));

const engine = new BenchEngine();
const rounds = Number(values.rounds);
const kinds = {
  off: [] as MeasuredRun[],
  linear: [] as MeasuredRun[],
  auto: [] as MeasuredRun[],
  decoder: [] as MeasuredRun[],
  cutoff: [] as MeasuredRun[],
};
await engine.run(request(-1, { guidanceEnd: { kind: 'ratio', ratio: 0.4 } }), 'linear');
for (let round = 0; round < rounds; round++) {
  kinds.linear.push(await engine.run(request(5 * round, {}), 'linear'));
  kinds.cutoff.push(await engine.run(request(5 * round + 1, { guidanceEnd: { kind: 'ratio', ratio: 0.4 } }), 'linear'));
  kinds.off.push(await engine.run(request(5 * round + 2, {}), 'off'));
  kinds.decoder.push(await engine.run(request(5 * round + 3, {}), 'decoder'));
  kinds.auto.push(await engine.run(request(5 * round + 4, {}), 'auto'));
}
const longRuns: MeasuredRun[] = [];
for (let round = 0; round < rounds; round++) longRuns.push(await engine.run(request(1000 + round, { steps: 60 }), 'off'));
const stepsAfterStop: number[] = [];
for (let index = 0; index < Number(values.stops); index++) {
  stepsAfterStop.push(await engine.stopAfter(request(2000 + index, { steps: 200 }), 2 + (index % 4), (index * 7) % 40));
}
engine.close();

const guidedMs = stepMs(kinds.cutoff, true);
const unguidedMs = stepMs(kinds.cutoff, false);
const cutoffTrace = kinds.cutoff[0]?.trace;
const guidedCount = cutoffTrace?.steps.filter((step) => step.guided).length ?? 0;
const total = cutoffTrace?.numTimesteps ?? 0;
const idealSpeedUp = (total * guidedMs) / (guidedCount * guidedMs + (total - guidedCount) * unguidedMs);
const denoise = (runs: readonly MeasuredRun[]): number => median(runs.map(({ trace }) => sum(trace.steps.map((step) => step.ms))));
const speedUp = denoise(kinds.linear) / denoise(kinds.cutoff);
/** At the pace that is set when nobody chose one, and at the one that is hardest to stop. */
const paces = { Watch: 'Watch', Full: 'Full speed' } as const;

async function stopFigures(name: keyof typeof paces): Promise<Record<string, number>> {
  const stops = await measureStops(Number(values.stops), paces[name]);
  const of = (key: keyof StopSample, share: number): number => quantile(stops.map((stop) => stop[key]), share);
  return {
    // From the click in the page to the painted answer, to the run's end, and to the next run in the queue.
    [`stop${name}AcknowledgedMsP50`]: of('acknowledgedMs', 0.5),
    [`stop${name}AcknowledgedMsP95`]: of('acknowledgedMs', 0.95),
    [`stop${name}EndedMsP50`]: of('stoppedMs', 0.5),
    [`stop${name}EndedMsP95`]: of('stoppedMs', 0.95),
    [`stop${name}NextLoadsMsP50`]: of('nextLoadsMs', 0.5),
    [`stop${name}NextLoadsMsP95`]: of('nextLoadsMs', 0.95),
    [`stop${name}NextStepMsP50`]: of('nextStepMs', 0.5),
    [`stop${name}NextStepMsP95`]: of('nextStepMs', 0.95),
    // UNet calls that ended after the click: in how many of the stops none, one, more; and the most.
    ...Object.fromEntries([0, 1, 2].map((calls) => [`stop${name}CallsAfter${calls}`, stops.filter(({ callsAfter }) => callsAfter === calls).length])),
    [`stop${name}CallsAfterMax`]: of('callsAfter', 1),
  };
}

const stops = Number(values.stops) === 0 ? {} : { ...(await stopFigures('Watch')), ...(await stopFigures('Full')) };

const figures = {
  machine: { cpu: os.cpus()[0]?.model ?? 'unknown', cores: os.cpus().length, node: process.version, provider: cutoffTrace?.provider ?? null },
  rounds,
  wallOverSessionRun: median(kinds.linear.map(({ trace }) => work(trace) / trace.timingsMs.sessionRun)),
  // From runs of 20 and of 60 steps: what every further step costs, and what a run costs besides (tokens, pixels).
  ownCodePerStepMs: (ownCode(longRuns) - ownCode(kinds.off)) / 40,
  ownCodePerRunMs: ownCode(kinds.off) - (20 * (ownCode(longRuns) - ownCode(kinds.off))) / 40,
  previewShareLinear: median(kinds.linear.map(({ trace }) => trace.timingsMs.preview / work(trace))),
  previewShareAuto: median(kinds.auto.map(({ trace }) => trace.timingsMs.preview / work(trace))),
  previewShareDecoder: median(kinds.decoder.map(({ trace }) => trace.timingsMs.preview / work(trace))),
  guidedStepMs: guidedMs,
  unguidedOverGuided: unguidedMs / guidedMs,
  cutoffSpeedUp: speedUp,
  cutoffSpeedUpOverIdeal: speedUp / idealSpeedUp,
  firstPreviewOverTextAndFirstStep: median(
    kinds.linear.map(({ trace, firstPreviewMs }) => (firstPreviewMs ?? Number.NaN) / (trace.timingsMs.textEncode + (trace.steps[0]?.ms ?? Number.NaN))),
  ),
  engineToPictureMs: median(kinds.linear.map(({ wallMs }) => wallMs)),
  stops: Number(values.stops),
  ...stops,
  /** Steps that ended after the engine had been told. */
  stopStepsAfterMax: stepsAfterStop.length === 0 ? null : Math.max(...stepsAfterStop),
};

write(figures);
