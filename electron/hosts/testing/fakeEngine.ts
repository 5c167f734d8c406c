import { mkdirSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { CallOutput } from '../../../shared/contract.ts';
import type { Checkpoint, EngineCommand, EngineMessage, RgbImage, RunInputs } from '../../../shared/engineProtocol.ts';
import { batchSize, type GenerationRequest, type SteeringEntry } from '../../../shared/generation.ts';
import type { Forecast } from '../../../shared/models.ts';
import { stepRecordSchema, type Breakpoint, type PauseReason, type Region, type RunTrace, type Steering, type StepRecord } from '../../../shared/job.ts';

/**
 * A real process that speaks the engine's protocol without a model. The prompt tells it what to do, e.g. `crash at 3`:
 * crash, oom, killed, hang, garbage, fail, undecodable; a process does each only once for a run, and none when it goes on.
 * A `warned` run is warned of while it loads, and of the same once more.
 * Told to draw `nonsense` by a live steering it refuses; a callback `log 2` writes a line at its third step.
 * `slow` takes 50 ms a step; `deaf` never hears a stop. Its pictures have the shade of the input picture's and the mask's first
 * pixels, 200 without them; each of a batch is one brighter than the one before. With `exact` the shade is worked out of every
 * step and what was steered before it, so that only the very same run gives it.
 * Every letter of a text is a token to it; it fails to count `uncountable`, and never answers about `silent`.
 */
const stopped = new Set<string>();

/** What was asked of a run since its last step. */
interface Controls {
  pending: Steering[];
  paused: boolean;
  /** Steps to go until it waits again; null: none. */
  stepsLeft: number | null;
  breakpoints: readonly Breakpoint[];
  paceMs: number;
}
const controls = new Map<string, Controls>();

function controlsOf(jobId: string): Controls {
  const known = controls.get(jobId) ?? { pending: [], paused: false, stepsLeft: null, breakpoints: [], paceMs: 0 };
  controls.set(jobId, known);
  return known;
}

function tell(message: EngineMessage): void {
  process.send?.(message);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What a native call that never returns looks like from outside. */
function hang(): never {
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
}

async function misbehave(request: GenerationRequest, step: number, jobId: string): Promise<void> {
  const asked = /\b(crash|oom|killed|hang|garbage|fail) at (\d+)/.exec(request.prompt);
  if (asked === null || Number(asked[2]) !== step) return;
  switch (asked[1]) {
    case 'crash':
      await new Promise((resolve) => process.stderr.write('[E:onnxruntime] something native broke\n', resolve));
      process.abort();
      break;
    case 'oom':
      await new Promise((resolve) =>
        process.stderr.write('Failed to allocate memory for requested buffer of size 4294967296\n', resolve),
      );
      process.exit(1);
      break;
    case 'killed':
      process.kill(process.pid, 'SIGKILL');
      await sleep(1_000);
      break;
    case 'hang':
      hang();
      break;
    case 'garbage':
      process.send?.({ kind: 'step', jobId, step: 'seven' });
      process.send?.('nonsense');
      break;
    case 'fail':
      tell({ kind: 'failed', jobId, failure: { code: 'MODEL_NAN', message: 'The model gave NaN.' } });
      stopped.add(jobId);
      break;
  }
}

function image(side: number, shade: number): RgbImage {
  return { width: side, height: side, rgb: new Uint8Array(side * side * 3).fill(shade) };
}

function checkpoint(request: GenerationRequest, steps: readonly StepRecord[], log: readonly SteeringEntry[], value: number): Checkpoint {
  const tensor = { dims: [1, 4, 2, 2], data: new Float32Array(16).fill(steps.length) };
  return {
    version: 3,
    request,
    modelHash: 'fake',
    stepsDone: steps.length,
    numTimesteps: request.steps,
    latents: tensor,
    cleanEstimate: tensor,
    stepper: { history: [new Float32Array([1, 2])] },
    generator: { state: new Uint32Array([3, value]) },
    tensors: { noise: tensor },
    log: [...log],
    steps: [...steps],
  };
}

function trace(request: GenerationRequest, steps: readonly StepRecord[], status: RunTrace['status']): RunTrace {
  const evaluations = steps.reduce((sum, step) => sum + step.unetEvaluations, 0);
  return {
    status,
    numTimesteps: request.steps,
    stepsDone: steps.length,
    steps: [...steps],
    unetEvaluationsTotal: evaluations,
    unetEvaluationsSaved: 2 * steps.length - evaluations,
    provider: 'cpu',
    seed: request.seed,
    timingsMs: { load: 1, textEncode: 1, denoise: 1, sessionRun: 1, preview: 1, decode: 1, total: 1500 },
  };
}

function shadeOf(inputs: RunInputs | null): number {
  return inputs === null ? 200 : (inputs.image.rgb[0] ?? 0) + (inputs.mask?.grey[0] ?? 0);
}

function batch(request: GenerationRequest, shade: number): RgbImage[] {
  return Array.from({ length: batchSize(request) }, (_, index) => image(64, shade + index));
}

async function generate({ jobId, request, inputs, from, provider }: Extract<EngineCommand, { kind: 'generate' }>): Promise<void> {
  tell({ kind: 'device', provider: 'cpu', rungs: [{ provider: 'cpu', taken: true, code: '', reason: '' }] });
  tell({ kind: 'loading', jobId, part: 'unet' });
  if (request.prompt.includes('warned')) {
    const warning = { kind: 'warning', jobId, code: 'EMBEDDING_UNUSED', message: 'It is not used.', nextStep: 'Take it out.' } as const;
    tell(warning);
    tell(warning);
  }
  stopped.delete(jobId);
  const steps: StepRecord[] = [...(from?.steps ?? [])];
  const log: SteeringEntry[] = [];
  let value = from === undefined ? 1 : Number((from.generator as { state: Uint32Array }).state[1]);
  const past = request.steering.filter(({ afterStep }) => afterStep < steps.length);
  const executed = [...(from?.request.steering ?? []).filter(({ afterStep }) => afterStep < steps.length), ...(from?.log ?? [])];
  if (JSON.stringify(past.slice(0, executed.length)) !== JSON.stringify(executed.sort((a, b) => a.afterStep - b.afterStep))) {
    tell({ kind: 'failed', jobId, failure: { code: 'INVALID_INPUT', message: 'The run was steered otherwise.', field: 'steering' } });
    return;
  }
  // What is new of the request's steering counts before the next step, the rest after its step.
  const added = past.slice(executed.length);
  const apply = (steering: Steering, afterStep: number): void => {
    value = mixed(value, JSON.stringify({ ...steering, paceMs: undefined }));
    tell({ kind: 'steered', jobId, steering, afterStep });
  };
  for (const entry of added) apply(entry.steering, entry.afterStep);
  for (let stepIndex = steps.length; stepIndex < request.steps; stepIndex++) {
    if (from === undefined) await misbehave(request, stepIndex, jobId);
    const control = controlsOf(jobId);
    await sleep(request.prompt.includes('slow') ? 50 : control.paceMs);
    if (stopped.has(jobId) && request.prompt.includes('fail at')) return;
    if (stopped.has(jobId) && !request.prompt.includes('deaf')) {
      tell({ kind: 'stopped', jobId, trace: trace(request, steps, 'stopped') });
      return;
    }
    const guided = stepIndex < request.steps / 2;
    const numbers = { timestep: 1000 - stepIndex, sigma: 14 - stepIndex / 10, guidanceScale: guided ? 4 : 1, ms: 1 };
    value = mixed(value, `step ${stepIndex}`);
    steps.push(stepRecordSchema.parse({ ...numbers, stepIndex, numTimesteps: request.steps, guided, unetEvaluations: guided ? 2 : 1 }));
    tell({ kind: 'step', jobId, step: steps[stepIndex] as StepRecord });
    for (const entry of request.steering.filter(({ afterStep }) => afterStep === stepIndex)) apply(entry.steering, stepIndex);
    for (const { paceMs, ...steering } of control.pending.splice(0)) {
      if (steering.prompt === 'nonsense') {
        tell({ kind: 'steer-refused', jobId, steering, failure: { code: 'INVALID_INPUT', message: 'Nobody can draw that.' } });
        continue;
      }
      apply({ ...steering, ...(paceMs === undefined ? {} : { paceMs }) }, stepIndex);
      if (Object.keys(steering).length > 0) log.push({ afterStep: stepIndex, steering });
    }
    for (const { name } of request.callbacks.filter(({ source }) => source === `throw ${stepIndex}`)) {
      tell({ kind: 'callback-problem', jobId, name, stepIndex, line: 1, message: 'It threw.' });
    }
    for (const { name } of request.callbacks.filter(({ source }) => source === `log ${stepIndex}`)) {
      tell({ kind: 'callback-log', jobId, name, stepIndex, lines: ['first', 'second'] });
    }
    tell({ kind: 'checkpoint', jobId, checkpoint: checkpoint(request, steps, log, value) });
    tell({ kind: 'preview', jobId, stepIndex, source: 'linear', image: image(4, stepIndex), region: regionOf(request) });
    await waitIfAsked(jobId, steps.length);
  }
  tell({ kind: 'decoding', jobId });
  if (request.prompt.includes('undecodable') && provider !== 'cpu') {
    tell({ kind: 'failed', jobId, failure: { code: 'OUT_OF_MEMORY', message: 'No room to decode.' } });
    return;
  }
  const shade = request.prompt.includes('exact') ? value % 256 : shadeOf(inputs);
  tell({ kind: 'finished', jobId, images: batch(request, shade), trace: trace(request, steps, 'finished') });
}

/** FNV-1a: any other history gives another number. */
function mixed(value: number, text: string): number {
  return [...text].reduce((hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 16_777_619) >>> 0, value);
}

async function waitIfAsked(jobId: string, stepsDone: number): Promise<void> {
  const control = controlsOf(jobId);
  if (control.stepsLeft !== null) control.stepsLeft--;
  const atBreakpoint = control.breakpoints.some((point) => point.kind === 'step' && point.stepIndex === stepsDone - 1);
  const reason: PauseReason | null = control.paused ? 'asked' : control.stepsLeft === 0 ? 'single-step' : atBreakpoint ? 'step' : null;
  if (reason === null) return;
  control.paused = true;
  control.stepsLeft = null;
  tell({ kind: 'paused', jobId, stepsDone, reason });
  while (control.paused && !stopped.has(jobId)) await sleep(5);
  if (!stopped.has(jobId)) tell({ kind: 'resumed', jobId });
}

function regionOf({ maskPadding }: GenerationRequest): Region | null {
  return maskPadding === null ? null : { left: 1, top: 2, width: 32, height: 24 };
}

/** The step's number, and 100 more for a run that was given its input pictures again. */
function decodedShade(inputs: RunInputs | null): number {
  return inputs === null ? 0 : 100;
}

function count({ requestId, texts }: Extract<EngineCommand, { kind: 'count-tokens' }>): void {
  if (texts.includes('silent')) return;
  if (texts.includes('uncountable')) {
    tell({ kind: 'tokens-failed', requestId, failure: { code: 'MODEL_TOKENIZER', message: 'No tokenizer.' } });
    return;
  }
  const counts = texts.map((text) => ({ chunks: [text.length], chunkSize: 75, cut: 0, cutText: '' }));
  tell({ kind: 'tokens', requestId, counts });
}

/** A source is good to it when it speaks of a callback. */
function checked(source: string): CallOutput<'callbacks.check'> {
  return source.includes('callback') ? { ok: true, tensorInputs: ['latents'] } : { ok: false, line: 1, column: 1, message: 'No callback.' };
}

/** Takes a file whose name has `refused` in it for none; the folder it makes is an empty one. */
function open({ requestId, path, store, overrides }: Extract<EngineCommand, { kind: 'open-checkpoint' }>): void {
  if (path.includes('refused')) {
    tell({ kind: 'question-failed', requestId, failure: { code: 'MODEL_UNSUPPORTED', message: 'It is of another kind.' } });
    return;
  }
  const folder = `${store}/${path.replaceAll(/[^a-z0-9]/gi, '_')}`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/checkpoint.json`, '{}');
  const { predictionType = 'epsilon' } = overrides;
  const facts = { family: 'sd' as const, width: 512, height: 512, uncertain: ['predictionType'] };
  tell({ kind: 'checkpoint-opened', requestId, opened: { ...facts, tasks: ['text-to-image'], folder, predictionType } });
}

/** A rank of as many as the file's name has signs; `broken` is none. */
function readAdapter({ requestId, file }: Extract<EngineCommand, { kind: 'read-adapter' }>): void {
  if (file.includes('broken')) {
    tell({ kind: 'question-failed', requestId, failure: { code: 'MODEL_BAD', message: 'The file is cut off.' } });
    return;
  }
  const kind = file.includes('word') ? 'embedding' : 'lora';
  tell({ kind: 'adapter-read', requestId, adapter: { kind, family: 'sd', rank: basename(file).length, triggers: ['ink'], problem: null } });
}

function forecast({ request, use }: Extract<EngineCommand, { kind: 'forecast' }>): Forecast {
  const needBytes = request.width * request.height;
  const policy = use.memoryPolicy === 'release' ? 'release' : 'keep';
  return { needBytes, freeBytes: 2 * needBytes, totalBytes: 4 * needBytes, policy, tiledVae: false, verdict: 'fits', parts: [] };
}

process.on('message', (command: EngineCommand) => {
  switch (command.kind) {
    case 'generate':
      void generate(command);
      return;
    case 'stop':
      stopped.add(command.jobId);
      return;
    case 'steer':
      controlsOf(command.jobId).paceMs = command.steering.paceMs ?? controlsOf(command.jobId).paceMs;
      controlsOf(command.jobId).pending.push(command.steering);
      return;
    case 'pause':
      controlsOf(command.jobId).paused = true;
      return;
    case 'resume':
      controlsOf(command.jobId).paused = false;
      controlsOf(command.jobId).stepsLeft = command.steps === 'all' ? null : command.steps;
      return;
    case 'breakpoints':
      controlsOf(command.jobId).breakpoints = command.breakpoints;
      return;
    case 'decode':
      if (command.request.prompt.includes('undecodable') && command.provider !== 'cpu') {
        tell({ kind: 'failed', jobId: command.jobId, failure: { code: 'OUT_OF_MEMORY', message: 'No room to decode.' } });
        return;
      }
      tell({ kind: 'decoded', jobId: command.jobId, images: batch(command.request, (command.latents.data[0] ?? 0) + decodedShade(command.inputs)) });
      return;
    case 'count-tokens':
      count(command);
      return;
    case 'check-callback':
      tell({ kind: 'callback-checked', requestId: command.requestId, check: checked(command.source) });
      return;
    case 'open-checkpoint':
      open(command);
      return;
    case 'examine':
      tell({ kind: 'examined', requestId: command.requestId, report: { provider: 'cpu', usable: true, findings: [] } });
      return;
    case 'read-adapter':
      readAdapter(command);
      return;
    case 'forecast':
      tell({ kind: 'forecast-made', requestId: command.requestId, forecast: forecast(command) });
      return;
    case 'shutdown':
      process.exit(0);
  }
});

if (process.env['FAKE_ENGINE'] === 'dead') {
  process.stderr.write('Cannot find module onnxruntime_binding.node\n');
  process.exitCode = 1;
  process.disconnect();
} else {
  tell({ kind: 'ready', runtimeVersion: 'fake' });
}
