import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createEngineHost } from '../../electron/core/engineHost.ts';
import type { EngineProgress } from '../../electron/core/engineTask.ts';
import type { EngineProcess } from '../../electron/core/host.ts';
import { forkEngine } from '../../electron/hosts/forkEngine.ts';
import { encodePng } from '../../electron/media/png.ts';
import { type Checkpoint, plainUse } from '../../shared/engineProtocol.ts';
import { parseGenerationRequest } from '../../shared/generation.ts';
import { memoryPolicies } from '../../shared/models.ts';

/**
 * Runs a full-size model in the app's own engine process, as the core starts, feeds and kills it, and writes what it took: see README.md.
 * node e2e/fullsize/run.ts FOLDER [--steps 3] [--size 512] [--guidance 5] [--policy auto] [--stop-in STEP] [--out picture.png]
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    steps: { type: 'string', default: '3' },
    size: { type: 'string', default: '512' },
    guidance: { type: 'string', default: '5' },
    policy: { type: 'string', default: 'auto' },
    /** Presses Stop half a second after this step has begun. */
    'stop-in': { type: 'string' },
    out: { type: 'string' },
  },
});
const [modelFolder = ''] = positionals;
const policy = memoryPolicies.find((name) => name === values.policy) ?? 'auto';
if (!existsSync(modelFolder)) throw new Error(`There is no model at ${modelFolder}.`);

const mebibyte = 1024;
const begun = performance.now();
const seconds = (): string => ((performance.now() - begun) / 1000).toFixed(1).padStart(7);

/** MiB of a process by the kernel's count: now, and the most it has had. */
function memoryOf(pid: number): Record<'VmHWM' | 'RssAnon' | 'RssFile', number> {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const value = (name: string): number => Math.round(Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) / mebibyte);
  return { VmHWM: value('VmHWM'), RssAnon: value('RssAnon'), RssFile: value('RssFile') };
}

const processes: EngineProcess[] = [];
const pid = (): number => processes.at(-1)?.pid ?? 0;
const say = (what: string): void => {
  const { VmHWM, RssAnon, RssFile } = memoryOf(pid());
  process.stdout.write(`${seconds()} s  ${what.padEnd(44)} most ${VmHWM} MiB, now ${RssAnon} own + ${RssFile} mapped\n`);
};
const cache = await mkdtemp(path.join(tmpdir(), 'stopbath-fullsize-'));
const entry = path.resolve(import.meta.dirname, '../../electron/engine/process.ts');
const host = createEngineHost({
  start: () => {
    const child = forkEngine(entry, cache);
    child.onStderr((text) => process.stdout.write(`engine: ${text}`));
    processes.push(child);
    return child;
  },
  onStatus: () => undefined,
});
const request = parseGenerationRequest({
  task: 'text-to-image',
  modelId: 'full-size',
  prompt: 'a red house under a night sky with a moon',
  negativePrompt: 'a yellow house',
  width: Number(values.size),
  height: Number(values.size),
  steps: Number(values.steps),
  guidanceScale: Number(values.guidance),
  guidanceEnd: { kind: 'never' },
  scheduler: 'euler',
  seed: '1',
});
const use = { modelFolder: path.resolve(modelFolder), provider: 'cpu', ...plainUse, memoryPolicy: policy } as const;

const forecast = await host.forecast({ use, request });
const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;
const weights = forecast.parts.reduce((sum, { weightBytes }) => sum + weightBytes, 0);
process.stdout.write(
  `forecast: ${gigabytes(forecast.needBytes)} of ${gigabytes(forecast.freeBytes)}, ${forecast.verdict}, ${forecast.policy}${forecast.tiledVae ? ', tiled' : ''}; weights in use ${gigabytes(weights)}\n` +
    forecast.parts.map(({ part, weightBytes, workBytes }) => `  ${part}: ${gigabytes(weightBytes)} + ${gigabytes(workBytes)}\n`).join(''),
);

let checkpoint: Checkpoint | null = null;
let stoppedAt = 0;
const onProgress = (message: EngineProgress): void => {
  switch (message.kind) {
    case 'loading':
      return say(`loading ${message.part}`);
    case 'checkpoint':
      checkpoint = message.checkpoint;
      if (String(message.checkpoint.stepsDone) !== values['stop-in']) return;
      setTimeout(() => {
        stoppedAt = performance.now();
        host.stop('full-size');
      }, 500);
      return;
    case 'step':
      return say(`step ${message.step.stepIndex + 1}: ${Math.round(message.step.ms)} ms, ${message.step.unetEvaluations} evaluations`);
    case 'decoding':
      return say('decoding');
    default:
  }
};
const end = await host.run(
  'full-size',
  { kind: 'generate', jobId: 'full-size', request, inputs: null, ...use, previewMode: 'linear', paceMs: 0 },
  onProgress,
);
if (end.kind === 'finished') {
  say('finished');
  const peak = memoryOf(pid()).VmHWM * 2 ** 20;
  const { load, textEncode, denoise, sessionRun, decode } = end.trace.timingsMs;
  const rounded = Object.entries({ load, textEncode, denoise, sessionRun, decode }).map(([name, ms]) => `${name} ${(ms / 1000).toFixed(1)} s`);
  process.stdout.write(
    `${rounded.join(', ')}\npeak ${gigabytes(peak)} = ${(peak / weights).toFixed(3)} x the weights in use; forecast ${gigabytes(forecast.needBytes)} (${((forecast.needBytes / peak - 1) * 100).toFixed(0)} %)\n`,
  );
  const [image] = end.images;
  if (values.out !== undefined && image !== undefined) await writeFile(values.out, await encodePng(image, []));
} else {
  const waited = stoppedAt === 0 ? '' : `, ${((performance.now() - stoppedAt) / 1000).toFixed(1)} s after the stop`;
  const kept = checkpoint as Checkpoint | null;
  process.stdout.write(`${seconds()} s  ended: ${JSON.stringify(end)}${waited}; kept: a checkpoint after step ${kept?.stepsDone ?? 0}\n`);
}
await host.close();
await rm(cache, { recursive: true, force: true });
