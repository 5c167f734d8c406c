import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDownloads, type Downloads, type DownloadsOptions } from '../../electron/core/downloads/downloads.ts';
import type { OwnModel } from '../../electron/core/downloads/record.ts';
import { createHub, type Hub } from '../../electron/core/hub/hub.ts';
import { placesFrom } from '../../electron/core/network/allowedHosts.ts';
import { createNetwork, type Network, type NetworkOptions } from '../../electron/core/network/network.ts';
import type { Failure } from '../../shared/errors.ts';
import type { Download } from '../../shared/models.ts';
import type { Content } from './content.ts';
import { startHub, type TestHub } from './server.ts';

/** The real network, hub and downloads over a test hub and a folder of their own. */
export interface Rig {
  readonly server: TestHub;
  readonly folder: string;
  readonly network: Network;
  readonly hub: Hub;
  readonly downloads: Downloads;
  readonly done: { folder: string; model: OwnModel }[];
  readonly told: Download[];
  readonly notices: Failure[];
  offline: boolean;
  token: string | null;
  /** Waits until the download is in one of the states. */
  until(id: string, ...states: Download['state'][]): Promise<Download>;
  /** Another start of the app on the same folder. */
  restart(): Promise<Rig>;
  close(): Promise<void>;
}

export interface RigOptions {
  readonly network?: Partial<NetworkOptions>;
  readonly downloads?: Partial<DownloadsOptions>;
}

export async function createRig(options: RigOptions = {}, before?: { server: TestHub; folder: string }): Promise<Rig> {
  const server = before?.server ?? (await startHub());
  const folder = before?.folder ?? (await mkdtemp(join(tmpdir(), 'stopbath-hub-')));
  const places = placesFrom({ STOPBATH_HUB: server.url, STOPBATH_HUB_HOSTS: server.cdnHost });
  const done: Rig['done'] = [];
  const told: Download[] = [];
  const notices: Failure[] = [];
  const watchers = new Set<() => void>();
  const network = createNetwork({ isOffline: () => rig.offline, hosts: places.hosts, stallMs: 400, ...options.network });
  const hub = createHub({ network, token: () => rig.token, endpoint: places.hub });
  const downloads = createDownloads({
    network,
    hub,
    folder,
    onChange: (download) => {
      told.push(download);
      for (const look of [...watchers]) look();
    },
    onDone: (finished) => {
      done.push(finished);
      return Promise.resolve(`model-${done.length}`);
    },
    onNotice: (failure) => notices.push(failure),
    retries: { attempts: 4, firstMs: 5, longestMs: 20 },
    ...options.downloads,
  });
  const rig: Rig = {
    server,
    folder,
    network,
    hub,
    downloads,
    done,
    told,
    notices,
    offline: false,
    token: null,
    until: (id, ...states) =>
      new Promise((resolve, reject) => {
        const fail = setTimeout(() => reject(new Error(`${states.join('/')} not reached: ${JSON.stringify(downloads.list())}`)), 50_000);
        const look = (): void => {
          const now = downloads.list().find((one) => one.id === id);
          if (now === undefined || !states.includes(now.state)) return;
          clearTimeout(fail);
          clearInterval(poll);
          watchers.delete(look);
          resolve(now);
        };
        const poll = setInterval(look, 20);
        watchers.add(look);
        look();
      }),
    restart: async () => {
      await downloads.close();
      const next = await createRig(options, { server, folder });
      next.token = rig.token;
      next.offline = rig.offline;
      return next;
    },
    close: async () => {
      await downloads.close();
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return rig;
}

/** Looks, takes the first or the named variant, and gives the download's id. */
export async function take(rig: Rig, at: string, variant?: string): Promise<string> {
  const offer = await rig.downloads.look(at);
  const chosen = variant ?? offer.variants[0]?.id ?? '';
  if (offer.source.kind !== 'hub') throw new Error('no address of the hub');
  const { downloadId } = await rig.downloads.add(offer.source, chosen);
  if (downloadId === null) throw new Error('it is here already');
  return downloadId;
}

/** Why a folder is not exactly those contents; null when it is. `files`: path in the folder -> content. */
export async function differs(folder: string, files: Readonly<Record<string, Content>>): Promise<string | null> {
  const there = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1).replaceAll('\\', '/'))
    .filter((path) => path !== 'stopbath.json');
  const missing = Object.keys(files).filter((path) => !there.includes(path));
  if (missing.length > 0) return `missing: ${missing.join(', ')}`;
  const more = there.filter((path) => !(path in files));
  if (more.length > 0) return `too many: ${more.join(', ')}`;
  for (const [path, content] of Object.entries(files)) {
    const bytes = await readFile(join(folder, path));
    if (!bytes.equals(content.read(0, content.bytes))) return `${path} has other bytes`;
  }
  return null;
}
