import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { deviceReasons } from '../../../shared/deviceReasons.ts';
import { StopbathError, toFailure, type Failure } from '../../../shared/errors.ts';
import { type ProviderId, providerIds } from '../../../shared/generation.ts';
import { type CudaPack, type Device, deviceSchema } from '../../../shared/models.ts';
import { packRoot } from '../../system/cudaLibraries.ts';
import { driverKey } from '../../system/driverKey.ts';
import { runtimePackage, type RuntimePackage } from '../../system/runtimePackage.ts';
import { createSerial, type FileWriter, writeFileAtomic } from '../files.ts';
import type { EngineProcess } from '../host.ts';
import { cudaChecks, type Machine, thisMachine } from './cuda/checks.ts';
import type { Door } from './cuda/nuget.ts';
import { installPack, otherVersions, type PackOptions, packFolder, readPack, removePack } from './cuda/pack.ts';
import { type Ask, askSystem, deviceName } from './deviceNames.ts';
import { runSelfTest } from './selfTest.ts';

export interface DevicesOptions {
  /** Starts an engine process for nothing else, with the same cache folder as the engine's. */
  readonly startEngine: () => EngineProcess;
  /** The built-in model. */
  readonly modelFolder: string;
  /** The app's data folder: results and the pack lie in it. */
  readonly dataFolder: string;
  readonly door: Door;
  /** What the contract's event `devices` carries. */
  readonly onChange: (change: { devices: Device[]; cudaPack: CudaPack }) => void;
  readonly onNotice: (failure: Failure) => void;
  /** The libraries an engine loads have changed: one that runs nothing should be replaced. */
  readonly onRuntimeChanged?: () => void;
  readonly write?: FileWriter;
  readonly platform?: NodeJS.Platform;
  readonly arch?: string;
  readonly ask?: Ask;
  readonly runtime?: RuntimePackage;
  readonly machine?: Machine;
  /** Another feed that speaks NuGet's API. */
  readonly index?: string;
  readonly selfTestLimitMs?: number;
}

/** Everything behind the Device panel; one method a call of the contract. */
export interface Devices {
  list(): Promise<Device[]>;
  /** @throws StopbathError `INVALID_INPUT` for a device this platform does not have. */
  test(provider: ProviderId): Promise<Device>;
  cudaPack(): Promise<CudaPack>;
  /**
   * Starts it and returns; `onChange` tells how it goes, `onNotice` why it failed. A second call while one goes on does nothing.
   * @throws StopbathError `INVALID_INPUT` where the platform has no pack.
   */
  installCudaPack(): Promise<void>;
  /** Stops an installation that goes on. */
  removeCudaPack(): Promise<void>;
  /** Ends an installation; what came stays and is continued by the next. */
  close(): Promise<void>;
}

const fileSchema = z.object({ key: z.string(), devices: z.array(deviceSchema) });

export const packCommand = 'npm run cuda';
/** A software driver takes a minute, a driver that compiles for the first time half of one. */
const defaultLimitMs = 180_000;

/** What a platform can have at all (onnxruntime-node's builds). */
export function possibleOn(provider: ProviderId, platform: NodeJS.Platform, arch: string): boolean {
  switch (provider) {
    case 'cpu':
      return true;
    case 'cuda':
      return platform === 'linux' && arch === 'x64';
    case 'dml':
      return platform === 'win32';
    case 'coreml':
      return platform === 'darwin';
    case 'webgpu':
      return platform !== 'linux' || arch === 'x64';
  }
}

/** The app starts without it, too: the engine says what is wrong then. */
function installedRuntime(): RuntimePackage {
  try {
    return runtimePackage();
  } catch {
    return { version: 'none', folder: '' };
  }
}

export function createDevices(options: DevicesOptions): Devices {
  return new DeviceService(options);
}

class DeviceService implements Devices {
  readonly #options: DevicesOptions;
  readonly #pack: PackOptions;
  readonly #file: string;
  readonly #key: string;
  readonly #platform: NodeJS.Platform;
  readonly #arch: string;
  /** One test at a time: two on one card would measure each other. */
  readonly #tests = createSerial();
  #results: Promise<Map<ProviderId, Device>> | null = null;
  #installing: { readonly abort: AbortController; readonly done: Promise<void>; share: number } | null = null;
  #toldShare = 0;

  constructor(options: DevicesOptions) {
    this.#options = options;
    this.#platform = options.platform ?? process.platform;
    this.#arch = options.arch ?? process.arch;
    const runtime = options.runtime ?? installedRuntime();
    this.#pack = { root: packRoot(options.dataFolder), runtime, door: options.door, ...(options.index === undefined ? {} : { index: options.index }) };
    this.#file = join(options.dataFolder, 'devices.json');
    this.#key = `${runtime.version} ${driverKey()}`;
  }

  async list(): Promise<Device[]> {
    const results = await this.#load();
    return providerIds.map((provider) => results.get(provider) ?? this.#untested(provider));
  }

  async test(provider: ProviderId): Promise<Device> {
    if (!possibleOn(provider, this.#platform, this.#arch)) {
      throw new StopbathError({ code: 'INVALID_INPUT', field: 'provider', message: `${provider} does not exist on this system.` });
    }
    return this.#tests(async () => {
      const { startEngine, modelFolder, selfTestLimitMs = defaultLimitMs, ask = askSystem } = this.#options;
      const result = await runSelfTest({ start: startEngine, provider, modelFolder, limitMs: selfTestLimitMs });
      const { reason } = result;
      const device: Device = {
        provider,
        possible: true,
        state: reason === null ? 'works' : stateOf(reason.code),
        code: reason?.code ?? 'OK',
        reason: reason?.reason ?? '',
        remedy: reason?.remedy ?? '',
        name: await deviceName(provider, ask, this.#platform),
        unetMs: result.unetMs,
        // "Infinitely far" is no number that a page could show.
        difference: result.difference === Number.MAX_VALUE ? null : result.difference,
        testedAt: Date.now(),
      };
      (await this.#load()).set(provider, device);
      await this.#save();
      await this.#tell();
      return device;
    });
  }

  async cudaPack(): Promise<CudaPack> {
    const { dataFolder } = this.#options;
    const about = { version: this.#pack.runtime.version, folder: packFolder(this.#pack), command: packCommand };
    if (!possibleOn('cuda', this.#platform, this.#arch)) return { ...about, state: 'not-possible', bytes: 0, progress: 0, checks: [] };
    const pack = await readPack(this.#pack);
    const root = packRoot(dataFolder);
    const checks = cudaChecks(pack, await otherVersions(this.#pack), root, this.#options.machine ?? thisMachine(root));
    const bytes = pack.kind === 'installed' ? pack.bytes : 0;
    if (this.#installing !== null) return { ...about, state: 'installing', bytes, progress: this.#installing.share, checks };
    return { ...about, state: pack.kind, bytes, progress: pack.kind === 'installed' ? 1 : 0, checks };
  }

  installCudaPack(): Promise<void> {
    if (!possibleOn('cuda', this.#platform, this.#arch)) {
      return Promise.reject(new StopbathError({ code: 'INVALID_INPUT', message: 'NVIDIA libraries exist for Linux on x64 only.', nextStep: 'Use WebGPU or DirectML here.' }));
    }
    if (this.#installing !== null) return Promise.resolve();
    const abort = new AbortController();
    // The next turn: `done` is part of what it ends.
    const done = Promise.resolve().then(() => this.#install(abort.signal));
    this.#installing = { abort, done, share: 0 };
    this.#toldShare = 0;
    void this.#tell();
    return Promise.resolve();
  }

  async removeCudaPack(): Promise<void> {
    await this.close();
    await removePack(this.#pack);
    this.#options.onRuntimeChanged?.();
    await this.#forget('cuda');
    await this.#tell();
  }

  async close(): Promise<void> {
    this.#installing?.abort.abort(new DOMException('The installation was ended.', 'AbortError'));
    await this.#installing?.done;
  }

  async #install(signal: AbortSignal): Promise<void> {
    try {
      await installPack(this.#pack, (share) => this.#progress(share), signal);
      await this.#forget('cuda');
      this.#options.onRuntimeChanged?.();
    } catch (error) {
      if (!signal.aborted) this.#options.onNotice(toFailure(error));
    } finally {
      this.#installing = null;
      await this.#tell();
    }
  }

  #progress(share: number): void {
    if (this.#installing === null) return;
    this.#installing.share = share;
    // A hundred messages are enough for a bar.
    if (share - this.#toldShare < 0.01 && share < 1) return;
    this.#toldShare = share;
    void this.#tell();
  }

  async #tell(): Promise<void> {
    this.#options.onChange({ devices: await this.list(), cudaPack: await this.cudaPack() });
  }

  #untested(provider: ProviderId): Device {
    const possible = possibleOn(provider, this.#platform, this.#arch);
    const { code, reason, remedy } = possible ? { code: '', reason: '', remedy: '' } : deviceReasons.notHere;
    return { provider, possible, state: possible ? 'untested' : 'missing', code, reason, remedy, name: null, unetMs: null, difference: null, testedAt: null };
  }

  #load(): Promise<Map<ProviderId, Device>> {
    return (this.#results ??= this.#read());
  }

  /** Results of another runtime or driver say nothing. */
  async #read(): Promise<Map<ProviderId, Device>> {
    try {
      const { key, devices } = fileSchema.parse(JSON.parse(await readFile(this.#file, 'utf8')));
      if (key === this.#key) return new Map(devices.map((device) => [device.provider, device]));
    } catch {
      // None yet, or unreadable: then nothing was tested.
    }
    return new Map();
  }

  async #forget(provider: ProviderId): Promise<void> {
    (await this.#load()).delete(provider);
    await this.#save();
  }

  async #save(): Promise<void> {
    const { write = writeFileAtomic } = this.#options;
    const devices = [...(await this.#load()).values()];
    // Only comfort is lost: the next start asks for a test again.
    await write(this.#file, JSON.stringify({ key: this.#key, devices })).catch(() => undefined);
  }
}

const missingCodes = new Set(['CUDA_PACK_MISSING', 'CUDA_DRIVER_MISSING', 'CUDA_LIB_MISSING', 'CUDNN_MISSING', 'NO_GPU', 'VULKAN_MISSING', 'NO_ADAPTER', 'NOT_IN_BUILD', 'DLL_MISSING']);

function stateOf(code: string): Device['state'] {
  if (code === deviceReasons.slow.code) return 'slow';
  return missingCodes.has(code) ? 'missing' : 'failed';
}
