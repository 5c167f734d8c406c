import { randomUUID } from 'node:crypto';
import { StopbathError, toFailure, type Failure } from '../../../shared/errors.ts';
import type { Download, Offer } from '../../../shared/models.ts';
import { createSerial } from '../files.ts';
import { toOffer, type Hub } from '../hub/hub.ts';
import type { Network } from '../network/network.ts';
import { newEntry, snapshot, type Entry } from './entry.ts';
import { openPart as openRealPart, type OpenPart } from './partFile.ts';
import { createThrottle } from './rate.ts';
import type { OwnModel } from './record.ts';
import { checkRoom, countHere, runDownload, type Fetching } from './runDownload.ts';
import { readState, writeState } from './stateFile.ts';
import { openStore, type Store } from './store.ts';
import { patientRetries, type RetryPolicy } from './transfer.ts';

export interface DownloadsOptions {
  readonly network: Network;
  readonly hub: Hub;
  /** The models folder: blobs, models and the list of downloads live in it. */
  readonly folder: string;
  readonly onChange: (download: Download) => void;
  /** A model is whole in its folder. @returns the id it has in the library; may be called again for a model it knows. */
  readonly onDone: (done: { readonly folder: string; readonly model: OwnModel }) => Promise<string | null>;
  readonly onNotice?: (failure: Failure) => void;
  /** Downloads and files of each that go on at once. */
  readonly atOnce?: { readonly downloads: number; readonly files: number };
  readonly retries?: RetryPolicy;
  /** Seams for a disk that is full. */
  readonly free?: () => Promise<number>;
  readonly openPart?: OpenPart;
}

export interface Downloads {
  /** What lies at an address of the hub, what of it is here, and the room there is. @throws as {@link Hub.look} */
  look(at: string): Promise<Offer>;
  /**
   * Takes a variant: begins, resumes, or finds it here already (`modelId`).
   * @throws StopbathError `DISK_FULL`, `INVALID_INPUT` (no such variant), and as {@link Hub.look}
   */
  add(source: { readonly repo: string; readonly revision: string }, variant: string): Promise<{ modelId: string | null; downloadId: string | null }>;
  list(): Download[];
  pause(id: string): Promise<void>;
  resume(id: string): Promise<void>;
  /** Deletes what was fetched, and takes an ended one from the list. */
  cancel(id: string): Promise<void>;
  /** Goes on with what the last run of the app left. */
  start(): Promise<void>;
  /** Nothing is written after it. */
  close(): Promise<void>;
  /** Removes a model that was downloaded; content that others use stays. @returns bytes that the disk got back */
  remove(modelFolder: string): Promise<number>;
  readonly store: Store;
}

/** Progress is told four times a second at most. */
const paceMs = 250;
/** Finished ones that stay in the list. */
const mostDone = 20;

export function createDownloads(options: DownloadsOptions): Downloads {
  const { network, hub, onChange, onDone, onNotice = () => undefined, atOnce = { downloads: 2, files: 2 } } = options;
  const store = openStore(options.folder);
  const free = options.free ?? (() => store.free());
  const entries: Entry[] = [];
  const throttles = new WeakMap<Entry, ReturnType<typeof createThrottle>>();
  const saveInTurn = createSerial();
  const addInTurn = createSerial();
  let isClosed = false;

  const tell = (entry: Entry, isNews: boolean): void => {
    let throttle = throttles.get(entry);
    if (throttle === undefined) throttles.set(entry, (throttle = createThrottle(paceMs, () => onChange(snapshot(entry)))));
    if (isNews) throttle.now();
    else throttle.soon();
  };
  /** The list on disk follows the one in memory; where it cannot, the person hears of it and the download goes on. */
  const save = (): Promise<void> => saveInTurn(() => writeState(store.stateFile, entries)).catch((error: unknown) => onNotice(toFailure(error)));
  const wanted = (): Set<string> => new Set(entries.filter(({ aim }) => aim !== 'done').flatMap(({ model }) => model.files.map(({ oid }) => oid)));
  const fetching: Fetching = {
    hub,
    store,
    free,
    openPart: options.openPart ?? openRealPart,
    retries: options.retries ?? patientRetries,
    filesAtOnce: atOnce.files,
    ongoing: new Map(),
    onChange: tell,
  };

  const run = async (entry: Entry, signal: AbortSignal): Promise<void> => {
    try {
      const folder = await runDownload(fetching, entry, signal);
      // Paused or cancelled while it was put together: nobody is told of it.
      if (signal.aborted) return;
      entry.modelId = await onDone({ folder, model: entry.model });
      entry.aim = 'done';
      forgetOldest(entries);
    } catch (error) {
      if (signal.aborted) return;
      entry.failure = toFailure(error);
      if (entry.failure.code === 'OFFLINE') entry.isHeld = true;
      else entry.aim = 'failed';
    }
  };
  const begin = (entry: Entry): void => {
    const controller = new AbortController();
    entry.failure = null;
    const ended = run(entry, controller.signal).then(async () => {
      entry.run = null;
      entry.isFinishing = false;
      if (isClosed) return;
      if (entries.includes(entry)) {
        await save();
        tell(entry, true);
      }
      pump();
    });
    entry.run = { controller, ended };
    tell(entry, true);
  };
  const pump = (): void => {
    if (isClosed) return;
    for (const entry of entries) {
      if (entries.filter((one) => one.run !== null).length >= atOnce.downloads) return;
      if (entry.aim === 'run' && entry.run === null && !entry.isHeld) begin(entry);
    }
  };
  const stop = async (entry: Entry): Promise<void> => {
    entry.run?.controller.abort(new DOMException('Stopped.', 'AbortError'));
    await entry.run?.ended;
    throttles.get(entry)?.cancel();
  };
  const forget = async (entry: Entry): Promise<void> => {
    if (entry.aim === 'run') entry.aim = 'pause';
    await stop(entry);
    entries.splice(entries.indexOf(entry), 1);
    await save();
  };
  const find = (id: string): Entry => {
    const entry = entries.find((one) => one.id === id);
    if (entry !== undefined) return entry;
    throw new StopbathError({ code: 'NOT_FOUND', message: 'There is no such download.', nextStep: 'Look at the list again.' });
  };
  const resume = async (entry: Entry): Promise<void> => {
    if (entry.aim === 'done') return;
    // A pause that is not through yet ends first.
    if (entry.aim !== 'run') await entry.run?.ended;
    entry.aim = 'run';
    entry.failure = null;
    entry.isHeld = false;
    await save();
    tell(entry, true);
    pump();
  };
  const stopListening = network.onBack(() => {
    for (const entry of entries) entry.isHeld = false;
    pump();
  });

  return {
    store,
    look: async (at) => {
      const seen = await hub.look(at);
      const sizes = await store.sizes();
      return toOffer(seen, (oid) => sizes.get(oid) ?? 0, await free());
    },
    add: ({ repo, revision }, variantId) => addInTurn(async () => {
      const model = await wantedModel(hub, repo, revision, variantId);
      const folder = store.folderOf(model);
      if (await store.isWhole(model)) return { modelId: await onDone({ folder, model }), downloadId: null };
      const same = entries.find((entry) => entry.aim !== 'done' && store.folderOf(entry.model) === folder);
      if (same !== undefined) {
        await resume(same);
        return { modelId: null, downloadId: same.id };
      }
      await checkRoom(fetching, model);
      const entry = newEntry(randomUUID(), model, 'run', null);
      await countHere(store, entry);
      entries.push(entry);
      await save();
      tell(entry, true);
      pump();
      return { modelId: null, downloadId: entry.id };
    }),
    list: () => entries.map(snapshot),
    pause: async (id) => {
      const entry = find(id);
      if (entry.aim !== 'run') return;
      entry.aim = 'pause';
      entry.failure = null;
      await stop(entry);
      await save();
      tell(entry, true);
    },
    resume: async (id) => await resume(find(id)),
    cancel: async (id) => {
      const entry = find(id);
      await forget(entry);
      const isMade = entry.aim !== 'done' && (await store.isWhole(entry.model));
      await (isMade ? store.remove(store.folderOf(entry.model), wanted()) : store.sweep(wanted()));
    },
    start: async () => {
      let isWhole = true;
      const left = await readState(store.stateFile, (damage) => {
        isWhole = false;
        onNotice(damage);
      });
      entries.push(...left);
      // Of a list that was damaged nobody knows whose the parts are: the next try finds them.
      if (isWhole) await store.sweep(wanted());
      for (const entry of entries) await countHere(store, entry);
      pump();
    },
    close: async () => {
      isClosed = true;
      stopListening();
      await Promise.all(entries.map(stop));
      await saveInTurn(() => Promise.resolve());
    },
    remove: async (modelFolder) => {
      // One that has not noticed yet, after a crash, that its model is whole would make it anew.
      for (const entry of entries.filter(({ model }) => store.folderOf(model) === modelFolder)) await forget(entry);
      return await store.remove(modelFolder, wanted());
    },
  };
}

async function wantedModel(hub: Hub, repo: string, revision: string, variantId: string): Promise<OwnModel> {
  const pointed = /^checkpoint:(.+)$/.exec(variantId)?.[1] ?? null;
  const seen = await hub.repository(repo, revision, pointed);
  const variant = seen.variants.find(({ id }) => id === variantId);
  if (variant === undefined) {
    throw new StopbathError({
      code: 'INVALID_INPUT',
      message: `variant: ${repo} has none that is called ${JSON.stringify(variantId.slice(0, 100))}.`,
      nextStep: 'Look at the model again and choose one of those it has.',
      field: 'variant',
    });
  }
  const files = variant.files.map(({ path, to, bytes, oid }) => ({ path, to, bytes, oid }));
  return { format: 1, repo, revision: seen.revision, variant: variantId, title: seen.title, license: seen.license, origin: variant.origin, files };
}

function forgetOldest(entries: Entry[]): void {
  const done = entries.filter(({ aim }) => aim === 'done');
  for (const entry of done.slice(0, Math.max(0, done.length - mostDone))) entries.splice(entries.indexOf(entry), 1);
}

