import { fork, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Settings } from '../../shared/contract.ts';
import { plainUse, type EngineCommand, type EngineMessage, type RgbImage } from '../../shared/engineProtocol.ts';
import { type GenerationRequestInput, parseGenerationRequest } from '../../shared/generation.ts';
import type { RunTrace } from '../../shared/job.ts';

const root = path.resolve(import.meta.dirname, '../..');
export const modelFolder = path.join(root, 'assets/starter');

/** The built-in model's own settings. */
export const starter = JSON.parse(readFileSync(path.join(modelFolder, 'starter.json'), 'utf8')) as {
  readonly width: number;
  readonly height: number;
  readonly guidance: number;
};

export interface MeasuredRun {
  readonly trace: RunTrace;
  readonly image: RgbImage;
  /** From sending `generate` to the arrival of the first preview here, ms; null without previews. */
  readonly firstPreviewMs: number | null;
  /** From sending `generate` to the arrival of the picture here, ms. */
  readonly wallMs: number;
}

/** The real engine process, as the app starts it, spoken to without the app. */
export class BenchEngine {
  readonly #child: ChildProcess;
  #job = 0;

  /** @param entry the built engine process, or its source */
  constructor(entry = 'out/main/engine.js') {
    this.#child = fork(path.join(root, entry), { serialization: 'advanced', stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  }

  run(input: GenerationRequestInput, previewMode: Settings['previewMode']): Promise<MeasuredRun> {
    const jobId = `bench-${this.#job++}`;
    const request = parseGenerationRequest(input);
    return new Promise((resolve, reject) => {
      let firstPreviewMs: number | null = null;
      const started = performance.now();
      const listen = (message: EngineMessage): void => {
        if (!('jobId' in message) || message.jobId !== jobId) return;
        if (message.kind === 'preview') firstPreviewMs ??= performance.now() - started;
        if (message.kind === 'failed') reject(new Error(message.failure.message));
        if (message.kind !== 'finished') return;
        this.#child.off('message', listen);
        const [image] = message.images;
        if (image === undefined) reject(new Error('A run without a picture.'));
        else resolve({ trace: message.trace, image, firstPreviewMs, wallMs: performance.now() - started });
      };
      this.#child.on('message', listen);
      const command: EngineCommand = { kind: 'generate', jobId, request, inputs: null, modelFolder, provider: 'auto', ...plainUse, previewMode, paceMs: 0 };
      this.#child.send(command);
    });
  }

  /**
   * Sends Stop at a moment after the n-th step and counts the steps that end later.
   * @param delayMs from the arrival of that step's message
   */
  stopAfter(input: GenerationRequestInput, steps: number, delayMs: number): Promise<number> {
    const jobId = `bench-${this.#job++}`;
    const request = parseGenerationRequest(input);
    return new Promise((resolve, reject) => {
      let seen = 0;
      let after: number | null = null;
      const listen = (message: EngineMessage): void => {
        if (!('jobId' in message) || message.jobId !== jobId) return;
        if (message.kind === 'step') {
          seen++;
          if (after !== null) after++;
          else if (seen === steps) {
            setTimeout(() => {
              after = 0;
              this.#child.send({ kind: 'stop', jobId } satisfies EngineCommand);
            }, delayMs);
          }
        }
        if (message.kind === 'failed' || message.kind === 'finished') reject(new Error(`Not stopped: ${message.kind}`));
        if (message.kind !== 'stopped') return;
        this.#child.off('message', listen);
        resolve(after ?? 0);
      };
      this.#child.on('message', listen);
      const command: EngineCommand = { kind: 'generate', jobId, request, inputs: null, modelFolder, provider: 'auto', ...plainUse, previewMode: 'linear', paceMs: 0 };
      this.#child.send(command);
    });
  }

  close(): void {
    this.#child.kill();
  }
}
