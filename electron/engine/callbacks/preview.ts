import type { RgbImage } from '../../../shared/engineProtocol.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { StepCallback, StepEnd } from './callback.ts';

export type PreviewSource = 'linear' | 'decoder';

export interface PreviewOptions {
  /** Which way to begin with; `decoder` gives way to `linear` where it is too slow. */
  readonly source: PreviewSource;
  /** x0 -> picture, by way of the source; of a batch all its pictures in one. */
  readonly render: (cleanEstimate: Tensor, source: PreviewSource) => Promise<RgbImage> | RgbImage;
  readonly emit: (stepIndex: number, source: PreviewSource, image: RgbImage) => void;
  /** Told once what went wrong. */
  readonly warn: (message: string) => void;
  /** Milliseconds each preview took. */
  readonly onTime?: (ms: number) => void;
  /** Milliseconds that pass idly after a step anyway, because of its pace. With it a frame is decoded only where that costs no time. */
  readonly idleMs?: (run: StepEnd) => number;
  /** A person waits for the run to end: no decode then. */
  readonly isHurried?: () => boolean;
  readonly now?: () => number;
}

/** A decoded preview may take this share of its step... */
const slowShare = 0.5;
/** ...or this long where steps are short, and a render that has not come back by `patienceMs` is given up. */
const slowMs = 120;
const patienceMs = 5_000;
/** This many times too slow is no passing load on the machine. */
const hopeless = 8;
/** What a decode of one picture is taken to cost before the first one, and what share of that belief a step without one leaves. */
const firstGuessMs = 20;
const forgetting = 0.9;

/**
 * Shows the clean estimate of every step. Nothing that goes wrong here, nor slowness, harms the run: after a failure
 * previews end, after two slow decodes in a row they become linear. With `idleMs` each frame is decoded or linear by itself.
 */
export function previewCallback(options: PreviewOptions): StepCallback {
  const now = options.now ?? (() => performance.now());
  let source = options.source;
  let slow = 0;
  let decodeMs: number | null = null;
  let failed = false;
  const expectedMs = (run: StepEnd): number => decodeMs ?? firstGuessMs * (run.latents.dims[0] ?? 1);
  const choose = (run: StepEnd): PreviewSource => {
    if (options.isHurried?.() === true) return 'linear';
    return source === 'decoder' && (options.idleMs?.(run) ?? Infinity) < expectedMs(run) ? 'linear' : source;
  };
  return {
    name: 'preview',
    callbackOnStepEndTensorInputs: [],
    async callbackOnStepEnd(run, stepIndex) {
      if (failed) return undefined;
      const begun = now();
      const chosen = choose(run);
      try {
        const image = await within(options.render(run.cleanEstimate, chosen), patienceMs);
        options.emit(stepIndex, chosen, image);
      } catch (error) {
        // A decoder that is too much for the machine leaves the linear picture, which costs nothing.
        const isDecoder = chosen === 'decoder';
        if (isDecoder) source = 'linear';
        else failed = true;
        options.warn(`No more ${isDecoder ? 'decoded ' : ''}previews: ${error instanceof Error ? error.message : String(error)}`);
      }
      const ms = now() - begun;
      options.onTime?.(ms);
      decodeMs = chosen === 'decoder' ? ms : expectedMs(run) * forgetting;
      if (options.idleMs !== undefined) return undefined;
      const limit = Math.max(slowMs, run.ms * slowShare);
      slow = chosen === 'decoder' && ms > limit ? slow + 1 : 0;
      if (slow === 2 || (slow === 1 && ms > hopeless * limit)) source = 'linear';
      return undefined;
    },
  };
}

async function within<T>(work: Promise<T> | T, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`a preview took longer than ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
