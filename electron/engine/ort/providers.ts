import { sep } from 'node:path';
import type { EngineStatus } from '../../../shared/contract.ts';
import { type DeviceReason, deviceReasons, explainFailure } from '../../../shared/deviceReasons.ts';
import { StopbathError } from '../../../shared/errors.ts';
import type { ProviderChoice, ProviderId } from '../../../shared/generation.ts';
import { type GraphVariant, usualVariant } from '../graph/graphVariant.ts';
import type { ModelSession } from '../tensor/modelSession.ts';
import { mayMove, openMovable, type OpenOn, partName } from './movableSession.ts';
import type { Prober, Verdict } from './prober.ts';
import type { VariantProber } from './variantProbe.ts';
import { Variants } from './variants.ts';
import { VerdictFile } from './verdictFile.ts';

export interface Device {
  readonly provider: ProviderId;
  readonly rungs: EngineStatus['rungs'];
}

type Rung = EngineStatus['rungs'][number];

/**
 * Best first; the CPU always runs. Core ML comes first on a Mac and is taken where it is faster than the CPU on a block with open
 * sides, which it often is not: it may cut such a graph into many pieces.
 */
export function ladderOf(platform: NodeJS.Platform, arch: string): readonly ProviderId[] {
  if (platform === 'win32') return ['dml', 'webgpu', 'cpu'];
  if (platform === 'darwin') return ['coreml', 'webgpu', 'cpu'];
  if (platform === 'linux' && arch === 'x64') return ['cuda', 'webgpu', 'cpu'];
  return ['cpu'];
}

export interface ProviderOptions {
  readonly probe: Prober;
  /** Left out: every device has its usual variant. */
  readonly probeVariant?: VariantProber;
  readonly platform?: NodeJS.Platform;
  readonly arch?: string;
  /** Where probe results outlive the process; null: they do not. */
  readonly cacheFolder?: string | null;
  /** What can be known without a probe; null: a probe is worth its time. */
  readonly knownBefore?: (provider: ProviderId) => Verdict;
  /** A crashing driver then takes this process along: a note on disk has to outlive it. */
  readonly probesInThisProcess?: boolean;
  /** Told when a part of a model went to the CPU while it was loaded or ran. */
  readonly onChange?: (device: Device) => void;
  /** Of runtime and drivers: what was learnt with another key does not count. */
  readonly key?: string;
  /** Told what was found out; nothing a person must see. */
  readonly log?: (text: string) => void;
}

/** Chooses the execution provider, for a model and for each part of it, and keeps what it learnt. */
export class Providers {
  readonly #options: ProviderOptions;
  readonly #ladder: readonly ProviderId[];
  readonly #verdicts = new Map<ProviderId, Promise<Verdict>>();
  readonly #rejected = new Map<string, DeviceReason>();
  /** `provider file` -> why that part runs on the CPU. */
  readonly #moved = new Map<string, DeviceReason>();
  /** The rungs told last for a model's folder, parts left out. */
  readonly #told = new Map<string, Device>();
  readonly #file: VerdictFile;
  readonly #variants: Variants | null;

  constructor(options: ProviderOptions) {
    this.#options = options;
    this.#ladder = ladderOf(options.platform ?? process.platform, options.arch ?? process.arch);
    this.#file = new VerdictFile(options.cacheFolder ?? null, options.key);
    const { probeVariant: probe, probesInThisProcess = false, log = () => undefined } = options;
    this.#variants = probe === undefined ? null : new Variants({ probe, probesInThisProcess, log, file: this.#file });
  }

  /**
   * @throws StopbathError `PROVIDER_UNAVAILABLE` when a provider chosen by name cannot be used: it is never replaced
   * silently. Slower than the CPU is allowed then.
   */
  async resolve(choice: ProviderChoice, model: string): Promise<Device> {
    const device = choice === 'auto' ? await this.#climbDown(model) : await this.#chosen(choice);
    this.#told.set(model, device);
    return choice === 'auto' ? this.#withParts(device, model) : device;
  }

  /** Puts a provider aside, for one model, that passed its probe but could not run it. */
  reject(provider: ProviderId, model: string, detail: string): void {
    this.#rejected.set(`${provider} ${model}`, explainFailure(provider, detail));
  }

  /** In which variant graphs are to be written for a device that was resolved for a model. */
  async variantFor(provider: ProviderId, model: string): Promise<GraphVariant> {
    // A software driver: its probe would take minutes, and nothing is to be gained.
    const isSlow = this.#told.get(model)?.rungs.some((rung) => rung.taken && rung.code === deviceReasons.slow.code) === true;
    return isSlow || this.#variants === null ? usualVariant(provider) : this.#variants.of(provider, model);
  }

  /** A model could not be run in the variant of its device. @returns whether {@link variantFor} names another one now */
  async rejectVariant(provider: ProviderId, model: string, detail: string): Promise<boolean> {
    return (await this.#variants?.reject(provider, model, detail)) ?? false;
  }

  async isVerified(provider: ProviderId, modelHash: string): Promise<boolean> {
    return (await this.#file.load()).verified.includes(`${provider} ${modelHash}`);
  }

  async setVerified(provider: ProviderId, modelHash: string): Promise<void> {
    const stored = await this.#file.load();
    await this.#file.save({ ...stored, verified: [...stored.verified, `${provider} ${modelHash}`] });
  }

  /**
   * Opens a part of a model (`.../<part>/model.onnx`) on its device. Where the device was chosen by `auto`, a part other than the
   * UNet that the device refuses runs on the CPU, now or from the run on that failed; `onChange` is told.
   */
  async openPart(file: string, provider: ProviderId, choice: ProviderChoice, openSession: OpenOn): Promise<ModelSession> {
    if (choice !== 'auto' || provider === 'cpu' || !mayMove(file)) return openSession(file, provider);
    const key = `${provider} ${file}`;
    const known = this.#moved.get(key) ?? (await this.#file.load()).moved[key];
    if (known !== undefined) {
      this.#moved.set(key, known);
      this.#tell(file);
      return openSession(file, 'cpu');
    }
    return openMovable({ file, provider, openSession, onMoved: (reason) => this.#move(key, file, reason) });
  }

  async #move(key: string, file: string, reason: DeviceReason): Promise<void> {
    this.#moved.set(key, reason);
    this.#tell(file);
    // Want of memory passes; a wrong kernel stays wrong until the driver changes.
    if (reason.code !== 'EP_WRONG') return;
    const stored = await this.#file.load();
    await this.#file.save({ ...stored, moved: { ...stored.moved, [key]: reason } });
  }

  #tell(file: string): void {
    for (const [model, device] of this.#told) {
      if (file.startsWith(model + sep)) this.#options.onChange?.(this.#withParts(device, model));
    }
  }

  #withParts(device: Device, model: string): Device {
    const parts: Rung[] = [];
    for (const [key, reason] of this.#moved) {
      const [provider, file] = splitKey(key);
      if (provider === device.provider && file.startsWith(model + sep)) {
        parts.push({ provider: device.provider, part: partName(file) ?? file, taken: false, ...reason });
      }
    }
    return { provider: device.provider, rungs: [...device.rungs, ...parts] };
  }

  async #climbDown(model: string): Promise<Device> {
    const rungs: Rung[] = [];
    for (const provider of this.#ladder) {
      const verdict = provider === 'cpu' ? null : await this.#verdictFor(provider, model);
      rungs.push(rungOf(provider, verdict === null, verdict));
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
    if (verdict !== null && verdict.code !== deviceReasons.slow.code) {
      throw new StopbathError({
        code: 'PROVIDER_UNAVAILABLE',
        message: `${provider} cannot be used: ${verdict.reason}`,
        nextStep: [verdict.remedy, 'Choose another device, or Automatic.'].filter((text) => text !== '').join(' '),
        detail: verdict.code,
      });
    }
    return { provider, rungs: [rungOf(provider, true, verdict)] };
  }

  /** Asked for by name, a provider that failed or crashed is tried again: a driver may have come since. */
  async #chosenVerdict(provider: ProviderId): Promise<Verdict> {
    const known = this.#options.knownBefore?.(provider) ?? null;
    if (known !== null && provider === 'cuda') return known;
    const stored = (await this.#file.load()).verdicts[provider];
    const earlier = stored === null ? null : await this.#verdicts.get(provider);
    if (earlier === null || earlier?.code === deviceReasons.slow.code) return earlier;
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

  async #verdict(provider: ProviderId): Promise<Verdict> {
    const asked = this.#verdicts.get(provider) ?? this.#lookUpOrProbe(provider);
    this.#verdicts.set(provider, asked);
    const verdict = await asked;
    // A self-test, in a process of its own, may have had better news since.
    if (verdict === null || (await this.#file.load()).verdicts[provider] === null) return null;
    return verdict;
  }

  async #lookUpOrProbe(provider: ProviderId): Promise<Verdict> {
    const stored = await this.#file.load();
    if (Object.hasOwn(stored.verdicts, provider)) return stored.verdicts[provider] ?? null;
    const dangerous = this.#options.probesInThisProcess === true;
    if (dangerous && !this.#file.outlivesProcess) return deviceReasons.notTried;
    if (dangerous) await this.#note(provider, deviceReasons.crashed);
    const verdict = await this.#probe(provider);
    // Only good news is kept over a restart: what is missing may be installed any time.
    if (verdict === null) await this.#note(provider, verdict);
    else if (dangerous) await this.#forget(provider);
    return verdict;
  }

  async #note(provider: ProviderId, verdict: Verdict): Promise<void> {
    const stored = await this.#file.load();
    await this.#file.save({ ...stored, verdicts: { ...stored.verdicts, [provider]: verdict } });
  }

  async #forget(provider: ProviderId): Promise<void> {
    const stored = await this.#file.load();
    const verdicts = Object.entries(stored.verdicts).filter(([name]) => name !== provider);
    await this.#file.save({ ...stored, verdicts: Object.fromEntries(verdicts) });
  }
}

function rungOf(provider: ProviderId, taken: boolean, verdict: Verdict): Rung {
  return { provider, taken, code: verdict?.code ?? 'OK', reason: verdict?.reason ?? '', remedy: verdict?.remedy ?? '' };
}

function splitKey(key: string): [provider: string, file: string] {
  const at = key.indexOf(' ');
  return [key.slice(0, at), key.slice(at + 1)];
}
