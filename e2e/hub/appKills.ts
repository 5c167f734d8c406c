import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseGenerationRequest } from '../../shared/generation.ts';
import { FaultApp, pixelHash, sleep } from '../faults/faultApp.ts';
import { createRandom } from '../faults/random.ts';
import { contentOf } from './content.ts';
import { inspect } from './inspect.ts';
import { filesOf, startHub } from './server.ts';

/**
 * From a name to a picture, with the whole app killed (SIGKILL) in between: the built-in model lies on a test hub as a
 * repository; the app takes it by its name, is killed at random moments of the download and started again until the model
 * is there, and draws with it. The picture must be that of the built-in model, pixel for pixel.
 *
 *     node e2e/hub/appKills.ts [--kills 50] [--seed 1] [--entry electron/hosts/serve.ts]
 */
const { values } = parseArgs({
  options: { kills: { type: 'string', default: '50' }, seed: { type: 'string', default: '1' }, entry: { type: 'string', default: 'electron/hosts/serve.ts' } },
});
const kills = Number(values.kills);
const random = createRandom(Number(values.seed));
const repo = 'stopbath/starter';
const files = Object.fromEntries(Object.entries(filesOf(join(import.meta.dirname, '../../assets/starter'))).map(([path, bytes]) => [path, contentOf(bytes)]));
const wanted = Object.fromEntries(Object.entries(files).filter(([path]) => /^(?:unet|vae_decoder|vae_encoder|text_encoder|tokenizer|scheduler)\/|^model_index\.json$/.test(path)));

const server = await startHub();
server.put(repo, files);
server.bytesPerSecond = 2 * 2 ** 20;
process.env['STOPBATH_HUB'] = server.url;
process.env['STOPBATH_HUB_HOSTS'] = server.cdnHost;
const data = await mkdtemp(join(tmpdir(), 'stopbath-app-kills-'));
const store = join(data, 'models');
const problems: string[] = [];
const weightBytes = Object.values(wanted).reduce((sum, { bytes }) => sum + bytes, 0);
const counts = { killed: 0, whole: 0, resumable: 0, nothing: 0, removed: 0 };

let app = await FaultApp.start(data, values.entry);
let modelId: string | null = null;
while (modelId === null) {
  const [download] = await app.call('downloads.list', {});
  modelId = (await app.call('models.list', {})).find((model) => model.repo?.id === repo)?.id ?? null;
  if (modelId !== null) {
    if (counts.killed >= kills) break;
    // Once more from nothing: what was removed must be gone.
    const { freedBytes } = await app.call('models.remove', { id: modelId });
    const left = await readdir(join(store, 'blobs'));
    if (left.length > 0 || freedBytes < weightBytes) problems.push(`removing freed ${freedBytes} of ${weightBytes} bytes and left ${left.join(', ')}`);
    counts.removed++;
    modelId = null;
    continue;
  }
  if (download === undefined) {
    const offer = await app.call('models.look', { at: repo });
    ({ modelId } = await app.call('models.add', { source: offer.source, variant: offer.variants[0]?.id ?? '' }));
  }
  if (download?.state === 'failed') {
    problems.push(JSON.stringify(download.failure));
    break;
  }
  await sleep(counts.killed < kills ? random.whole(0, 1500) : 100);
  if (counts.killed >= kills) continue;
  await app.kill();
  const seen = await inspect(store, wanted);
  problems.push(...seen.faults.map((fault) => `kill ${counts.killed}: ${fault}`));
  counts.killed++;
  counts[seen.hasModel ? 'whole' : seen.parts.size > 0 || download !== undefined ? 'resumable' : 'nothing']++;
  app = await FaultApp.start(data, values.entry);
}
console.log(JSON.stringify(counts));

const draw = async (id: string): Promise<string> => {
  const request = parseGenerationRequest({
    task: 'text-to-image',
    modelId: id,
    prompt: 'a red circle on a blue background',
    negativePrompt: null,
    width: 64,
    height: 64,
    steps: 6,
    guidanceScale: 3,
    guidanceEnd: { kind: 'never' },
    scheduler: 'ddim',
    eta: 0,
    seed: '7',
    imagesPerPrompt: 1,
    image: null,
    mask: null,
    strength: 1,
  });
  const { jobIds } = await app.call('jobs.submit', { request, count: 1 });
  const job = await app.ended(jobIds[0] ?? '');
  if (job.state !== 'finished') problems.push(`${id}: ${job.state}, ${JSON.stringify(job.failure)}`);
  return pixelHash(data, job);
};
if (modelId !== null) {
  const [builtIn, downloaded] = [await draw('starter'), await draw(modelId)];
  console.log(`built-in ${builtIn.slice(0, 12)}, downloaded ${downloaded.slice(0, 12)}`);
  if (builtIn !== downloaded) problems.push('the downloaded model draws another picture');
  const log = await app.call('network.log', {});
  console.log(`${log.length} entries in the network log of the last start`);
}
await app.end();
await server.close();
await rm(data, { recursive: true, force: true });
console.log(`${problems.length} problems`);
for (const problem of problems) console.log(problem);
process.exitCode = problems.length === 0 && modelId !== null ? 0 : 1;
