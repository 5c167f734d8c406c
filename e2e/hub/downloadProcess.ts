import { createDownloads } from '../../electron/core/downloads/downloads.ts';
import { createHub } from '../../electron/core/hub/hub.ts';
import { placesFrom } from '../../electron/core/network/allowedHosts.ts';
import { createNetwork } from '../../electron/core/network/network.ts';

/**
 * The app's own network, hub and downloads with nothing around them, to be killed: goes on with what the folder has, or
 * takes the first variant of a repository, and ends when the model is whole. Says what happens, a line of JSON each.
 *
 *     node e2e/hub/downloadProcess.ts <folder> <owner/name>       (STOPBATH_HUB, STOPBATH_HUB_HOSTS)
 */
const [folder = '', repo = ''] = process.argv.slice(2);
const say = (line: Readonly<Record<string, unknown>>): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

const places = placesFrom(process.env);
const network = createNetwork({ isOffline: () => false, hosts: places.hosts });
const hub = createHub({ network, token: () => null, endpoint: places.hub });
let peak = 0;
const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 50);

const downloads = createDownloads({
  network,
  hub,
  folder,
  retries: { attempts: 30, firstMs: 10, longestMs: 50 },
  onChange: ({ state, bytesDone, bytesTotal, bytesPerSecond, failure }) => {
    say({ state, bytesDone, isAllHere: bytesDone === bytesTotal, bytesPerSecond, failure: failure?.message ?? null });
    if (state === 'failed') process.exit(3);
  },
  onDone: ({ folder: model }) => {
    clearInterval(watch);
    say({ model, peakMiB: Math.round(Math.max(peak, process.memoryUsage.rss()) / 2 ** 20) });
    setImmediate(() => process.exit(0));
    return Promise.resolve('model');
  },
});
say({ began: process.pid });
await downloads.start();
if (downloads.list().length === 0) {
  const offer = await downloads.look(repo);
  if (offer.source.kind === 'hub') {
    const { modelId } = await downloads.add(offer.source, offer.variants[0]?.id ?? '');
    say({ here: modelId });
  }
}
