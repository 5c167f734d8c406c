import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { EngineStatus } from '../../../shared/contract.ts';
import { StopbathError } from '../../../shared/errors.ts';
import type { ProviderChoice, ProviderId } from '../../../shared/generation.ts';
import type { Prober, Verdict } from './prober.ts';
import { explainFailure } from './reasons.ts';
import { runtimeVersion } from './session.ts';

export interface Device {
  readonly provider: ProviderId;
  readonly rungs: EngineStatus['rungs'];
}

/** Best first; the CPU always runs. CoreML is slower than the CPU on such graphs, so it is only on request. */
export function ladderOf(platform: NodeJS.Platform, arch: string): readonly ProviderId[] {
  if (platform === 'win32') return ['dml', 'webgpu', 'cpu'];
  if (platform === 'darwin') return ['webgpu', 'cpu'];
  if (platform === 'linux' && arch === 'x64') return ['cuda', 'webgpu', 'cpu'];
  return ['cpu'];
}

export interface ProviderOptions {
  readonly probe: Prober;
  readonly platform?: NodeJS.Platform;
  readonly arch?: string;
  /** Where probe results outlive the process; null: they do not. */
  readonly cacheFolder?: string | null;
  /** What can be known without a probe; null: a probe is worth its time. */
  readonly knownBefore?: (provider: ProviderId) => Verdict;
  /** A crashing driver then takes this process along: a note on disk has to outlive it. */
  readonly probesInThisProcess?: boolean;
}

const verdictSchema = z.object({ code: z.string(), reason: z.string() }).nullable();
const cacheSchema = z.object({
  key: z.string(),
  verdicts: z.record(z.string(), verdictSchema),
  /** `provider modelHash` of models whose results were the CPU's. */
  verified: z.array(z.string()),
});
type Stored = Omit<z.infer<typeof cacheSchema>, 'key'>;

/** Chooses the execution provider, and keeps what it learnt. */
export class Providers {
  readonly #options: ProviderOptions;
  readonly #ladder: readonly ProviderId[];
  readonly #verdicts = new Map<ProviderId, Promise<Verdict>>();
  readonly #rejected = new Map<string, Verdict>();
  #stored: Stored | null = null;

  constructor(options: ProviderOptions) {
    this.#options = options;
    this.#ladder = ladderOf(options.platform ?? process.platform, options.arch ?? process.arch);
  }

  /**
   * @throws StopbathError `PROVIDER_UNAVAILABLE` when a provider chosen by name cannot be used: it is never replaced
   * silently. Slower than the CPU is allowed then.
   */
  async resolve(choice: ProviderChoice, model: string): Promise<Device> {
    return choice === 'auto' ? this.#climbDown(model) : this.#chosen(choice);
  }

  /** Puts a provider aside, for one model, that passed its probe but could not run it. */
  reject(provider: ProviderId, model: string, detail: string): void {
    this.#rejected.set(`${provider} ${model}`, explainFailure(provider, detail));
  }

  async isVerified(provider: ProviderId, modelHash: string): Promise<boolean> {
    return (await this.#load()).verified.includes(`${provider} ${modelHash}`);
  }

  async setVerified(provider: ProviderId, modelHash: string): Promise<void> {
    const stored = await this.#load();
    stored.verified.push(`${provider} ${modelHash}`);
    await this.#save(stored);
  }

  async #climbDown(model: string): Promise<Device> {
    const rungs: EngineStatus['rungs'] = [];
    for (const provider of this.#ladder) {
      const verdict = provider === 'cpu' ? null : await this.#verdictFor(provider, model);
      rungs.push({ provider, taken: verdict === null, code: verdict?.code ?? 'OK', reason: verdict?.reason ?? '' });
      if (verdict === null) return { provider, rungs };
    }
    return { provider: 'cpu', rungs };
  }

  async #verdictFor(provider: ProviderId, model: string): Promise<Verdict> {
    const known = this.#rejected.get(`${provider} ${model}`) ?? this.#options.knownBefore?.(provider) ?? null;
    return known ?? (await this.#verdict(provider));
  }

  async #chosen(provider: ProviderId): Promise<Device> {
    const verdict = provider === 'cpu' ? null : await this.#chosenVerdict(provider);
    if (verdict !== null && verdict.code !== 'EP_SLOW') {
      throw new StopbathError({
        code: 'PROVIDER_UNAVAILABLE',
        message: `${provider} cannot be used: ${verdict.reason}`,
        nextStep: 'Choose another device, or Automatic.',
        detail: verdict.code,
      });
    }
    return { provider, rungs: [{ provider, taken: true, code: verdict?.code ?? 'OK', reason: verdict?.reason ?? '' }] };
  }

  /** Asked for by name, a provider that failed or crashed is tried again: a driver may have come since. */
  async #chosenVerdict(provider: ProviderId): Promise<Verdict> {
    const known = this.#options.knownBefore?.(provider) ?? null;
    if (known !== null && provider === 'cuda') return known;
    const earlier = await this.#verdicts.get(provider);
    if (earlier === null || earlier?.code === 'EP_SLOW') return earlier;
    const verdict = await this.#probe(provider);
    this.#verdicts.set(provider, Promise.resolve(verdict));
    return verdict;
  }

  /** A probe that cannot even be made is a reason like any other: Automatic goes on to the next rung. */
  async #probe(provider: ProviderId): Promise<Verdict> {
    try {
      return await this.#options.probe(provider);
    } catch (error) {
      return explainFailure(provider, String(error));
    }
  }

  #verdict(provider: ProviderId): Promise<Verdict> {
    const known = this.#verdicts.get(provider);
    if (known !== undefined) return known;
    const asked = this.#lookUpOrProbe(provider);
    this.#verdicts.set(provider, asked);
    return asked;
  }

  async #lookUpOrProbe(provider: ProviderId): Promise<Verdict> {
    const stored = await this.#load();
    if (Object.hasOwn(stored.verdicts, provider)) return stored.verdicts[provider] ?? null;
    const dangerous = this.#options.probesInThisProcess === true;
    if (dangerous && (this.#options.cacheFolder ?? null) === null) return notTried;
    if (dangerous) await this.#save({ ...stored, verdicts: { ...stored.verdicts, [provider]: crashed } });
    const verdict = await this.#probe(provider);
    // Only good news is kept over a restart: what is missing may be installed any time.
    if (verdict === null) stored.verdicts[provider] = verdict;
    if (verdict === null || dangerous) await this.#save(stored);
    return verdict;
  }

  get #key(): string {
    return [runtimeVersion, this.#options.platform ?? process.platform, this.#options.arch ?? process.arch].join(' ');
  }

  async #load(): Promise<Stored> {
    if (this.#stored !== null) return this.#stored;
    this.#stored = { verdicts: {}, verified: [] };
    const folder = this.#options.cacheFolder ?? null;
    if (folder === null) return this.#stored;
    try {
      const parsed = cacheSchema.parse(JSON.parse(await readFile(join(folder, cacheFile), 'utf8')));
      if (parsed.key === this.#key) this.#stored = parsed;
    } catch {
      // None yet, or unreadable: the probe decides.
    }
    return this.#stored;
  }

  async #save({ verdicts, verified }: Stored): Promise<void> {
    const folder = this.#options.cacheFolder ?? null;
    if (folder === null) return;
    try {
      await mkdir(folder, { recursive: true });
      const file = join(folder, cacheFile);
      await writeFile(`${file}.${process.pid}`, JSON.stringify({ key: this.#key, verdicts, verified }));
      await rename(`${file}.${process.pid}`, file);
    } catch {
      // A cache only: without it the next start probes again.
    }
  }
}

const cacheFile = 'providers.json';

const crashed: Verdict = { code: 'EP_CRASH', reason: 'Its driver crashed when it was tried.' };
const notTried: Verdict = { code: 'NOT_TRIED', reason: 'It is tried only when chosen in the settings.' };

const libraryFolders = ['/usr/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib', '/lib', '/usr/local/lib'];

/** What the NVIDIA driver, or WSL's stand-in for it, leaves on a system with a card. */
const nvidiaMarks = ['/proc/driver/nvidia/version', '/dev/nvidiactl', '/dev/dxg'];

/** Saves a process start where a missing file already decides. Linux only. */
export function knownMissing(provider: ProviderId): Verdict {
  if (process.platform !== 'linux') return null;
  if (provider === 'cuda' && !nvidiaMarks.some((mark) => existsSync(mark))) return explainFailure('cuda', 'CUDA failure 100');
  if (provider === 'cuda' && !existsSync(join(bindingFolder(), 'libonnxruntime_providers_cuda.so'))) {
    return explainFailure('cuda', 'libonnxruntime_providers_cuda.so: cannot open');
  }
  const searched = [...libraryFolders, ...(process.env['LD_LIBRARY_PATH'] ?? '').split(':')];
  const hasVulkan = existsSync('/nix') || searched.some((folder) => existsSync(join(folder, 'libvulkan.so.1')));
  if (provider === 'webgpu' && !hasVulkan) return explainFailure('webgpu', "Couldn't load Vulkan");
  return null;
}

function bindingFolder(): string {
  const entry = createRequire(import.meta.url).resolve('onnxruntime-node');
  return join(dirname(entry), '..', 'bin', 'napi-v6', process.platform, process.arch);
}
