import { z } from 'zod';
import { providerIds, tasks } from './generation.ts';
import { failureSchema } from './job.ts';
import { schedulerIds } from './samplers.ts';

/** Where a model's weights come from. */
export const modelOrigins = ['built-in', 'onnx', 'checkpoint', 'diffusers'] as const;

export const modelFamilies = ['sd', 'sdxl'] as const;
export const predictionTypes = ['epsilon', 'v_prediction', 'sample'] as const;

/**
 * How a checkpoint's weights come to lie beside their graphs. `link`: by hard link in the app's folder, or else in a hidden folder beside
 * the file; no byte is copied. `copy`: into the app's folder, where the person wants it.
 */
export const placements = ['link', 'copy'] as const;
export type Placement = (typeof placements)[number];

/** A model the app can run. */
export const modelSchema = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  builtIn: z.boolean(),
  /** `onnx`: a folder of ONNX files; `checkpoint`: one .safetensors file; `diffusers`: a folder of .safetensors files. */
  origin: z.enum(modelOrigins),
  family: z.enum(modelFamilies),
  tasks: z.array(z.enum(tasks)),
  width: z.int(),
  height: z.int(),
  /** Sizes must be a multiple of this many pixels. */
  sizeMultiple: z.int(),
  minSide: z.int(),
  maxSide: z.int(),
  steps: z.int(),
  guidanceScale: z.number(),
  scheduler: z.enum(schedulerIds),
  examplePrompts: z.array(z.string()),
  /** LoRAs can be put on it, and deep features used again: its graphs are ours. */
  takesLoras: z.boolean(),
  /** Where it lies; null for the built-in one. */
  path: z.string().nullable(),
  /** The app's own download, so that removing it frees the disk. */
  isOwn: z.boolean(),
  bytes: z.int(),
  /** SHA-256 of the weights, hex; null while nobody has computed it. Its first ten digits are what A1111 shows. */
  hash: z.string().nullable(),
  /** Hub repository and revision (commit) it was downloaded from. */
  repo: z.object({ id: z.string(), revision: z.string() }).nullable(),
  predictionType: z.enum(predictionTypes).nullable(),
  /** What the person may have to say because the file does not: names of the fields `models.edit` takes. */
  uncertain: z.array(z.string()),
  /**
   * Where the graphs over a checkpoint lie. `store`: in the app's folder; `beside`: in a folder beside its file, whose disk is another one;
   * `copied`: in the app's folder with a copy of the weights. null where there are none, or none yet.
   */
  graphs: z.enum(['store', 'beside', 'copied']).nullable(),
  /** Why it cannot be used now: its files are gone, or are others. */
  problem: failureSchema.nullable(),
});
export type Model = z.infer<typeof modelSchema>;

/** A thing the doctor found. */
export const findingSchema = z.object({
  severity: z.enum(['fine', 'note', 'warning', 'error']),
  /** `unet`, `vae_decoder`, `tokenizer` ...; empty for the whole. */
  part: z.string(),
  /** Stable name of the finding, e.g. `TIMESTEP_INT64`: the interface has a sentence for each in its own language. */
  code: z.string(),
  /** In English, naming the file. */
  message: z.string(),
  /** What to do; empty where nothing is to be done. */
  remedy: z.string(),
});
export type Finding = z.infer<typeof findingSchema>;

export const doctorReportSchema = z.object({
  modelId: z.string(),
  at: z.number(),
  provider: z.enum(providerIds),
  /** False where the model cannot be used as it is. */
  usable: z.boolean(),
  findings: z.array(findingSchema),
});
export type DoctorReport = z.infer<typeof doctorReportSchema>;

/** A file of an offer, or of a download. */
const offeredFileSchema = z.object({ path: z.string(), bytes: z.int() });

/** What can be had at an address, before anything large is fetched or taken. */
export const offerSchema = z.object({
  source: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('hub'), repo: z.string(), revision: z.string() }),
    z.object({ kind: z.literal('path'), path: z.string() }),
  ]),
  title: z.string(),
  license: z.string().nullable(),
  /** Needs a token, or the acceptance of terms on the hub's page. */
  gated: z.boolean(),
  /** The ways it can be taken, best first; `id` goes into `models.add`. */
  variants: z.array(
    z.object({
      id: z.string(),
      label: z.string(),
      origin: z.enum(modelOrigins),
      bytes: z.int(),
      /** Of those, bytes the store has already. */
      bytesHere: z.int(),
      files: z.array(offeredFileSchema),
      /** Graphics memory or memory it takes about; null: unknown. */
      memoryBytes: z.int().nullable(),
    }),
  ),
  /** Files that were left aside, and why: pickles, scripts. */
  refused: z.array(z.object({ path: z.string(), reason: z.string() })),
  diskFree: z.int(),
});
export type Offer = z.infer<typeof offerSchema>;

export const downloadStates = ['waiting', 'running', 'paused', 'checking', 'failed', 'done'] as const;

export const downloadSchema = z.object({
  id: z.string(),
  repo: z.string(),
  revision: z.string(),
  variant: z.string(),
  title: z.string(),
  state: z.enum(downloadStates),
  bytesDone: z.int(),
  bytesTotal: z.int(),
  /** Over the last seconds; 0 while nothing comes. */
  bytesPerSecond: z.number(),
  /** The file in work. */
  file: z.string().nullable(),
  /** Why it failed, or why it waits (offline, retry). */
  failure: failureSchema.nullable(),
  modelId: z.string().nullable(),
});
export type Download = z.infer<typeof downloadSchema>;

/** A well-known public repository, offered without searching. */
export const knownRepoSchema = z.object({
  repo: z.string(),
  title: z.string(),
  description: z.string(),
  family: z.enum(modelFamilies),
  license: z.string(),
  bytes: z.int(),
  memoryBytes: z.int(),
});
export type KnownRepo = z.infer<typeof knownRepoSchema>;

/** Every request the app made to the outside. */
export const networkEntrySchema = z.object({
  id: z.int(),
  at: z.number(),
  method: z.string(),
  /** Without secrets. */
  url: z.string(),
  why: z.string(),
  /** null while it goes on, or when it never had an answer. */
  status: z.int().nullable(),
  bytes: z.int(),
  ms: z.number().nullable(),
  /** Why it was not made or broke off. */
  problem: z.string().nullable(),
});
export type NetworkEntry = z.infer<typeof networkEntrySchema>;

/** A device as the panel shows it. */
export const deviceSchema = z.object({
  provider: z.enum(providerIds),
  /** Whether this platform can have it at all. */
  possible: z.boolean(),
  state: z.enum(['untested', 'works', 'slow', 'missing', 'failed']),
  code: z.string(),
  reason: z.string(),
  /** What to do; empty where nothing is to be done. */
  remedy: z.string(),
  /** e.g. the adapter's or the driver's name, where it can be told. */
  name: z.string().nullable(),
  /** Of the last self-test: milliseconds of a UNet call with the built-in model, median, for a batch of 1 and of 2. */
  unetMs: z.object({ one: z.number(), two: z.number() }).nullable(),
  /** Largest relative difference to the CPU in the self-test. */
  difference: z.number().nullable(),
  testedAt: z.number().nullable(),
});
export type Device = z.infer<typeof deviceSchema>;

/** The optional NVIDIA libraries of ONNX Runtime: an archive with two of them, and CUDA and cuDNN from the system. */
export const cudaPackSchema = z.object({
  state: z.enum(['not-possible', 'absent', 'installing', 'installed', 'broken']),
  version: z.string(),
  folder: z.string(),
  bytes: z.int(),
  /** Share of the installation done, 0..1. */
  progress: z.number(),
  /** The checks in order: driver, CUDA major, cuDNN, the files' version and hashes. */
  checks: z.array(findingSchema),
  /** One command that does the same from a terminal. */
  command: z.string(),
});
export type CudaPack = z.infer<typeof cudaPackSchema>;

/** `keep`: parts stay loaded; `release`: text encoders and VAE are released after use; `auto`: by free memory. */
export const memoryPolicies = ['auto', 'keep', 'release'] as const;

/** What a run will take, told before it starts. */
export const forecastSchema = z.object({
  needBytes: z.int(),
  freeBytes: z.int(),
  totalBytes: z.int(),
  policy: z.enum(['keep', 'release']),
  /** The VAE works in overlapping tiles. */
  tiledVae: z.boolean(),
  verdict: z.enum(['fits', 'tight', 'too-much']),
  parts: z.array(z.object({ part: z.string(), weightBytes: z.int(), workBytes: z.int() })),
});
export type Forecast = z.infer<typeof forecastSchema>;

/** A LoRA or an embedding in one of the folders that are looked through. */
export const adapterFileSchema = z.object({
  /** File name without its ending: how a prompt calls it. */
  name: z.string(),
  kind: z.enum(['lora', 'embedding']),
  path: z.string(),
  bytes: z.int(),
  family: z.enum(modelFamilies).nullable(),
  rank: z.int().nullable(),
  /** Words it was trained on, where its metadata tells. */
  triggers: z.array(z.string()),
  /** Why it cannot be used. */
  problem: failureSchema.nullable(),
});
export type AdapterFile = z.infer<typeof adapterFileSchema>;
