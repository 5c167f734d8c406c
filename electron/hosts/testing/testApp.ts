import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EventName } from '../../../shared/contract.ts';
import { parseGenerationRequest, type GenerationRequest } from '../../../shared/generation.ts';
import { isEnded, type JobEvent, type JobSnapshot } from '../../../shared/job.ts';
import { openApp, type App, type AppOptions } from '../../core/app.ts';
import type { EngineProcess, Host } from '../../core/host.ts';
import { forkEngine } from '../forkEngine.ts';

export const fakeEngine: string = fileURLToPath(new URL('./fakeEngine.ts', import.meta.url));
export const starterFolder: string = fileURLToPath(new URL('../../../assets/starter', import.meta.url));

export const request: GenerationRequest = parseGenerationRequest({
  task: 'text-to-image',
  modelId: 'starter',
  prompt: 'a red house',
  negativePrompt: null,
  width: 128,
  height: 128,
  steps: 6,
  guidanceScale: 4,
  guidanceEnd: { kind: 'never' },
  scheduler: 'ddim',
  seed: '7',
});

export interface TestApp extends App {
  readonly data: string;
  readonly log: { readonly name: EventName; readonly value: unknown }[];
  /** Every engine process that was started, in order. */
  readonly engines: EngineProcess[];
  jobEvents(jobId: string): JobEvent[];
  submit(change?: Partial<GenerationRequest>, count?: number): Promise<string[]>;
  job(jobId: string): Promise<JobSnapshot>;
  /** Waits for the job's end. */
  ended(jobId: string): Promise<JobSnapshot>;
}

const opened: (() => Promise<void>)[] = [];

/** Ends every app a test opened and removes its folder. */
export async function closeAll(): Promise<void> {
  for (const close of opened.splice(0).reverse()) await close();
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'stopbath-'));
  opened.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The whole core with a real child process for an engine. */
export async function openTestApp(options: Omit<Partial<AppOptions>, 'host'> & { data?: string; host?: Partial<Host> } = {}): Promise<TestApp> {
  const data = options.data ?? (await temporaryFolder());
  const engines: EngineProcess[] = [];
  const host: Host = {
    kind: 'web',
    platform: process.platform,
    reveal: null,
    pickSavePath: null,
    pickModel: null,
    secrets: null,
    send: null,
    startEngine: (cacheFolder) => {
      const engine = forkEngine(fakeEngine, cacheFolder);
      engines.push(engine);
      return engine;
    },
    ...options.host,
  };
  const app = await openApp({
    ...options,
    host,
    paths: { data, ui: join(data, 'ui'), starterModel: starterFolder, ...options.paths },
    engine: { backOffMs: () => 20, ...options.engine },
  });
  const log: { name: EventName; value: unknown }[] = [];
  app.events.on((name, value) => log.push({ name, value }));
  opened.push(() => app.close());

  const job = async (jobId: string): Promise<JobSnapshot> => {
    const found = (await app.handlers['jobs.list']({})).find((other) => other.jobId === jobId);
    if (found === undefined) throw new Error(`No job ${jobId}`);
    return found;
  };
  return {
    ...app,
    data,
    log,
    engines,
    job,
    jobEvents: (jobId) =>
      log.flatMap(({ name, value }) => (name === 'job' && (value as JobEvent).jobId === jobId ? [value as JobEvent] : [])),
    submit: async (change = {}, count = 1) =>
      (await app.handlers['jobs.submit']({ request: { ...request, ...change }, count })).jobIds,
    ended: (jobId) => until(async () => {
      const found = await job(jobId);
      return isEnded(found.state) ? found : null;
    }),
  };
}

/** Asks again and again until there is an answer. */
export async function until<T>(look: () => Promise<T | null> | T | null, withinMs = 45_000): Promise<T> {
  for (const deadline = Date.now() + withinMs; Date.now() < deadline; ) {
    const found = await look();
    if (found !== null) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`Nothing within ${withinMs} ms`);
}

export function only<T>(values: readonly T[]): T {
  const [value] = values;
  if (value === undefined || values.length !== 1) throw new Error(`${values.length} values instead of one`);
  return value;
}
