import type { Failure } from '../../../shared/errors.ts';
import type { Download } from '../../../shared/models.ts';
import type { HubFile } from '../hub/repository.ts';
import { createRate, type Rate } from './rate.ts';
import type { OwnModel } from './record.ts';
import type { Phase } from './transfer.ts';

/** A download in this run of the app. */
export interface Entry {
  readonly id: string;
  readonly model: OwnModel;
  /** What it is to do: `run` waits for its turn or runs. */
  aim: 'run' | 'pause' | 'failed' | 'done';
  /** Why it failed or why it waits. */
  failure: Failure | null;
  modelId: string | null;
  /** Set while it runs. */
  run: { readonly controller: AbortController; readonly ended: Promise<void> } | null;
  /** It waits until the app may go online again. */
  isHeld: boolean;
  /** All files are here: they are being put together. */
  isFinishing: boolean;
  readonly phases: Map<HubFile, { phase: Phase; failure: Failure | null }>;
  /** Bytes that are here, by content. */
  readonly here: Map<string, number>;
  readonly rate: Rate;
}

export function newEntry(id: string, model: OwnModel, aim: Entry['aim'], failure: Failure | null): Entry {
  return {
    id,
    model,
    aim,
    failure,
    modelId: null,
    run: null,
    isHeld: false,
    isFinishing: false,
    phases: new Map(),
    here: new Map(),
    rate: createRate(),
  };
}

/** Each content once: it is fetched once however often the model has it. The small ones first. */
export function contents(model: OwnModel): OwnModel['files'] {
  const unique = new Map(model.files.map((file) => [file.oid, file]));
  return [...unique.values()].sort((a, b) => a.bytes - b.bytes);
}

export function bytesHere({ here, model }: Entry): number {
  return model.files.reduce((sum, { oid, bytes }) => sum + Math.min(here.get(oid) ?? 0, bytes), 0);
}

/** What the interface sees. */
export function snapshot(entry: Entry): Download {
  const { id, model, failure, modelId, phases } = entry;
  const active = [...phases.values()];
  const waiting = active.length > 0 && active.every(({ phase }) => phase === 'waiting') ? active[0] : undefined;
  const [file] = [...phases.keys()].sort((a, b) => b.bytes - a.bytes);
  return {
    id,
    repo: model.repo,
    revision: model.revision,
    variant: model.variant,
    title: model.title,
    state: stateOf(entry, active.map(({ phase }) => phase)),
    bytesDone: bytesHere(entry),
    bytesTotal: model.files.reduce((sum, { bytes }) => sum + bytes, 0),
    bytesPerSecond: entry.run === null ? 0 : Math.round(entry.rate.perSecond()),
    file: file?.path ?? null,
    failure: waiting?.failure ?? failure,
    modelId,
  };
}

function stateOf({ aim, run, isFinishing }: Entry, phases: readonly Phase[]): Download['state'] {
  if (aim === 'pause') return 'paused';
  if (aim !== 'run') return aim;
  if (run === null) return 'waiting';
  if (isFinishing) return 'checking';
  const all = (phase: Phase): boolean => phases.length > 0 && phases.every((one) => one === phase);
  return all('waiting') ? 'waiting' : all('checking') ? 'checking' : 'running';
}
