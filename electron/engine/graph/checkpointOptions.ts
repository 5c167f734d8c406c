import type { CheckpointOverrides } from './checkpointFacts.ts';
import type { GraphOptions } from './graphOptions.ts';
import type { CheckpointModel, TextPartName } from './readers/checkpointModel.ts';
import type { SafetensorsFile } from './readers/safetensors.ts';
import type { Placement } from './weightLinks.ts';
import type { Adapters } from './weights.ts';

/** LoRAs to build into the graphs. */
export interface CheckpointAdapters {
  /** Tells one set of files, as they are now, from another: it names the folder. */
  readonly key: string;
  /** @param linkName of a LoRA's file beside the graphs: what its `WeightRef`s have to name */
  of(part: 'unet' | TextPartName, model: CheckpointModel, linkName: (file: SafetensorsFile) => string): Adapters;
}

export interface CheckpointOptions {
  /** The app's folder for graphs and links; made when it is not there. */
  readonly store: string;
  /** CLIP's list of merges: assets/tokenizers/clip/bpe_simple_vocab_16e6.txt.gz. */
  readonly vocabulary: string;
  readonly overrides?: CheckpointOverrides;
  /** A VAE file to take in place of the model's own; left out or null: its own. */
  readonly vae?: string | null;
  /** Tokenizer folders for a model whose vocabulary is not CLIP's and which brings none. */
  readonly tokenizers?: { readonly tokenizer?: string; readonly tokenizer_2?: string };
  /** What the graphs are made for. */
  readonly graph?: Pick<GraphOptions, 'device' | 'variant'>;
  readonly adapters?: CheckpointAdapters;
  /** Left out: `link`. */
  readonly placement?: Placement;
}
