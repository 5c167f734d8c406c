import { z } from 'zod';
import { generationRequestSchema, inputImageSchema, maxCallbackLength, promptSyntaxes, providerIds, steeringEntrySchema } from './generation.ts';
import { breakpointSchema, failureSchema, jobEventSchema, jobSnapshotSchema, pictureSchema, steeringSchema, tokenCountSchema } from './job.ts';
import {
  adapterFileSchema,
  cudaPackSchema,
  deviceSchema,
  doctorReportSchema,
  downloadSchema,
  forecastSchema,
  knownRepoSchema,
  memoryPolicies,
  modelFamilies,
  modelSchema,
  networkEntrySchema,
  offerSchema,
  placements,
  predictionTypes,
} from './models.ts';

export const engineStates = ['stopped', 'starting', 'ready', 'loading', 'running', 'stopping', 'crashed'] as const;

/** A rung of the provider ladder and why it was, or was not, taken. */
export const providerRungSchema = z.object({
  provider: z.enum(providerIds),
  taken: z.boolean(),
  code: z.string(),
  reason: z.string(),
  /** What to do; empty where nothing is to be done. */
  remedy: z.string().optional(),
  /** The one part of the model that this is about and that runs on the CPU instead, e.g. `vae_decoder`; absent: the whole model. */
  part: z.string().optional(),
});

export const engineStatusSchema = z.object({
  state: z.enum(engineStates),
  /** Counts engine processes; answers of an older generation are dropped. */
  generation: z.int(),
  provider: z.enum(providerIds).nullable(),
  rungs: z.array(providerRungSchema),
  failure: failureSchema.nullable(),
});
export type EngineStatus = z.infer<typeof engineStatusSchema>;

export const themes = ['system', 'light', 'dark'] as const;
export const languages = ['system', 'en', 'zh-CN'] as const;
/** `auto`: through the decoder where a step's pace leaves the time for it, else linear. */
export const previewModes = ['auto', 'linear', 'decoder', 'off'] as const;

export const settingsSchema = z.object({
  theme: z.enum(themes),
  language: z.enum(languages),
  previewMode: z.enum(previewModes),
  /** Least wall time of a step, so that a fast model can be watched. */
  paceMs: z.number().min(0).max(10_000),
  provider: z.enum(['auto', ...providerIds]),
  /** Disk that the checkpoints of all runs may take, in MiB; the oldest runs lose theirs first. */
  runsLimitMiB: z.int().min(16).max(1_000_000),
  /** No request leaves the machine. */
  offline: z.boolean(),
  memoryPolicy: z.enum(memoryPolicies),
  /** Where downloads go; null: the app's data folder. */
  modelsFolder: z.string().max(4096).nullable(),
  /** Folders that are looked through for LoRAs and embeddings, also those of other tools; nothing is copied. */
  adapterFolders: z.array(z.string().max(4096)).max(32),
  /** The form as it was left: any JSON the interface wants back after a restart. */
  form: z.record(z.string(), z.json()).nullable(),
});
export type Settings = z.infer<typeof settingsSchema>;

export const defaultSettings: Settings = {
  theme: 'system',
  language: 'system',
  previewMode: 'auto',
  paceMs: 120,
  provider: 'auto',
  runsLimitMiB: 2048,
  offline: false,
  memoryPolicy: 'auto',
  modelsFolder: null,
  adapterFolders: [],
  form: null,
};

const none = z.object({});
const job = z.object({ jobId: z.string() });
const pictureId = z.object({ id: z.string() });

/** Every call of the interface: name -> input and output. Core checks the input again; the interface checks nothing it gets. */
export const calls = {
  'app.info': {
    input: none,
    output: z.object({
      version: z.string(),
      host: z.enum(['electron', 'web']),
      platform: z.string(),
      /** False where the surroundings cannot show a file in its folder. */
      canReveal: z.boolean(),
      /** Notices that arose before a window was there, e.g. a settings file that had to be set aside. */
      notices: z.array(failureSchema),
    }),
  },
  'models.list': { input: none, output: z.array(modelSchema) },
  /** What lies at a hub repository (`owner/name`, an address of the hub, `@revision`) or at a path of this machine. Nothing large is fetched. */
  'models.look': { input: z.object({ at: z.string().min(1).max(4096) }), output: offerSchema },
  /**
   * Takes a variant of an offer: a hub's is downloaded, a path's is used where it lies. Refused with `NO_PLACE` where neither the app's folder
   * nor the checkpoint's own takes its graphs; `placement: 'copy'`, only for a checkpoint at a path, takes it nevertheless.
   */
  'models.add': {
    input: z.object({ source: offerSchema.shape.source, variant: z.string(), placement: z.enum(placements).optional() }),
    output: z.object({ modelId: z.string().nullable(), downloadId: z.string().nullable() }),
  },
  /** Electron: asks for a file or a folder. Web: not offered, a path is typed. */
  'models.pick': { input: z.object({ kind: z.enum(['file', 'folder']) }), output: z.object({ path: z.string().nullable() }) },
  'models.known': { input: none, output: z.array(knownRepoSchema) },
  /** What a file does not tell. */
  'models.edit': {
    input: z.object({
      id: z.string(),
      name: z.string().min(1).max(200).optional(),
      family: z.enum(modelFamilies).optional(),
      predictionType: z.enum(predictionTypes).optional(),
      isInpaint: z.boolean().optional(),
      /** Of a checkpoint; refused while a run uses it. */
      placement: z.enum(placements).optional(),
    }),
    output: modelSchema,
  },
  /** Deletes the app's own download; of any other model only the entry. Refused while a run uses it. */
  'models.remove': { input: z.object({ id: z.string() }), output: z.object({ freedBytes: z.int() }) },
  /** The last report; `again` examines now, which loads the model. */
  'models.doctor': { input: z.object({ id: z.string(), again: z.boolean() }), output: doctorReportSchema.nullable() },
  'downloads.list': { input: none, output: z.array(downloadSchema) },
  'downloads.pause': { input: z.object({ id: z.string() }), output: none },
  'downloads.resume': { input: z.object({ id: z.string() }), output: none },
  /** Deletes what was fetched. */
  'downloads.cancel': { input: z.object({ id: z.string() }), output: none },
  /** `isSafe`: the system keeps it encrypted; else it lives until the app ends. null forgets it. */
  'hub.setToken': { input: z.object({ token: z.string().max(500).nullable() }), output: none },
  'hub.token': { input: none, output: z.object({ isSet: z.boolean(), isSafe: z.boolean() }) },
  'network.log': { input: none, output: z.array(networkEntrySchema) },
  'devices.list': { input: none, output: z.array(deviceSchema) },
  /** Runs the built-in model's UNet on it in a process of its own; takes seconds. */
  'devices.test': { input: z.object({ provider: z.enum(providerIds) }), output: deviceSchema },
  'devices.cudaPack': { input: none, output: cudaPackSchema },
  'devices.installCudaPack': { input: none, output: none },
  'devices.removeCudaPack': { input: none, output: none },
  'memory.forecast': { input: z.object({ request: generationRequestSchema }), output: forecastSchema },
  'adapters.list': { input: none, output: z.array(adapterFileSchema) },
  'settings.get': { input: none, output: settingsSchema },
  'settings.set': { input: settingsSchema.partial(), output: settingsSchema },
  'jobs.list': { input: none, output: z.array(jobSnapshotSchema) },
  /** `count` pictures: one job each, seeds counting up from the request's. */
  'jobs.submit': {
    input: z.object({ request: generationRequestSchema, count: z.int().min(1).max(64) }),
    output: z.object({ jobIds: z.array(z.string()) }),
  },
  /** Returns at once. A second stop of the same job, or no answer in 2 s, replaces the engine process. */
  'jobs.stop': { input: job, output: none },
  'jobs.steer': { input: job.extend({ steering: steeringSchema }), output: none },
  'jobs.pause': { input: job, output: none },
  'jobs.resume': { input: job.extend({ steps: z.union([z.literal('all'), z.literal(1)]) }), output: none },
  /** Replaces those of the job; they are kept with it, and are no part of the picture. */
  'jobs.breakpoints': { input: job.extend({ breakpoints: z.array(breakpointSchema).max(64) }), output: none },
  /**
   * A new run beside its parent, from the end of that step (0-based) of any run whose checkpoint is kept, changed by
   * `steering` from the next step on; `{}`: the same again, bit for bit. It is put at the head of the queue.
   * `ahead`: the steering of later steps, in place of what the parent has there.
   */
  'jobs.fork': {
    input: job.extend({ stepIndex: z.int().min(0), steering: steeringSchema, ahead: z.array(steeringEntrySchema).max(1000).optional() }),
    output: z.object({ jobId: z.string() }),
  },
  /** A stopped or failed run goes on as itself. */
  'jobs.continue': { input: job, output: none },
  /** The steps of a run that can be gone back to. */
  'jobs.frames': {
    input: job,
    output: z.object({ frames: z.array(z.object({ stepIndex: z.int(), bytes: z.int() })), bytesOfAllRuns: z.int(), limitBytes: z.int() }),
  },
  /** Reads a callback's source as a run would, its top level included. `line` and `column` count from 1. */
  'callbacks.check': {
    input: z.object({ source: z.string().max(maxCallbackLength) }),
    output: z.discriminatedUnion('ok', [
      z.object({ ok: z.literal(true), tensorInputs: z.array(z.string()) }),
      z.object({ ok: z.literal(false), line: z.int().min(1), column: z.int().min(1), message: z.string() }),
    ]),
  },
  /** Decodes and saves the clean estimates of a stopped or failed job. */
  'jobs.keep': { input: job, output: z.object({ pictures: z.array(pictureSchema) }) },
  /** Takes a queued job out, or clears an ended one from the list. */
  'jobs.remove': { input: job, output: none },
  /** How the model's tokenizer sees texts. */
  'prompts.count': {
    input: z.object({ modelId: z.string(), texts: z.array(z.string().max(100_000)).max(8), syntax: z.enum(promptSyntaxes) }),
    output: z.object({ counts: z.array(tokenCountSchema) }),
  },
  /** A library picture as the start of another run. New pictures are sent by `POST /inputs`, see core/fetchUi.ts. */
  'inputs.fromPicture': { input: pictureId, output: inputImageSchema },
  'engine.status': { input: none, output: engineStatusSchema },
  'library.list': {
    input: z.object({ before: z.string().nullable(), limit: z.int().min(1).max(500) }),
    /** Newest first; `next` is the `before` of the following page. */
    output: z.object({ pictures: z.array(pictureSchema), next: z.string().nullable(), total: z.int() }),
  },
  'library.remove': { input: pictureId, output: none },
  /** Undo of `library.remove`, until the app ends. */
  'library.restore': { input: pictureId, output: pictureSchema },
  'library.reveal': { input: pictureId, output: none },
  /** Electron: asks where and copies. Web: not offered, the page downloads `url`. `saved` is false when the user cancelled. */
  'library.saveAs': { input: pictureId, output: z.object({ saved: z.boolean() }) },
} as const;

export type Calls = typeof calls;
export type CallName = keyof Calls;
export type CallInput<N extends CallName> = z.input<Calls[N]['input']>;
export type CallOutput<N extends CallName> = z.output<Calls[N]['output']>;

/** Everything core announces by itself. */
export const events = {
  job: jobEventSchema,
  engine: engineStatusSchema,
  settings: settingsSchema,
  models: z.array(modelSchema),
  download: downloadSchema,
  network: networkEntrySchema,
  /** A self-test ended, the pack changed. */
  devices: z.object({ devices: z.array(deviceSchema), cudaPack: cudaPackSchema }),
  doctor: doctorReportSchema,
  adapters: z.array(adapterFileSchema),
  library: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('added'), picture: pictureSchema }),
    z.object({ kind: z.literal('removed'), id: z.string() }),
  ]),
  /** A menu entry or another window asks the interface to do a command (shared/commands.ts). */
  command: z.object({ command: z.string() }),
  /** Something a person should know that belongs to no job. */
  notice: failureSchema,
} as const;

export type Events = typeof events;
export type EventName = keyof Events;
export type EventValue<N extends EventName> = z.output<Events[N]>;
