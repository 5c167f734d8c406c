import { type ChildProcess, type ChildProcessByStdio, fork, spawn } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import path from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { computeThreads } from '../../electron/engine/ort/threads.ts';
import { plainUse, type EngineCommand, type EngineMessage } from '../../shared/engineProtocol.ts';
import { parseGenerationRequest } from '../../shared/generation.ts';
import { median } from './stats.ts';

/**
 * The same pictures from this engine, from optimum's ONNX pipeline on the same files, and from diffusers in plain torch on the
 * same weights: same processor, threads, scheduler, steps and guidance. The three take turns within a run, so that a machine
 * whose speed drifts favours none of them; what counts is the ratio of each round.
 */

const root = path.resolve(import.meta.dirname, '../..');
const peers = ['optimum', 'diffusers'] as const;
type Peer = (typeof peers)[number];

interface Picture {
  readonly model: 'starter' | 'bench';
  readonly prompt: string;
  readonly steps: number;
  readonly guidance: number;
  readonly seed: number;
  readonly side: number;
}

interface Drawn {
  /** From the request to the picture's pixels, the model being loaded. */
  readonly ms: number;
  readonly rgb: Uint8Array;
}

/** 192 pixels as shipped; and 256 pixels on a UNet of diffusers' own class with attention on its outer level. */
const settings: readonly Omit<Picture, 'prompt' | 'seed'>[] = [
  { model: 'starter', steps: 20, guidance: 3, side: 192 },
  { model: 'bench', steps: 10, guidance: 5, side: 256 },
];

export interface PeerFigures {
  readonly settings: Omit<Picture, 'prompt' | 'seed'>;
  readonly oursMs: number;
  readonly peerMs: Readonly<Record<Peer, number>>;
  /** Median over the rounds of ours divided by theirs: below 1, ours is faster. */
  readonly oursOver: Readonly<Record<Peer, number>>;
  /** Smallest and largest of those ratios. */
  readonly spread: Readonly<Record<Peer, readonly [number, number]>>;
}

export interface PeerReport {
  readonly machine: { readonly cpu: string; readonly cores: number; readonly node: string };
  readonly madeWith: unknown;
  readonly threads: number;
  readonly rounds: number;
  readonly models: Readonly<Record<string, PeerFigures>>;
}

/** peers.py as a process that answers line by line. */
class PeerProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  constructor(threads: number) {
    this.#child = spawn('bash', [path.join(root, 'e2e/bench/peers.sh'), '--threads', String(threads)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#reader = createInterface({ input: this.#child.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  async read<T>(): Promise<T> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('peers.py has ended; what it wrote is above.');
    return JSON.parse(value) as T;
  }

  async draw(peer: Peer, picture: Picture): Promise<Drawn> {
    this.#child.stdin.write(`${JSON.stringify({ ...picture, peer })}\n`);
    const { ms, rgb } = await this.read<{ ms: number; rgb: string }>();
    return { ms, rgb: Buffer.from(rgb, 'base64') };
  }

  close(): void {
    this.#child.stdin.end();
    this.#reader.close();
  }
}

/** The engine process as the app starts it. */
class OurProcess {
  readonly #child: ChildProcess;

  constructor(entry: string) {
    this.#child = fork(path.join(root, entry), { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  }

  draw(picture: Picture, modelFolder: string): Promise<Drawn> {
    const { prompt, steps, guidance, seed, side } = picture;
    const command: EngineCommand = {
      kind: 'generate',
      jobId: `${picture.model}-${seed}`,
      request: parseGenerationRequest({
        task: 'text-to-image',
        modelId: picture.model,
        prompt,
        negativePrompt: null,
        promptSyntax: 'plain',
        width: side,
        height: side,
        steps,
        guidanceScale: guidance,
        guidanceEnd: { kind: 'never' },
        scheduler: 'ddim',
        seed: String(seed),
      }),
      inputs: null,
      modelFolder,
      provider: 'cpu',
      ...plainUse,
      previewMode: 'off',
      paceMs: 0,
    };
    return new Promise((resolve, reject) => {
      const begun = performance.now();
      const onExit = (): void => reject(new Error('The engine process has ended.'));
      const listen = (message: EngineMessage): void => {
        if (message.kind === 'failed') reject(new Error(message.failure.message));
        if (message.kind !== 'finished') return;
        this.#child.off('message', listen);
        this.#child.off('exit', onExit);
        resolve({ ms: performance.now() - begun, rgb: message.images[0]?.rgb ?? new Uint8Array() });
      };
      this.#child.on('message', listen);
      this.#child.once('exit', onExit);
      this.#child.send(command);
    });
  }

  close(): void {
    this.#child.kill();
  }
}

/** Timings of different pictures would say nothing. */
function checkSame(peer: Peer, picture: Picture, ours: Drawn, theirs: Drawn): void {
  const isNear = (value: number, index: number): boolean => Math.abs(value - (ours.rgb[index] ?? -999)) <= 2;
  const near = theirs.rgb.reduce((count, value, index) => count + (isNear(value, index) ? 1 : 0), 0);
  if (near >= 0.99 * 3 * picture.side ** 2) return;
  throw new Error(`${peer} draws another picture of ${picture.model}: ${near} of ${theirs.rgb.length} values agree.`);
}

/**
 * Runs the comparison; needs `npm run build` before and, the first time, the network (see peers.sh).
 * @param rounds pictures of each model by each of the three
 * @param entry the built engine process, or its source
 */
export async function runPeers(rounds: number, entry = 'out/main/engine.js'): Promise<PeerReport> {
  const threads = computeThreads();
  const theirs = new PeerProcess(threads);
  const ours = new OurProcess(entry);
  try {
    const hello = await theirs.read<{ madeWith: unknown; threads: number; benchModel: string }>();
    const folders = { starter: path.join(root, 'assets/starter'), bench: hello.benchModel };
    const models: Record<string, PeerFigures> = {};
    for (const setting of settings) {
      models[setting.model] = await compare(setting, rounds, ours, theirs, folders[setting.model]);
    }
    return {
      machine: { cpu: cpus()[0]?.model ?? 'unknown', cores: availableParallelism(), node: process.version },
      madeWith: hello.madeWith,
      threads: hello.threads,
      rounds,
      models,
    };
  } finally {
    theirs.close();
    ours.close();
  }
}

async function compare(
  setting: Omit<Picture, 'prompt' | 'seed'>,
  rounds: number,
  ours: OurProcess,
  theirs: PeerProcess,
  folder: string,
): Promise<PeerFigures> {
  const times: Record<Peer | 'ours', number[]> = { ours: [], optimum: [], diffusers: [] };
  const order: (Peer | 'ours')[] = ['ours', ...peers];
  // Round -1 loads the models and checks that all three draw the same.
  for (let round = -1; round < rounds; round++) {
    // A new prompt each round: this engine remembers encoded ones.
    const prompt = `a red house under a night sky with a moon, number ${round}`;
    const picture: Picture = { ...setting, prompt, seed: 1000 + round };
    const drawn = new Map<Peer | 'ours', Drawn>();
    for (const who of order) {
      drawn.set(who, who === 'ours' ? await ours.draw(picture, folder) : await theirs.draw(who, picture));
    }
    order.push(...order.splice(0, 1));
    const own = drawn.get('ours');
    for (const [who, result] of drawn) {
      if (who !== 'ours' && own !== undefined) checkSame(who, picture, own, result);
      if (round >= 0) times[who].push(result.ms);
    }
  }
  const ratios = (peer: Peer): number[] => times[peer].map((ms, round) => (times.ours[round] ?? Number.NaN) / ms);
  return {
    settings: setting,
    oursMs: median(times.ours),
    peerMs: { optimum: median(times.optimum), diffusers: median(times.diffusers) },
    oursOver: { optimum: median(ratios('optimum')), diffusers: median(ratios('diffusers')) },
    spread: {
      optimum: [Math.min(...ratios('optimum')), Math.max(...ratios('optimum'))],
      diffusers: [Math.min(...ratios('diffusers')), Math.max(...ratios('diffusers'))],
    },
  };
}
