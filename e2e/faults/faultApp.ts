import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { connectPage, ask } from '../../electron/hosts/testing/webClient.ts';
import { decodeImage } from '../../electron/media/decode.ts';
import { encodePng } from '../../electron/media/png.ts';
import type { CallInput, CallName, CallOutput } from '../../shared/contract.ts';
import type { InputImage } from '../../shared/generation.ts';
import { isEnded, jobEventSchema, type JobEvent, type JobSnapshot } from '../../shared/job.ts';

const root = path.resolve(import.meta.dirname, '../..');
const patienceMs = 60_000;

/** The whole app on its web host, a process of its own with a real engine below it, and a page's connection to it. */
export class FaultApp {
  readonly #host: ChildProcess;
  readonly #page: Awaited<ReturnType<typeof connectPage>>;
  readonly #log: () => string;
  readonly events: JobEvent[] = [];

  private constructor(host: ChildProcess, page: Awaited<ReturnType<typeof connectPage>>, log: () => string) {
    this.#host = host;
    this.#page = page;
    this.#log = log;
    page.connection.onEvent((name, value) => {
      if (name === 'job') this.events.push(jobEventSchema.parse(value));
    });
    page.socket.on('error', () => undefined);
  }

  /** @param entry the web host's, below the project's folder */
  static async start(dataFolder: string, entry: string): Promise<FaultApp> {
    let output = '';
    const host = spawn(process.execPath, [path.join(root, entry)], {
      cwd: root,
      env: { ...process.env, STOPBATH_DATA: dataFolder },
      // The channel ties it to this process: nothing is left behind, however the campaign ends.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const address = await new Promise<string>((resolve, reject) => {
      const read = (chunk: Buffer): void => {
        output += chunk.toString();
        const match = /http:\/\/127\.0\.0\.1:\d+\/\?token=\S+/.exec(output);
        if (match !== null) resolve(match[0]);
      };
      host.stdout?.on('data', read);
      host.stderr?.on('data', read);
      host.once('exit', (code) => reject(new Error(`The app ended with ${String(code)}:\n${output}`)));
    });
    return new FaultApp(host, await connectPage(address), () => output);
  }

  call<N extends CallName>(name: N, input: CallInput<N>): Promise<CallOutput<N>> {
    return this.#page.connection.call(name, input);
  }

  /** Puts a picture of plain colours in. @param shade of its left half; the right one is white */
  async addInput(width: number, height: number, shade: number): Promise<InputImage> {
    const rgb = Uint8Array.from({ length: width * height * 3 }, (_, at) => (Math.floor(at / 3) % width < width / 2 ? shade : 255));
    const { port, cookie } = this.#page;
    const headers = { cookie, origin: `http://127.0.0.1:${port}`, 'content-type': 'image/png' };
    const answer = await ask(port, '/inputs', headers, 'POST', await encodePng({ width, height, rgb }, []));
    if (answer.status !== 201) throw new Error(`The picture was not taken: ${answer.status} ${answer.body}`);
    const { id } = JSON.parse(answer.body) as InputImage;
    return { id, width, height };
  }

  async job(jobId: string): Promise<JobSnapshot | null> {
    return (await this.call('jobs.list', {})).find((job) => job.jobId === jobId) ?? null;
  }

  /** Asks until the job is as wanted. */
  async until(jobId: string, wanted: (job: JobSnapshot) => boolean): Promise<JobSnapshot> {
    for (const deadline = Date.now() + patienceMs; Date.now() < deadline; ) {
      const job = await this.job(jobId);
      if (job !== null && wanted(job)) return job;
      await sleep(15);
    }
    const job = await this.job(jobId);
    throw new Error(`Job ${jobId} is ${job?.state ?? 'nowhere'} after ${patienceMs} ms. ${job?.failure?.message ?? ''}\n${this.#log()}`);
  }

  ended(jobId: string): Promise<JobSnapshot> {
    return this.until(jobId, ({ state }) => isEnded(state));
  }

  eventsOf(jobId: string): JobEvent[] {
    return this.events.filter((event) => event.jobId === jobId);
  }

  get pid(): number {
    return this.#host.pid ?? 0;
  }

  /** The engine processes below the app. */
  enginePids(): number[] {
    return childrenOf(this.pid, /engine\/process\.ts|out\/main\/engine\.js/);
  }

  /** Ends the app as a crash of the machine's session would: no handler runs. */
  async kill(): Promise<void> {
    const gone = new Promise((resolve) => this.#host.once('exit', resolve));
    this.#page.socket.terminate();
    process.kill(this.pid, 'SIGKILL');
    await gone;
  }

  async end(): Promise<void> {
    const gone = new Promise((resolve) => this.#host.once('exit', resolve));
    this.#page.socket.close();
    this.#host.kill('SIGTERM');
    await gone;
  }
}

/** SHA-256 of a run's pixels, all its pictures in order, read from the files in the library. */
export function pixelHash(dataFolder: string, { pictures }: Pick<JobSnapshot, 'pictures'>): string {
  const hash = createHash('sha256');
  for (const { fileName } of pictures) hash.update(decodeImage(readFileSync(path.join(dataFolder, 'pictures', fileName)), 'image').rgb);
  return pictures.length === 0 ? 'none' : hash.digest('hex');
}

/** Files that a write was begun for and not ended. */
export function halfWritten(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.tmp'));
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function childrenOf(pid: number, command: RegExp): number[] {
  const list = execFileSync('ps', ['-eo', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' });
  return list.split('\n').flatMap((row) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(row);
    const isChild = Number(match?.[2]) === pid && match?.[3]?.startsWith('Z') === false && command.test(match[4] ?? '');
    return isChild ? [Number(match[1])] : [];
  });
}
