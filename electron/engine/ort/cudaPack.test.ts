import { execFile, execFileSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explainFailure } from '../../../shared/deviceReasons.ts';
import { libraryFolders, majorsOf, packFiles } from '../../system/cudaLibraries.ts';
import { graphicsCards, nvidiaDriverVersion } from '../../system/driverKey.ts';
import { neededLibraries } from '../../system/elf.ts';
import { runtimePackage } from '../../system/runtimePackage.ts';
import { loadCudaLibraries, packHome } from './cudaPack.ts';

/** The real binding and runtime, with libraries of our own in the place of NVIDIA's: they need a C compiler to be made. */
function hasCompiler(): boolean {
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' });
    return process.platform === 'linux' && process.arch === 'x64';
  } catch {
    return false;
  }
}

let folder: string;
let pack: string;
let libraries: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stopbath-cuda-'));
  const { version } = runtimePackage();
  pack = join(folder, 'data', 'cuda', version);
  libraries = join(folder, 'data', 'cuda', 'libraries');
  await mkdir(pack, { recursive: true });
  await mkdir(libraries);
});
afterAll(() => rm(folder, { recursive: true }));

async function make(target: string, source: string, ...flags: string[]): Promise<void> {
  const file = join(folder, 'stub.c');
  await writeFile(file, source);
  await promisify(execFile)('cc', ['-shared', '-fPIC', '-o', target, file, ...flags]);
}

/** What an engine process with that cache folder makes of CUDA. */
async function tryCuda(env: NodeJS.ProcessEnv = {}): Promise<string> {
  const script = join(folder, 'try.mjs');
  const url = (name: string): string => JSON.stringify(fileURLToPath(new URL(name, import.meta.url)));
  await writeFile(
    script,
    `import { loadedPack } from ${url('runtime.ts')}; import { runProbe } from ${url('probe.ts')};
     console.log(JSON.stringify(loadedPack)); console.log(JSON.stringify(await runProbe('cuda')));`,
  );
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [script], { env: { PATH: process.env['PATH'], STOPBATH_CACHE_DIR: join(folder, 'data', 'cache'), ...env } });
  return `${stdout}\n${stderr}`;
}

describe.runIf(hasCompiler())('the pack in the process', () => {
  it('is looked for beside the cache folder, or where a variable says', () => {
    expect(packHome({ STOPBATH_CACHE_DIR: '/data/cache' })).toBe(join('/data', 'cuda'));
    expect(packHome({ STOPBATH_CACHE_DIR: '/data/cache', STOPBATH_CUDA_DIR: '/elsewhere' })).toBe('/elsewhere');
    expect(packHome({})).toBeNull();
  });

  it('without one the runtime looks beside itself in the package', async () => {
    const said = await tryCuda();
    expect(said).toContain('{"folder":null,"failure":null}');
    expect(said).toContain(join(runtimePackage().folder, packFiles[1]));
    expect(explainFailure('cuda', said).code).toBe('CUDA_PACK_MISSING');
  });

  it('once it is there the same runtime looks in it, and names the library its provider lacks', async () => {
    await copyFile(join(runtimePackage().folder, packFiles[0]), join(pack, packFiles[0]));
    await make(join(pack, packFiles[1]), 'void Provider_SetHost(void *host) { }');
    await make(join(folder, 'libcublasLt.so.12'), 'int cublas(void) { return 12; }', '-Wl,-soname,libcublasLt.so.12');
    await make(join(pack, packFiles[2]), 'int cublas(void); int uses(void) { return cublas(); } void *GetProvider(void) { return 0; }', '-Wl,--no-as-needed', join(folder, 'libcublasLt.so.12'));
    expect(neededLibraries(join(pack, packFiles[2]))).toEqual(['libcublasLt.so.12', 'libc.so.6']);
    const said = await tryCuda();
    expect(said).toContain(JSON.stringify({ folder: pack, failure: null }));
    expect(said).toContain('libcublasLt.so.12: cannot open shared object file');
    expect(explainFailure('cuda', said)).toMatchObject({ code: 'CUDA_LIB_MISSING', reason: expect.stringContaining('libcublasLt.so.12') as unknown });
  });

  it('libraries in the folder for them are found without any variable, and cuDNN is asked for next', async () => {
    await copyFile(join(folder, 'libcublasLt.so.12'), join(libraries, 'libcublasLt.so.12'));
    expect(explainFailure('cuda', await tryCuda()).code).toBe('CUDNN_MISSING');
  });

  it('with all of them the provider itself is loaded from the pack: a provider of nothing takes the process down, as bad drivers do', async () => {
    await make(join(libraries, 'libcudnn.so.9'), 'int cudnn(void) { return 9; }');
    const crash = await tryCuda().catch((error: unknown) => error);
    expect(crash).toMatchObject({ signal: 'SIGSEGV' });
    await expect(tryCuda()).rejects.toMatchObject({ stdout: expect.stringContaining(JSON.stringify({ folder: pack, failure: null })) as unknown });
  });

  it('a runtime that is cut off is not loaded; the app starts with its own', async () => {
    await writeFile(join(pack, packFiles[0]), 'cut off');
    const said = await tryCuda();
    expect(said).toContain('"folder":null');
    expect(explainFailure('cuda', JSON.parse(said.split('\n')[0] ?? '').failure as string).code).toBe('CUDA_PACK_BROKEN');
  });
});

describe('libraries', () => {
  it('are loaded in the order of their needs, by name first, then from where they may be', async () => {
    const provider = join(runtimePackage().folder, packFiles[0]);
    const asked: string[] = [];
    const place = await mkdtemp(join(folder, 'place-'));
    await writeFile(join(place, 'libcudnn.so.9'), '');
    loadCudaLibraries(provider, (file) => {
      asked.push(file);
      if (file === 'libcudnn.so.9') throw new Error('libcudnn.so.9: cannot open shared object file');
    }, [place]);
    // The runtime itself needs none of NVIDIA's.
    expect(asked).toEqual(['libcudnn.so.9', join(place, 'libcudnn.so.9')]);
    expect(() => loadCudaLibraries(provider, () => { throw new Error('libcudnn.so.9: cannot open shared object file'); }, [])).toThrow('libcudnn.so.9');
  });

  it('are looked for in toolkits and where variables say', async () => {
    const folders = libraryFolders('/data/cuda', { LD_LIBRARY_PATH: '/mine:/other', CUDA_PATH: '/toolkit' });
    expect(folders.slice(0, 4)).toEqual([join('/data/cuda', 'libraries'), '/mine', '/other', '/toolkit/lib64']);
    expect(new Set(folders).size).toBe(folders.length);
    const place = await mkdtemp(join(folder, 'place-'));
    for (const name of ['libcudart.so.11', 'libcudart.so.12', 'libcudart.so.12.4.127', 'libcudart.so']) await writeFile(join(place, name), '');
    expect(majorsOf('libcudart', [place, '/nowhere'])).toEqual([11, 12]);
  });

  it.each([
    ['a text', Buffer.from('no library')],
    ['nothing', Buffer.alloc(0)],
    ['a header only', Buffer.concat([Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]), Buffer.alloc(58)])],
    ['a header full of ones', Buffer.concat([Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]), Buffer.alloc(58, 0xff)])],
  ])('%s is no library, and says so', async (_what, bytes) => {
    const file = join(folder, 'no.so');
    await writeFile(file, bytes);
    expect(() => neededLibraries(file)).toThrow();
  });
});

it('reads driver and cards as the kernel lists them', async () => {
  const file = join(folder, 'version');
  for (const [text, version] of [
    ['NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.86.10  Wed Jul 26 23:20:03 UTC 2023\nGCC version:  gcc version 11.4.0', '535.86.10'],
    ['NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  560.35.03  Release Build  (root@b)  Fri Aug 16', '560.35.03'],
    ['something else', null],
  ] as const) {
    await writeFile(file, text);
    expect(nvidiaDriverVersion(file)).toBe(version);
  }
  expect(nvidiaDriverVersion(join(folder, 'none'))).toBeNull();
  for (const [name, type] of [['0000:01:00.0', '0x030000'], ['0000:00:1f.3', '0x040300']] as const) {
    await mkdir(join(folder, 'pci', name), { recursive: true });
    await writeFile(join(folder, 'pci', name, 'class'), `${type}\n`);
    await writeFile(join(folder, 'pci', name, 'vendor'), '0x10de\n');
    await writeFile(join(folder, 'pci', name, 'device'), '0x2786\n');
  }
  expect(graphicsCards(join(folder, 'pci'))).toEqual(['0x10de:0x2786']);
});
