import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chooseModel } from '../../electron/engine/cli/model.ts';
import { createRig, ofKind } from '../../electron/engine/testing/engineRig.ts';
import { parseGenerationRequest } from '../../shared/generation.ts';

/**
 * Opens full-size models in processes of their own and draws with them:
 *   node e2e/checkpoints/fullSize.ts STEPS SIDE MODEL...
 * A model is a single-file checkpoint (full_size.py) or the folder of an ONNX export of the same weights (e2e/fullsize/make.py). For
 * each: time to ready (checked, graphs written, every part loaded), the same a second time, time of a step, peak memory (all of it, and what is
 * the process's own: weights that are mapped out of a file are not), and what was written to the disk.
 */
const self = fileURLToPath(import.meta.url);

interface Result {
  readonly openMs: number;
  readonly readyMs: number;
  readonly stepsMs: readonly number[];
  readonly decodeMs: number;
  readonly failure: string | null;
}

const [mode, ...rest] = process.argv.slice(2);
if (mode === 'child') await child(rest);
else await measure(Number(mode), Number(rest[0]), rest.slice(1));

async function child([model = '', steps = '2', side = '512']: readonly string[]): Promise<void> {
  const begun = performance.now();
  const { folder } = await chooseModel({ model }, process.env);
  const openMs = performance.now() - begun;
  let last = 0;
  const stepsMs: number[] = [];
  const rig = createRig(folder, (message) => {
    const now = performance.now();
    if (message.kind === 'step') stepsMs.push(Math.round(now - last));
    last = now;
  });
  const request = parseGenerationRequest({
    task: 'text-to-image',
    modelId: 'full',
    prompt: 'a photograph of an astronaut riding a horse',
    negativePrompt: '',
    promptSyntax: 'plain',
    width: Number(side),
    height: Number(side),
    steps: Number(steps),
    guidanceScale: 5,
    guidanceEnd: { kind: 'never' },
    scheduler: 'euler',
    seed: '7',
  });
  const messages = await rig.generate({ request });
  const trace = ofKind(messages, 'finished')[0]?.trace;
  const result: Result = {
    openMs,
    // The encoder of pictures is not loaded for texts.
    readyMs: openMs + (trace?.timingsMs.load ?? Number.NaN),
    stepsMs,
    decodeMs: trace?.timingsMs.decode ?? Number.NaN,
    failure: ofKind(messages, 'failed')[0]?.failure.message ?? null,
  };
  console.log(JSON.stringify(result));
}

interface Peak {
  /** Megabytes: everything in memory, and what no file backs. */
  whole: number;
  own: number;
}

async function run(model: string, steps: number, side: number, cache: string): Promise<{ result: Result | null; peak: Peak }> {
  const options = { env: { ...process.env, STOPBATH_CACHE_DIR: cache }, stdio: ['ignore', 'pipe', 'inherit'] as ['ignore', 'pipe', 'inherit'] };
  const process_ = spawn(process.execPath, [self, 'child', model, String(steps), String(side)], options);
  const peak: Peak = { whole: 0, own: 0 };
  const timer = setInterval(() => void sample(process_.pid ?? 0, peak), 50);
  let text = '';
  for await (const chunk of process_.stdout.setEncoding('utf8')) text += String(chunk);
  clearInterval(timer);
  const line = text.trim().split('\n').at(-1) ?? '';
  return { result: line.startsWith('{') ? (JSON.parse(line) as Result) : null, peak };
}

async function sample(pid: number, peak: Peak): Promise<void> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const megabytes = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024;
  peak.whole = Math.max(peak.whole, megabytes('VmHWM'));
  peak.own = Math.max(peak.own, megabytes('RssAnon'));
}

/** Bytes below a folder of files that have no other name outside it. */
async function bytesWritten(folder: string, model: string): Promise<number> {
  const source = await stat(model, { bigint: true });
  const seen = new Set<bigint>([source.ino]);
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])) {
    const { ino, size } = await stat(path.join(entry.parentPath, entry.name), { bigint: true });
    if (!entry.isFile() || seen.has(ino)) continue;
    seen.add(ino);
    bytes += Number(size);
  }
  return bytes;
}

async function measure(steps: number, side: number, models: readonly string[]): Promise<void> {
  for (const model of models) {
    // Beside the models: on their disk, and none of an earlier run.
    const cache = await mkdtemp(path.join(path.dirname(model).startsWith(tmpdir()) ? path.dirname(model) : tmpdir(), '.measure-'));
    try {
      for (const time of ['first', 'second']) {
        const { result, peak } = await run(model, time === 'first' ? steps : 1, side, cache);
        if (result === null || result.failure !== null) {
          console.log(`${model}, ${time} time: ${result?.failure ?? 'the process ended'}; peak ${peak.whole.toFixed(0)} MB`);
          continue;
        }
        const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
        console.log(
          `${model}, ${time} time: opened in ${seconds(result.openMs)}, ready in ${seconds(result.readyMs)}, steps ${result.stepsMs.map(seconds).join(', ')}, ` +
            `decoded in ${seconds(result.decodeMs)}, peak ${peak.whole.toFixed(0)} MB (own ${peak.own.toFixed(0)} MB), ` +
            `written ${((await bytesWritten(cache, model)) / 1e6).toFixed(2)} MB`,
        );
      }
    } finally {
      await rm(cache, { recursive: true, force: true });
    }
  }
}
