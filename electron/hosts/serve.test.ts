import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { closeAll, fakeEngine, request, temporaryFolder, until } from './testing/testApp.ts';
import { connectPage } from './testing/webClient.ts';

const serve = fileURLToPath(new URL('./serve.ts', import.meta.url));
const start = fileURLToPath(new URL('./start.ts', import.meta.url));

interface Served {
  readonly process: ChildProcess;
  readonly exit: Promise<number | null>;
  text(): string;
}

const running: ChildProcess[] = [];
afterEach(async () => {
  for (const process of running.splice(0)) process.kill('SIGKILL');
  await closeAll();
});

/** The real program, started as a person would start it. */
function run(entry: string, data: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Served {
  const child = spawn(process.execPath, [entry, ...args], {
    env: { ...process.env, STOPBATH_DATA: data, STOPBATH_ENGINE: fakeEngine, DISPLAY: '', WAYLAND_DISPLAY: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  running.push(child);
  let text = '';
  const collect = (chunk: Buffer): void => {
    text += chunk.toString();
  };
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);
  // Not `close`: it never comes for a child whose channel we have closed. What it printed last may still be on its way.
  const exit = new Promise<number | null>((resolve) => {
    child.on('exit', (code) => setTimeout(() => resolve(code), 50));
  });
  return { process: child, text: () => text, exit };
}

function address(served: Served): Promise<string> {
  return until(() => /Stopbath is at (http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{32})\n/.exec(served.text())?.[1] ?? null);
}

/** The engines below a process: Linux tells them, elsewhere this test has nothing to look at. */
async function childrenOf(pid: number | undefined): Promise<number[]> {
  const names = await readdir('/proc').catch((): string[] => []);
  const parents = await Promise.all(
    names.filter((name) => /^\d+$/.test(name)).map(async (name) => {
      const line = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
      return { pid: Number(name), parent: Number(line.slice(line.lastIndexOf(')') + 2).split(' ')[1]) };
    }),
  );
  return parents.filter(({ parent }) => parent === pid).map((process) => process.pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function engineOf(served: Served): Promise<number> {
  return await until(async () => (await childrenOf(served.process.pid))[0] ?? null);
}

describe('npm run serve', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('ends on %s with code 0, its engine and its lock too', async (signal) => {
    const data = await temporaryFolder();
    const served = run(serve, data);
    await address(served);
    const engine = await engineOf(served);
    served.process.kill(signal);
    expect(await served.exit).toBe(0);
    await until(() => (isAlive(engine) ? null : true));
    expect(await readdir(data)).not.toContain('instance.json');
  });

  it('ends with the program that started it', async () => {
    const served = run(serve, await temporaryFolder());
    await address(served);
    const engine = await engineOf(served);
    // What the death of the other end looks like from here.
    served.process.disconnect();
    expect(await served.exit).toBe(0);
    await until(() => (isAlive(engine) ? null : true));
  });

  it('ends while a page is open that does not answer', async () => {
    const data = await temporaryFolder();
    const served = run(serve, data);
    const { socket } = await connectPage(await address(served));
    socket.pause();
    served.process.kill('SIGTERM');
    expect(await served.exit).toBe(0);
    socket.terminate();
  });

  it('leaves no engine behind when it is killed, and the next start takes its lock over', async () => {
    const data = await temporaryFolder();
    const served = run(serve, data);
    const { connection } = await connectPage(await address(served));
    await connection.call('jobs.submit', { request: { ...request, prompt: 'slow', steps: 200 }, count: 2 });
    await until(async () => (((await connection.call('jobs.list', {}))[0]?.steps.length ?? 0) > 2 ? true : null));
    const engine = await engineOf(served);
    served.process.kill('SIGKILL');
    await served.exit;
    await until(() => (isAlive(engine) ? null : true));

    const next = run(serve, data);
    const page = await connectPage(await address(next));
    const jobs = await page.connection.call('jobs.list', {});
    expect(jobs).toHaveLength(2);
    expect(jobs[0]).toMatchObject({ state: 'stopped', keepable: true });
    next.process.kill('SIGINT');
    expect(await next.exit).toBe(0);
  });

  it('refuses a second one on the same folder, and tells where the first is', async () => {
    const data = await temporaryFolder();
    const first = run(serve, data);
    await address(first);
    const second = run(serve, data);
    expect(await second.exit).toBe(2);
    expect(second.text()).toContain(`already running on ${data} (process ${first.process.pid})`);
    // And that address opens it.
    await connectPage(/http:\S+/.exec(second.text())?.[0] ?? '');
    expect((await stat(join(data, 'instance.json'))).mode & 0o077).toBe(0);
  });

  it.each([
    ['a dead process', { pid: 2 ** 22 + 1, address: 'http://127.0.0.1:1/' }],
    ['another program that has its number now', { pid: process.pid, address: 'http://127.0.0.1:1/' }],
  ])('takes over the lock of %s', async (_name, holder) => {
    const data = await temporaryFolder();
    await writeFile(join(data, 'instance.json'), JSON.stringify(holder));
    await address(run(serve, data));
  });

  it('says what is wrong and ends with a code', async () => {
    const data = await temporaryFolder();
    const badArgument = run(serve, data, ['--port', '99999999']);
    expect(await badArgument.exit).toBe(64);
    expect(badArgument.text()).toContain('Usage');
    const first = run(serve, data);
    const port = new URL(await address(first)).port;
    const other = await temporaryFolder();
    const taken = run(serve, other, ['--port', port]);
    expect(await taken.exit).toBe(1);
    expect(taken.text()).toContain('EADDRINUSE');
    await mkdir(join(other, 'file'));
    await writeFile(join(other, 'file', 'x'), '');
    const noFolder = run(serve, join(other, 'file', 'x'));
    expect(await noFolder.exit).toBe(1);
    expect(noFolder.text()).toMatch(/data folder|EEXIST|ENOTDIR/);
  });

  it('starts with damaged settings and tells the page', async () => {
    const data = await temporaryFolder();
    await writeFile(join(data, 'settings.json'), '{');
    const { connection } = await connectPage(await address(run(serve, data)));
    expect((await connection.call('app.info', {})).notices).toMatchObject([{ code: 'FILE_ACCESS' }]);
  });
});

describe('npm start', () => {
  it('serves the same app where there is no Electron, says why in one line, and does not wait', async () => {
    const data = await temporaryFolder();
    const served = run(start, data, ['--no-open'], { STOPBATH_NO_ELECTRON: '1' });
    await address(served);
    expect(served.text().split('\n').filter((line) => line !== '')).toHaveLength(2);
    expect(served.text()).toMatch(/^Electron is switched off/);
    served.process.kill('SIGINT');
    expect(await served.exit).toBe(0);
  });

  it('opens a second time in the Stopbath that runs already', async () => {
    const data = await temporaryFolder();
    await address(run(start, data, ['--serve']));
    const second = run(start, data, ['--serve']);
    expect(await second.exit).toBe(2);
  });
});
