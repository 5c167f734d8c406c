import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { createRandom } from '../faults/random.ts';
import { syntheticContent } from './content.ts';
import type { Fault } from './faults.ts';
import { inspect } from './inspect.ts';
import { tinyOnnx } from './model.ts';
import { startHub, type TestHub } from './server.ts';

/**
 * Kills a downloading process (SIGKILL) at random moments, again and again, and looks at what is on the disk after each:
 * always a model that is whole, or parts that can be gone on with; never a model that is not.
 *
 *     node e2e/hub/kills.ts [--kills 50] [--seed 1] [--mib 4]
 *
 * Half of the kills come at a random time, the others right after the process began, when it says that it checks, or when
 * it puts the model together. Every other download has a server that also tears connections, errs and flips bits.
 */
const { values } = parseArgs({ options: { kills: { type: 'string', default: '50' }, seed: { type: 'string', default: '1' }, mib: { type: 'string', default: '4' } } });
const kills = Number(values.kills);
const random = createRandom(Number(values.seed));

type Moment = 'any time' | 'at the start' | 'while it checks' | 'while it ends' | 'never';
interface Ended {
  readonly killed: boolean;
  readonly code: number | null;
  readonly lastState: string;
  readonly model: string | null;
}

/** Runs the process and kills it at the moment, or lets it end. */
function runOnce(hub: TestHub, folder: string, repo: string, moment: Moment): Promise<Ended> {
  const script = join(import.meta.dirname, 'downloadProcess.ts');
  const child = spawn(process.execPath, [script, folder, repo], { env: { ...process.env, STOPBATH_HUB: hub.url, STOPBATH_HUB_HOSTS: hub.cdnHost }, stdio: ['ignore', 'pipe', 'inherit'] });
  let lastState = 'starting';
  let model: string | null = null;
  let killed = false;
  const killIn = (ms: number): void => {
    setTimeout(() => {
      killed = child.exitCode === null && child.kill('SIGKILL');
    }, ms);
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = JSON.parse(line) as { began?: number; state?: string; model?: string; isAllHere?: boolean };
    if (said.began !== undefined && (moment === 'at the start' || moment === 'any time')) killIn(random.whole(0, moment === 'at the start' ? 120 : 2500));
    if (said.state !== undefined) lastState = said.state;
    if (said.model !== undefined) {
      model = said.model;
      lastState = 'done';
    }
    if (said.state === 'checking' && (moment === 'while it checks' || (moment === 'while it ends' && said.isAllHere === true))) killIn(random.whole(0, 12));
  });
  return new Promise((done) => child.once('close', (code) => done({ killed, code, lastState, model })));
}

function randomFaults(): Fault[] {
  const at = (): number => random.whole(0, 2e6);
  return [
    { at: 'cdn', times: 2, does: { kind: 'reset', afterBytes: at() } },
    { at: 'cdn', times: 1, does: { kind: 'answer', status: 500 } },
    { at: 'cdn', times: 1, onlyRanges: true, does: { kind: 'answer', status: 416 } },
    { at: 'resolve', times: 1, does: { kind: 'answer', status: 429, headers: { 'retry-after': '0' } } },
    { at: 'cdn', times: 1, does: { kind: 'corrupt', byte: at() } },
    { at: 'cdn', times: 1, onlyRanges: true, does: { kind: 'ignore-range' } },
  ];
}

/** Some more often than others: most of a download's life is in the middle. */
const moments: readonly Moment[] = ['any time', 'any time', 'any time', 'at the start', 'while it checks', 'while it ends'];
const rows = new Map<string, { kills: number; faults: number; whole: number; resumable: number; nothing: number }>();
const problems: string[] = [];
const folders = await mkdtemp(join(tmpdir(), 'stopbath-kills-'));
const hub = await startHub();
let killed = 0;
let finished = 0;
let modelBytes = 0;
let asked = 0;
for (let number = 0; killed < kills; number++) {
  const repo = `owner/model-${number}`;
  const files = { ...tinyOnnx(200_000), 'unet/model.onnx_data': syntheticContent(Number(values.mib) * 2 ** 20, 100 + number) };
  const wanted = Object.fromEntries(Object.entries(files).filter(([path]) => path.includes('/') || path === 'model_index.json'));
  const folder = join(folders, String(number));
  await mkdir(folder);
  hub.put(repo, files);
  hub.bytesPerSecond = 1.5 * 2 ** 20;
  hub.faults.length = 0;
  if (number % 2 === 1) hub.faults.push(...randomFaults());
  hub.seen.length = 0;
  let before = new Map<string, number>() as ReadonlyMap<string, number>;
  for (let starts = 0; ; starts++) {
    // After many kills it is let through, so that each download ends whole.
    const moment = random.pick(moments);
    const ended = await runOnce(hub, folder, repo, killed < kills && starts < 12 ? moment : 'never');
    const seen = await inspect(folder, wanted);
    problems.push(...seen.faults.map((fault) => `${repo}, start ${starts}, ${moment}, ${ended.lastState}: ${fault}`));
    if (ended.killed) {
      killed++;
      const row = rows.get(`${moment} / ${ended.lastState}`) ?? { kills: 0, faults: 0, whole: 0, resumable: 0, nothing: 0 };
      rows.set(`${moment} / ${ended.lastState}`, { kills: row.kills + 1, faults: row.faults + seen.faults.length, whole: row.whole + (seen.hasModel ? 1 : 0), resumable: row.resumable + (!seen.hasModel && existsSync(join(folder, 'downloads.json')) ? 1 : 0), nothing: row.nothing + (!seen.hasModel && !existsSync(join(folder, 'downloads.json')) ? 1 : 0) });
      // Parts only grow, but for those a fault of the server made useless.
      if (number % 2 === 0) for (const [name, size] of before) if ((seen.parts.get(name) ?? size) < size) problems.push(`${repo}: ${name} became shorter`);
      before = seen.parts;
    } else if (ended.code !== 0) problems.push(`${repo}: ended with ${ended.code}`);
    if (ended.code === 0 && seen.hasModel) break;
    if (starts > 60) {
      problems.push(`${repo} never ended`);
      break;
    }
  }
  finished++;
  modelBytes += Object.values(wanted).reduce((sum, { bytes }) => sum + bytes, 0);
  asked += hub.seen.filter(({ at, range }) => at === 'cdn' && range !== null).length;
  await rm(folder, { recursive: true, force: true });
}
await hub.close();
await rm(folders, { recursive: true, force: true });
console.table(Object.fromEntries([...rows].sort()));
console.log(`${killed} kills in ${finished} downloads of ${Math.round(modelBytes / 2 ** 20)} MiB in all; ${asked} requests that went on with a part; ${problems.length} problems`);
for (const problem of problems) console.log(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
