import type { ProviderId } from '../../../shared/generation.ts';
import type { GraphVariant } from './graphVariant.ts';
import type { Adapters } from './weights.ts';

/** What every architecture's graph can be told. */
export interface GraphOptions {
  /** The device that will run the graph: some operators are faster, or wrong, on one of them. Left out: `cpu`. */
  readonly device?: ProviderId;
  /** Left out: the device's usual one. */
  readonly variant?: GraphVariant;
  /** LoRAs to build in; left out: none. */
  readonly adapters?: Adapters;
  /**
   * Weights of 16 bits on the CPU, which computes in 32. `streamed`: each layer's are converted when it runs and dropped again; a UNet then
   * needs little more memory than its file, which stays mapped, and is open at once. `held`: all are converted while the model loads.
   * Left out: streamed, but for the VAE, whose few weights see many pixels. F32 weights are used where they are mapped.
   */
  readonly weights?: 'held' | 'streamed';
}

/** The same in float32, for what overflows in half precision. */
export function inFloat32(options: GraphOptions): GraphOptions {
  return options.variant === undefined ? options : { ...options, variant: { ...options.variant, arithmetic: 'float32' } };
}
