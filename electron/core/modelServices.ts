import { join } from 'node:path';
import { StopbathError } from '../../shared/errors.ts';
import type { Settings } from '../../shared/contract.ts';
import { createAdapters, type Adapters } from './adapters/adapters.ts';
import { createDevices, type Devices } from './devices/devices.ts';
import { createDownloads, type Downloads } from './downloads/downloads.ts';
import type { EngineHost } from './engineTask.ts';
import type { EventHub } from './events.ts';
import type { FileWriter } from './files.ts';
import type { AppPaths, Host } from './host.ts';
import { createHub } from './hub/hub.ts';
import type { ModelLibrary } from './models/libraryTypes.ts';
import { openModelLibrary } from './models/modelLibrary.ts';
import { ownModels } from './models/ownModels.ts';
import { placesFrom } from './network/allowedHosts.ts';
import { createNetwork, type Network } from './network/network.ts';
import type { Notices } from './notices.ts';
import { openSecret, type Secret } from './secret.ts';
import type { SettingsStore } from './settings.ts';

export interface ModelRooms {
  readonly models: ModelLibrary;
  readonly adapters: Adapters;
  readonly network: Network;
  readonly devices: Devices;
  readonly hubToken: Secret;
  readonly downloads: () => Downloads;
  /** Takes up unfinished downloads. */
  start(): Promise<void>;
  settingsChanged(before: Settings, now: Settings): void;
  close(): Promise<void>;
}

export interface ModelRoomsOptions {
  readonly host: Pick<Host, 'secrets' | 'send' | 'startEngine'>;
  readonly paths: AppPaths;
  readonly write: FileWriter;
  readonly events: EventHub;
  readonly notices: Notices;
  readonly settings: SettingsStore;
  readonly engine: EngineHost;
  readonly isInUse: (modelId: string) => boolean;
}

/** Puts together where models come from: the network, the hub, downloads, adapters and the library over them. */
export async function openModelRooms(options: ModelRoomsOptions): Promise<ModelRooms> {
  const { host, paths, write, events, notices, settings, engine } = options;
  const hubToken = await openSecret({ file: join(paths.data, 'hub-token.bin'), write, keeper: host.secrets });
  const places = placesFrom(process.env);
  const network = createNetwork({
    isOffline: () => settings.get().offline,
    hosts: places.hosts,
    onEntry: (entry) => events.emit('network', entry),
    ...(host.send === null ? {} : { send: host.send }),
  });
  const hub = createHub({ network, token: hubToken.get, endpoint: places.hub });
  const openDownloads = (): Downloads =>
    createDownloads({
      network,
      hub,
      folder: settings.get().modelsFolder ?? join(paths.data, 'models'),
      onChange: (download) => events.emit('download', download),
      onDone: ({ folder }) => models.addOwn(folder),
      onNotice: notices.add,
    });
  let downloads = openDownloads();
  const adapters = createAdapters({
    folders: () => [join(paths.data, 'loras'), join(paths.data, 'embeddings'), ...settings.get().adapterFolders],
    file: join(paths.data, 'adapters.json'),
    write,
    engine,
    onChange: (files) => events.emit('adapters', files),
  });
  const models = await openModelLibrary({
    ...{ starterFolder: paths.starterModel, dataFolder: paths.data, write, engine, settings: settings.get },
    own: ownModels(() => downloads),
    adapters: (request, model) => adapters.forRequest(request, model),
    isInUse: options.isInUse,
    onChange: (list) => events.emit('models', list),
    onReport: (report) => events.emit('doctor', report),
    onNotice: notices.add,
  });
  const devices = createDevices({
    startEngine: () => host.startEngine(join(paths.data, 'cache')),
    modelFolder: paths.starterModel,
    dataFolder: paths.data,
    door: network,
    write,
    onChange: (change) => events.emit('devices', change),
    onNotice: notices.add,
    onRuntimeChanged: () => engine.restart(),
  });
  const moveDownloads = async (): Promise<void> => {
    await downloads.close();
    downloads = openDownloads();
    await downloads.start();
    await models.adoptOwn();
  };
  return {
    ...{ models, adapters, network, devices, hubToken },
    downloads: () => downloads,
    start: () => downloads.start(),
    settingsChanged: (before, now) => {
      if (before.offline !== now.offline) network.offlineChanged();
      if (before.modelsFolder !== now.modelsFolder) void moveDownloads().catch((error: unknown) => notices.add(asFailure(error)));
      if (before.adapterFolders.join('\n') !== now.adapterFolders.join('\n')) void adapters.list().then((files) => events.emit('adapters', files));
    },
    close: async () => {
      await Promise.all([downloads.close(), devices.close()]);
      await adapters.close();
      await models.close();
    },
  };
}

function asFailure(error: unknown): StopbathError {
  if (error instanceof StopbathError) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new StopbathError({ code: 'FILE_ACCESS', message: 'The models folder cannot be used.', nextStep: 'Choose another one in the settings.', detail });
}
