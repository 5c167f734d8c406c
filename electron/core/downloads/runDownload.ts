import { StopbathError } from '../../../shared/errors.ts';
import type { Hub } from '../hub/hub.ts';
import type { HubFile } from '../hub/repository.ts';
import { bytesHere, contents, type Entry } from './entry.ts';
import type { OpenPart } from './partFile.ts';
import type { OwnModel } from './record.ts';
import type { Store } from './store.ts';
import { fetchWhole, type RetryPolicy } from './transfer.ts';

export interface Fetching {
  readonly hub: Hub;
  readonly store: Store;
  readonly free: () => Promise<number>;
  readonly openPart: OpenPart;
  readonly retries: RetryPolicy;
  readonly filesAtOnce: number;
  /** Contents that are being fetched, whoever asked first: two downloads never write one part. */
  readonly ongoing: Map<string, Promise<unknown>>;
  onChange(entry: Entry, isNews: boolean): void;
}

/** Fetches what is missing of a model and puts it together. @returns its folder */
export async function runDownload(fetching: Fetching, entry: Entry, signal: AbortSignal): Promise<string> {
  const { store, filesAtOnce } = fetching;
  await countHere(store, entry);
  await checkRoom(fetching, entry.model);
  const queue = contents(entry.model);
  const inner = new AbortController();
  const both = AbortSignal.any([signal, inner.signal]);
  const work = async (): Promise<void> => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) await fetchContent(fetching, entry, file, both);
  };
  await Promise.all(
    Array.from({ length: filesAtOnce }, () =>
      work().catch((error: unknown) => {
        // The others stop with it; what they have is kept.
        if (!inner.signal.aborted) inner.abort(error);
      }),
    ),
  );
  entry.phases.clear();
  if (inner.signal.aborted && !signal.aborted) throw inner.signal.reason;
  signal.throwIfAborted();
  entry.isFinishing = true;
  fetching.onChange(entry, true);
  return await store.assemble(entry.model);
}

export async function countHere(store: Store, entry: Entry): Promise<void> {
  const sizes = await store.sizes();
  for (const { oid } of entry.model.files) entry.here.set(oid, sizes.get(oid) ?? 0);
  entry.rate.reset();
  entry.rate.saw(bytesHere(entry));
}

/** What a computer needs to go on living: not filled to the last byte. */
const spareBytes = 64 * 2 ** 20;

/** @throws StopbathError `DISK_FULL` when what is missing has no room */
export async function checkRoom({ store, free }: Pick<Fetching, 'store' | 'free'>, model: OwnModel): Promise<void> {
  const sizes = await store.sizes();
  const missing = contents(model).reduce((sum, { oid, bytes }) => sum + Math.max(0, bytes - (sizes.get(oid) ?? 0)), 0);
  if (missing === 0) return;
  const room = await free();
  if (room >= missing + spareBytes) return;
  throw new StopbathError({
    code: 'DISK_FULL',
    message: `${model.title} needs ${inWords(missing)} more on the disk, and ${inWords(room)} are free.`,
    nextStep: 'Free some space, or choose another folder for models in the settings.',
  });
}

const inWords = (bytes: number): string => (bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.ceil(bytes / 1e6)} MB`);

async function fetchContent(fetching: Fetching, entry: Entry, file: HubFile, signal: AbortSignal): Promise<void> {
  const { store, ongoing } = fetching;
  for (;;) {
    if (await store.has(file)) {
      entry.here.set(file.oid, file.bytes);
      fetching.onChange(entry, false);
      return;
    }
    const other = ongoing.get(file.oid);
    if (other === undefined) break;
    await settled(other, signal);
  }
  signal.throwIfAborted();
  const mine = fetchToStore(fetching, entry, file, signal);
  ongoing.set(file.oid, mine);
  try {
    await mine;
  } finally {
    ongoing.delete(file.oid);
    entry.phases.delete(file);
  }
}

/** However it ends; or the signal's reason. */
async function settled(other: Promise<unknown>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let stop = (): void => undefined;
  const aborted = new Promise<void>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    await Promise.race([other.then(() => undefined, () => undefined), aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function fetchToStore({ hub, store, openPart, retries, onChange }: Fetching, entry: Entry, file: HubFile, signal: AbortSignal): Promise<void> {
  const { repo, revision } = entry.model;
  await fetchWhole({
    hub,
    repo,
    revision,
    file,
    part: store.partOf(file),
    openPart,
    retries,
    signal,
    onBytes: (bytes) => {
      entry.here.set(file.oid, bytes);
      entry.rate.saw(bytesHere(entry));
      onChange(entry, false);
    },
    onPhase: (phase, failure) => {
      const news = entry.phases.get(file)?.phase !== phase;
      entry.phases.set(file, { phase, failure });
      onChange(entry, news && phase === 'waiting');
    },
  });
  await store.keep(file);
}
