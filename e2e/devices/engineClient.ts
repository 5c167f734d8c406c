import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { type EngineCommand, type EngineMessage, plainUse, type RgbImage } from '../../shared/engineProtocol.ts';
import { type GenerationRequestInput, parseGenerationRequest, type ProviderChoice } from '../../shared/generation.ts';
import type { RunTrace } from '../../shared/job.ts';

export const root = path.resolve(import.meta.dirname, '../..');

export interface DeviceRun {
  readonly trace: RunTrace;
  readonly image: RgbImage;
  readonly wallMs: number;
  readonly device: Extract<EngineMessage, { kind: 'device' }>;
}

/** The real engine process, as the app starts it, on a device and with a model of the caller's choice. */
export class EngineClient {
  readonly #child: ChildProcess;
  #stderr = '';
  #job = 0;

  /** @param env beside this process's own */
  constructor(env: NodeJS.ProcessEnv = {}) {
    this.#child = fork(path.join(root, 'electron/engine/process.ts'), {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, ...env },
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-20_000);
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  run(input: GenerationRequestInput, modelFolder: string, provider: ProviderChoice): Promise<DeviceRun> {
    const jobId = `run-${this.#job++}`;
    const request = parseGenerationRequest(input);
    return new Promise((resolve, reject) => {
      const started = performance.now();
      let device: DeviceRun['device'] | null = null;
      const end = (settle: () => void): void => {
        this.#child.off('message', listen);
        this.#child.off('exit', gone);
        settle();
      };
      const gone = (code: number | null, signal: string | null): void =>
        end(() => reject(new Error(`The engine ended (${code ?? signal ?? '?'}).\n${this.#stderr}`)));
      const listen = (message: EngineMessage): void => {
        if (message.kind === 'device') device = message;
        if (!('jobId' in message) || message.jobId !== jobId) return;
        if (message.kind === 'failed') end(() => reject(new Error(`${message.failure.message} ${message.failure.detail ?? ''}\n${this.#stderr}`)));
        if (message.kind !== 'finished') return;
        const [image] = message.images;
        const at = device;
        const { trace } = message;
        if (image === undefined || at === null) end(() => reject(new Error('A run without a picture or a device.')));
        else end(() => resolve({ trace, image, wallMs: performance.now() - started, device: at }));
      };
      this.#child.on('message', listen);
      this.#child.on('exit', gone);
      const command: EngineCommand = { kind: 'generate', jobId, request, inputs: null, modelFolder, provider, ...plainUse, previewMode: 'off', paceMs: 0 };
      this.#child.send(command);
    });
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }
}

/** Of two pictures of the same size, in 8-bit levels. */
export function pictureDifference(a: RgbImage, b: RgbImage): { max: number; mean: number } {
  if (a.rgb.length !== b.rgb.length) throw new Error('The pictures have different sizes.');
  let max = 0;
  let total = 0;
  for (const [index, value] of a.rgb.entries()) {
    const here = Math.abs(value - (b.rgb[index] ?? 0));
    max = Math.max(max, here);
    total += here;
  }
  return { max, mean: total / a.rgb.length };
}
