import type { Checkpoint, EngineCommand, EngineMessage, RgbImage, RunInputs } from '../../../shared/engineProtocol.ts';
import { batchSize, type GenerationRequest } from '../../../shared/generation.ts';
import type { Region, RunTrace, StepRecord } from '../../../shared/job.ts';

/**
 * A real process that speaks the engine's protocol without a model. The prompt tells it what to do, e.g. `crash at 3`:
 * crash, oom, killed, hang, garbage, fail; `slow` takes 50 ms a step; `deaf` never hears a stop. Its pictures have the shade of
 * the input picture's and the mask's first pixels, 200 without them; each of a batch is one brighter than the one before.
 * Every letter of a text is a token to it; it fails to count `uncountable`, and never answers about `silent`.
 */
const stopped = new Set<string>();
const pace = new Map<string, number>();

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

function checkpoint(request: GenerationRequest, steps: readonly StepRecord[]): Checkpoint {
  const tensor = { dims: [1, 4, 2, 2], data: new Float32Array(16).fill(steps.length) };
  return {
    version: 2,
    request,
    modelHash: 'fake',
    stepsDone: steps.length,
    numTimesteps: request.steps,
    latents: tensor,
    cleanEstimate: tensor,
    stepper: { history: [new Float32Array([1, 2])] },
    generator: { state: new Uint32Array([3, 4]) },
    tensors: { noise: tensor },
    guidanceScale: request.guidanceScale,
    guidanceEnd: request.guidanceEnd,
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

async function generate({ jobId, request, inputs }: Extract<EngineCommand, { kind: 'generate' }>): Promise<void> {
  tell({ kind: 'device', provider: 'cpu', rungs: [{ provider: 'cpu', taken: true, code: '', reason: '' }] });
  tell({ kind: 'loading', jobId, part: 'unet' });
  const steps: StepRecord[] = [];
  for (let stepIndex = 0; stepIndex < request.steps; stepIndex++) {
    await misbehave(request, stepIndex, jobId);
    await sleep(request.prompt.includes('slow') ? 50 : (pace.get(jobId) ?? 0));
    if (stopped.has(jobId) && request.prompt.includes('fail at')) return;
    if (stopped.has(jobId) && !request.prompt.includes('deaf')) {
      tell({ kind: 'stopped', jobId, trace: trace(request, steps, 'stopped') });
      return;
    }
    const guided = stepIndex < request.steps / 2;
    const numbers = { timestep: 1000 - stepIndex, sigma: 14 - stepIndex / 10, guidanceScale: guided ? 4 : 1, ms: 1 };
    steps.push({ ...numbers, stepIndex, numTimesteps: request.steps, guided, unetEvaluations: guided ? 2 : 1 });
    tell({ kind: 'step', jobId, step: steps[stepIndex] as StepRecord });
    tell({ kind: 'checkpoint', jobId, checkpoint: checkpoint(request, steps) });
    tell({ kind: 'preview', jobId, stepIndex, source: 'linear', image: image(4, stepIndex), region: regionOf(request) });
  }
  tell({ kind: 'decoding', jobId });
  tell({ kind: 'finished', jobId, images: batch(request, shadeOf(inputs)), trace: trace(request, steps, 'finished') });
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

process.on('message', (command: EngineCommand) => {
  switch (command.kind) {
    case 'generate':
      void generate(command);
      return;
    case 'stop':
      stopped.add(command.jobId);
      return;
    case 'steer':
      if (command.steering.paceMs !== undefined) pace.set(command.jobId, command.steering.paceMs);
      tell({ kind: 'steered', jobId: command.jobId, steering: command.steering, afterStep: 1 });
      return;
    case 'decode':
      tell({ kind: 'decoded', jobId: command.jobId, images: batch(command.request, (command.latents.data[0] ?? 0) + decodedShade(command.inputs)) });
      return;
    case 'count-tokens':
      count(command);
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
