import { mkdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { StopbathError, toFailure } from '../../shared/errors.ts';
import { isEnded } from '../../shared/job.ts';
import { withoutLoraTags } from '../../shared/loraTags.ts';
import type { Handlers } from '../../shared/rpc.ts';
import { deviceHandlers } from './deviceHandlers.ts';
import { createEngineHost } from './engineHost.ts';
import type { EngineHost, EngineHostOptions } from './engineTask.ts';
import { createEventHub, type EventHub } from './events.ts';
import { createFetchUi, type FetchUi } from './fetchUi.ts';
import { createInputs, type Inputs } from './inputs.ts';
import { saveFailure, sweepTemporary, writeFileAtomic, type FileWriter } from './files.ts';
import { withFolders } from './folderSettings.ts';
import type { AppPaths, Host } from './host.ts';
import { createJobs, limitBytes, type Jobs } from './jobs.ts';
import { openLibrary, type Library } from './library.ts';
import { modelHandlers } from './modelHandlers.ts';
import { openModelRooms, type ModelRooms } from './modelServices.ts';
import { createNotices, type Notices } from './notices.ts';
import { createPreviews } from './previews.ts';
import { createQueueFile } from './queueFile.ts';
import { createRuns } from './runs/runStore.ts';
import { openSettings, type SettingsStore } from './settings.ts';
import { appVersion } from './version.ts';

export interface AppOptions {
  readonly host: Host;
  readonly paths: AppPaths;
  readonly write?: FileWriter;
  readonly engine?: Pick<EngineHostOptions, 'stopPatienceMs' | 'startPatienceMs' | 'countPatienceMs' | 'backOffMs'>;
}

/** The whole app but for its surroundings: a host connects `handlers` and `events` to pages, and serves `fetchUi`. */
export interface App {
  readonly handlers: Handlers;
  readonly events: EventHub;
  readonly fetchUi: FetchUi;
  /** Ends the engine and leaves the queue for the next start. */
  close(): Promise<void>;
}

/** Puts the services together. @throws StopbathError when the data folder or the built-in model cannot be used. */
export async function openApp(options: AppOptions): Promise<App> {
  const { host, paths, write = writeFileAtomic } = options;
  try {
    await mkdir(paths.data, { recursive: true });
  } catch (error) {
    throw saveFailure(error, `The data folder ${paths.data}`);
  }
  await Promise.all(['', 'pictures', 'trash', 'inputs'].map((name) => sweepTemporary(join(paths.data, name))));
  const events = createEventHub();
  const notices = createNotices(events);
  const settings = await openSettings({
    file: join(paths.data, 'settings.json'),
    write,
    onChange: (value, before) => {
      events.emit('settings', value);
      void runs.trim();
      rooms.settingsChanged(before, value);
    },
    onNotice: notices.add,
  });
  const runs = createRuns({
    folder: join(paths.data, 'runs'),
    limitBytes: () => limitBytes(settings.get()),
    onNotice: notices.add,
  });
  const library = openLibrary({
    folder: paths.data,
    version: appVersion,
    write,
    onChange: (change) => events.emit('library', change),
  });
  const engine = createEngineHost({
    ...options.engine,
    start: () => host.startEngine(join(paths.data, 'cache')),
    onStatus: (status) => events.emit('engine', status),
  });
  const rooms = await openModelRooms({
    ...{ host, paths, write, events, notices, settings, engine },
    isInUse: (modelId) => jobs.list().some(({ state, request }) => !isEnded(state) && request.modelId === modelId),
  });
  const { models } = rooms;
  const previews = createPreviews(runs);
  const inputs = createInputs({ folder: join(paths.data, 'inputs'), write });
  const jobs = createJobs({
    engine,
    inputs,
    library,
    models,
    previews,
    runs,
    queueFile: createQueueFile(join(paths.data, 'queue.json'), write, notices.add),
    settings: settings.get,
    onEvent: (event) => events.emit('job', event),
    onNotice: notices.add,
  });
  let closed: Promise<void> | null = null;
  engine.warmUp();
  await jobs.start();
  void rooms.start().catch((error: unknown) => notices.add(toFailure(error)));
  // Nobody waits for it; a library that cannot be read deletes nothing.
  void jobs.clearGone().then(() => cleanInputs({ inputs, jobs, library, settings })).catch(() => undefined);
  return {
    events,
    handlers: createHandlers({ host, engine, inputs, jobs, library, rooms, notices, settings }),
    fetchUi: createFetchUi({ folder: paths.ui, inputs, library, previews }),
    close: () => (closed ??= Promise.all([jobs.close(), rooms.close()]).then(() => undefined)),
  };
}

interface Services {
  readonly host: Host;
  readonly engine: EngineHost;
  readonly inputs: Inputs;
  readonly jobs: Jobs;
  readonly library: Library;
  readonly rooms: ModelRooms;
  readonly notices: Notices;
  readonly settings: SettingsStore;
}

/** Ids that the form remembers count as named, wherever in it they stand. */
async function cleanInputs({ inputs, jobs, library, settings }: Pick<Services, 'inputs' | 'jobs' | 'library' | 'settings'>): Promise<void> {
  const inForm = JSON.stringify(settings.get()).match(/[0-9a-f]{64}/g) ?? [];
  await inputs.clean(new Set([...(await library.inputIds()), ...jobs.inputIds(), ...inForm]));
}

function createHandlers({ host, engine, inputs, jobs, library, rooms, notices, settings }: Services): Handlers {
  const { reveal, pickSavePath } = host;
  return {
    'app.info': () => ({
      version: appVersion,
      host: host.kind,
      platform: host.platform,
      canReveal: reveal !== null,
      notices: notices.list(),
    }),
    ...modelHandlers({ host, engine, ...rooms }),
    ...deviceHandlers(rooms.devices),
    'settings.get': () => settings.get(),
    'settings.set': async (change) => await settings.set(await withFolders(change, { home: homedir(), platform: host.platform })),
    'jobs.list': () => jobs.list(),
    'jobs.submit': (input) => jobs.submit(input),
    'jobs.stop': ({ jobId }) => {
      jobs.stop(jobId);
      return {};
    },
    'jobs.steer': ({ jobId, steering }) => {
      jobs.steer(jobId, steering);
      return {};
    },
    'jobs.pause': ({ jobId }) => {
      jobs.pause(jobId);
      return {};
    },
    'jobs.resume': ({ jobId, steps }) => {
      jobs.resume(jobId, steps);
      return {};
    },
    'jobs.breakpoints': ({ jobId, breakpoints }) => {
      jobs.breakpoints(jobId, breakpoints);
      return {};
    },
    'jobs.fork': (input) => jobs.fork(input),
    'jobs.continue': async ({ jobId }) => {
      await jobs.continue(jobId);
      return {};
    },
    'jobs.frames': ({ jobId }) => jobs.frames(jobId),
    'jobs.keep': async ({ jobId }) => ({ pictures: await jobs.keep(jobId) }),
    'jobs.remove': async ({ jobId }) => {
      await jobs.remove(jobId);
      return {};
    },
    'prompts.count': async ({ modelId, texts, syntax }) => {
      const modelFolder = rooms.models.get(modelId).folder;
      const counted = syntax === 'plain' ? texts : texts.map(withoutLoraTags);
      return { counts: [...(await engine.countTokens({ modelFolder, texts: counted, syntax }))] };
    },
    'callbacks.check': ({ source }) => engine.checkCallback(source),
    'inputs.fromPicture': async ({ id }) => await inputs.add(await readPicture(await library.path(id))),
    'engine.status': () => engine.status(),
    'library.list': (page) => library.list(page),
    'library.remove': async ({ id }) => {
      await library.remove(id);
      return {};
    },
    'library.restore': ({ id }) => library.restore(id),
    'library.reveal': async ({ id }) => {
      if (reveal === null) throw notHere('Pictures cannot be shown in their folder from here.');
      reveal(await library.path(id));
      return {};
    },
    'library.saveAs': async ({ id }) => {
      if (pickSavePath === null) throw notHere('Download the picture instead.');
      const path = await library.path(id);
      const target = await pickSavePath(path);
      if (target === null) return { saved: false };
      await library.copyTo(id, target);
      return { saved: true };
    },
  };
}

async function readPicture(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new StopbathError(
      { code: 'FILE_ACCESS', message: 'The picture could not be read.', nextStep: 'Look whether its file is still there.', detail },
      { cause: error },
    );
  }
}

function notHere(message: string): StopbathError {
  return new StopbathError({ code: 'INVALID_INPUT', message });
}
