import { mkdir, readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createEngine } from '../../electron/engine/engine.ts';
import { plainUse, type Checkpoint, type EngineMessage, type RgbImage } from '../../shared/engineProtocol.ts';
import { type GenerationRequest, parseGenerationRequest } from '../../shared/generation.ts';
import type { Steering, StepRecord } from '../../shared/job.ts';
import { modelFolder, starter } from '../bench/engineRuns.ts';
import { AttributeClassifier, type AttributePrompt, type AttributeValue, heldOutPrompts } from './classifier.ts';
import { psnr, ssim } from './compare.ts';

/**
 * What fewer UNet evaluations cost in quality: every way of leaving some out against the fully guided run of the same prompt
 * and seed, on the built-in model at 20 steps of DDIM and guidance 3.
 * A run that was broken off goes on where its file ends.
 * `node e2e/attributes/steering.ts [--count N] [--seeds N] [--only NAME,NAME] [--out FILE.json] [--features FOLDER]`
 * With `--features`: the ways that reuse deep features, on the model two_branches.py made.
 */

interface Way {
  readonly name: string;
  readonly request: Steering;
  /** It is the full run up to its first unguided step, and forks off there: the same picture for a part of the time. */
  readonly isCut: boolean;
}

const evidence = (cosine: number): Steering['guidanceEnd'] => ({ kind: 'evidence', cosine });

export const ways: readonly Way[] = [
  { name: 'fixed 40 %', request: { guidanceEnd: { kind: 'ratio', ratio: 0.4 } }, isCut: true },
  { name: 'adaptive 0.99', request: { guidanceEnd: evidence(0.99) }, isCut: true },
  { name: 'adaptive 0.995', request: { guidanceEnd: evidence(0.995) }, isCut: true },
  { name: 'adaptive 0.998', request: { guidanceEnd: evidence(0.998) }, isCut: true },
  { name: 'interval 0.28-5.42', request: { guidanceInterval: { sigmaLow: 0.28, sigmaHigh: 5.42 } }, isCut: false },
  { name: 'unconditional every 2nd', request: { reuse: { kind: 'unconditional', every: 2 } }, isCut: false },
  { name: 'steps 0.1 x2 + 0.995', request: { guidanceEnd: evidence(0.995), reuse: { kind: 'steps', threshold: 0.1, most: 2 } }, isCut: false },
];

/** Evaluations saved are whole ones; what the others cost the time says. */
export const featureWays: readonly Way[] = [2, 3, 5].map((every) => ({ name: `features every ${every}`, request: { reuse: { kind: 'features', every } }, isCut: false }));

interface Run {
  readonly image: RgbImage;
  readonly steps: readonly StepRecord[];
  readonly checkpoints: readonly Checkpoint[];
}

const heads = ['sky', 'celestial', 'ground', 'background', 'lake', 'house', 'tree', 'position', 'stars'] as const;

/** Sums over pictures; all that the table says follows from them. */
interface Sums {
  pictures: number;
  asked: number;
  right: number;
  /** Per picture: answers right beyond those of the full run, and its square. */
  gain: number;
  gainSquared: number;
  evaluations: number;
  stepMs: number;
  /** Of steps with one call, and of those with two. */
  singleMs: number;
  singles: number;
  pairMs: number;
  pairs: number;
  psnr: number;
  ssim: number;
}

const nothing = (): Sums => ({ pictures: 0, asked: 0, right: 0, gain: 0, gainSquared: 0, evaluations: 0, stepMs: 0, singleMs: 0, singles: 0, pairMs: 0, pairs: 0, psnr: 0, ssim: 0 });

async function generate(request: GenerationRequest, from?: Checkpoint): Promise<Run> {
  const checkpoints: Checkpoint[] = [];
  return new Promise((resolve, reject) => {
    listener = (message) => {
      if (message.kind === 'checkpoint') checkpoints.push(message.checkpoint);
      if (message.kind === 'failed') reject(new Error(message.failure.message));
      const [image] = message.kind === 'finished' ? message.images : [];
      if (message.kind === 'finished' && image !== undefined) resolve({ image, steps: message.trace.steps, checkpoints });
    };
    void engine.generate({
      kind: 'generate', jobId: 'measured', request, inputs: null, modelFolder: measuredFolder, provider: 'cpu', ...plainUse, previewMode: 'off', paceMs: 0,
      ...(from === undefined ? {} : { from }),
    });
  });
}

let measuredFolder = modelFolder;
let listener: (message: EngineMessage) => void = () => undefined;
const engine = createEngine({ emit: (message) => listener(message), probeEntry: '', warn: () => undefined });

async function runWay(way: Way, request: GenerationRequest, full: Run): Promise<Run> {
  if (!way.isCut) return generate({ ...request, ...way.request } as GenerationRequest);
  const end = way.request.guidanceEnd;
  const last =
    end?.kind === 'evidence'
      ? full.steps.findIndex(({ guidanceCosine }) => (guidanceCosine ?? 0) >= end.cosine)
      : Math.trunc(full.steps.length * (end?.kind === 'ratio' ? end.ratio : 1));
  const from = full.checkpoints[last];
  if (last < 0 || from === undefined || last === full.steps.length - 1) return full;
  return generate({ ...request, steering: [{ afterStep: last, steering: way.request }] }, from);
}

function rightOf(found: Record<string, AttributeValue>, { attributes }: AttributePrompt): number {
  return heads.filter((head) => attributes[head] !== null && found[head] === attributes[head]).length;
}

function add(sums: Sums, run: Run, full: Run, right: number, rightOfFull: number, asked: number): void {
  sums.pictures++;
  sums.asked += asked;
  sums.right += right;
  sums.gain += right - rightOfFull;
  sums.gainSquared += (right - rightOfFull) ** 2;
  sums.evaluations += run.steps.reduce((sum, step) => sum + step.unetEvaluations, 0);
  for (const { unetEvaluations, ms } of run.steps) {
    if (unetEvaluations === 1) [sums.singles, sums.singleMs] = [sums.singles + 1, sums.singleMs + ms];
    if (unetEvaluations === 2) [sums.pairs, sums.pairMs] = [sums.pairs + 1, sums.pairMs + ms];
  }
  sums.stepMs += run.steps.reduce((sum, step) => sum + step.ms, 0);
  sums.psnr += psnr(run.image, full.image);
  sums.ssim += ssim(run.image, full.image);
}

function rowOf(name: string, sums: Sums, full: Sums): Record<string, number | string> {
  const { pictures: n, asked } = sums;
  const perPicture = asked / n;
  const deviation = Math.sqrt(Math.max(0, sums.gainSquared / n - (sums.gain / n) ** 2) / n);
  const saved = 1 - sums.evaluations / full.evaluations;
  const costOfOne = sums.singles === 0 || sums.pairs === 0 ? 0 : sums.singleMs / sums.singles / (sums.pairMs / sums.pairs);
  return {
    way: name,
    pictures: n,
    evaluationsSaved: round(saved, 4),
    accuracy: round(sums.right / asked, 5),
    /** Percentage points against the full run of the same prompts and seeds, and its standard error. */
    accuracyChange: round((100 * sums.gain) / asked, 3),
    accuracyChangeError: round((100 * deviation) / perPicture, 3),
    psnr: round(sums.psnr / n, 2),
    ssim: round(sums.ssim / n, 4),
    timeSaved: round(1 - sums.stepMs / full.stepMs, 4),
    /** Measured: what a step with one call takes of one with two. */
    costOfOneOverTwo: round(costOfOne, 3),
    /** Of the time that would be saved if steps without a call were free and those with one took just that. */
    timeSavedOfIdeal: saved === 0 ? 1 : round((1 - sums.stepMs / full.stepMs) / (1 - (sums.pairs + sums.singles * costOfOne) / full.pairs), 3),
  };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function table(all: ReadonlyMap<string, Sums>): Record<string, number | string>[] {
  const full = all.get('full') ?? nothing();
  return [...all].map(([name, sums]) => rowOf(name, sums, full));
}

/** The sums of a run with the same settings that was broken off, from its file: it goes on there. */
async function leftOff(file: string, settings: object): Promise<Record<string, Sums>> {
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) return {};
  const saved = JSON.parse(text) as { readonly settings?: object; readonly sums?: Record<string, Sums> };
  return JSON.stringify(saved.settings) === JSON.stringify(settings) ? (saved.sums ?? {}) : {};
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '200' },
      seeds: { type: 'string', default: '2' },
      only: { type: 'string' },
      out: { type: 'string' },
      features: { type: 'string' },
    },
  });
  measuredFolder = values.features ?? modelFolder;
  const out = values.out ?? path.join(import.meta.dirname, values.features === undefined ? 'steering.json' : 'features.json');
  const chosen = (values.features === undefined ? ways : featureWays).filter(({ name }) => values.only === undefined || values.only.split(',').includes(name));
  const prompts = heldOutPrompts();
  // Spread over the whole list, so that a part of the run is a fair part.
  const order = prompts.map((prompt, index) => ({ prompt, place: (index * 67) % prompts.length })).sort((a, b) => a.place - b.place);
  const picked = order.slice(0, Number(values.count)).map(({ prompt }) => prompt);
  const classifier = await AttributeClassifier.open();
  const all = new Map<string, Sums>([['full', nothing()], ...chosen.map(({ name }): [string, Sums] => [name, nothing()])]);
  const settings = { steps: 20, scheduler: 'ddim', guidanceScale: starter.guidance, prompts: picked.length, seeds: Number(values.seeds), ways: chosen };
  const before = await leftOff(out, settings);
  for (const [name, sums] of Object.entries(before)) all.set(name, sums);
  const already = all.get('full')?.pictures ?? 0;
  const save = async (): Promise<void> => {
    await mkdir(path.dirname(out), { recursive: true });
    const machine = `${os.cpus()[0]?.model ?? 'unknown'}, ${os.cpus().length} threads`;
    await writeFile(out, `${JSON.stringify({ machine, settings, rows: table(all), sums: Object.fromEntries(all) }, null, 2)}\n`);
  };
  let done = 0;
  for (let round = 0; round < Number(values.seeds); round++) {
    for (const prompt of picked) {
      if (++done <= already) continue;
      const request = parseGenerationRequest({
        task: 'text-to-image', modelId: 'starter', prompt: prompt.prompt, negativePrompt: null, width: starter.width, height: starter.height,
        steps: 20, scheduler: 'ddim', seed: String(prompt.seed + 100_000 * round), guidanceScale: starter.guidance, guidanceEnd: { kind: 'never' },
      });
      const full = await generate(request);
      const asked = heads.filter((head) => prompt.attributes[head] !== null && prompt.attributes[head] !== undefined).length;
      const rightOfFull = rightOf(await classifier.read(full.image), prompt);
      add(all.get('full') ?? nothing(), full, full, rightOfFull, rightOfFull, asked);
      for (const way of chosen) {
        const run = await runWay(way, request, full);
        const right = run === full ? rightOfFull : rightOf(await classifier.read(run.image), prompt);
        add(all.get(way.name) ?? nothing(), run, full, right, rightOfFull, asked);
      }
      await save();
    }
  }
  await save();
  console.table(table(all));
}
