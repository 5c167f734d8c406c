import type { ProviderId } from '../../../shared/generation.ts';
import type { Adapters } from './weights.ts';

/** Element type the graph computes in; its inputs and outputs are float32 either way. */
export type Precision = 'float32' | 'float16';

/** What every architecture's graph can be told. */
export interface GraphOptions {
  /** The device that will run the graph: some operators are faster, or wrong, on one of them. Left out: `cpu`. */
  readonly device?: ProviderId;
  /** LoRAs to build in; left out: none. */
  readonly adapters?: Adapters;
  /** Left out: float32. */
  readonly precision?: Precision;
  /** One operator for a whole attention; left out: what the device is known to do right (`blocks/attention.ts`). */
  readonly fusedAttention?: boolean;
  /**
   * Weights of 16 bits on the CPU, which computes in 32. `streamed`: each layer's are converted when it runs and dropped again; a UNet then
   * needs little more memory than its file, which stays mapped, and is open at once. `held`: all are converted while the model loads.
   * Left out: streamed, but for the VAE, whose few weights see many pixels. F32 weights are used where they are mapped.
   */
  readonly weights?: 'held' | 'streamed';
}
