import { deviceReasons } from '../../../shared/deviceReasons.ts';
import type { ProviderId } from '../../../shared/generation.ts';
import { type GraphVariant, isSameVariant, plainVariant, usualVariant, variantName, variantsToProbe } from '../graph/graphVariant.ts';
import { fastestRight, type VariantProber } from './variantProbe.ts';
import type { TriedVariant, VerdictFile } from './verdictFile.ts';

export interface VariantsOptions {
  readonly probe: VariantProber;
  /** Where results outlive the process, for the same runtime and drivers. */
  readonly file: VerdictFile;
  /** A crashing driver takes this process along: a note on disk has to outlive it. */
  readonly probesInThisProcess: boolean;
  /** Told once which variant a device has, and why. */
  readonly log: (text: string) => void;
}

/** Chooses, by trying them, in which variant graphs are written for a device. */
export class Variants {
  readonly #options: VariantsOptions;
  readonly #chosen = new Map<ProviderId, Promise<GraphVariant>>();
  /** `provider model` of models that cannot be run in the device's variant. */
  readonly #rejected = new Set<string>();

  constructor(options: VariantsOptions) {
    this.#options = options;
  }

  /**
   * The fastest variant that gave the CPU's results; plain attention in float32 where none did. Probed at the first call, which takes seconds, and
   * again for another runtime or driver. Never rejects.
   */
  async of(provider: ProviderId, model: string): Promise<GraphVariant> {
    if (variantsToProbe(provider).length === 0) return usualVariant(provider);
    if (this.#rejected.has(`${provider} ${model}`)) return plainVariant;
    const chosen = this.#chosen.get(provider) ?? this.#choose(provider);
    this.#chosen.set(provider, chosen);
    return chosen;
  }

  /**
   * A model could not be run in its device's variant: it may overflow in half precision.
   * @returns whether it has another one now
   */
  async reject(provider: ProviderId, model: string, why: string): Promise<boolean> {
    const variant = await this.of(provider, model);
    if (variantsToProbe(provider).length === 0 || isSameVariant(variant, plainVariant)) return false;
    this.#rejected.add(`${provider} ${model}`);
    this.#options.log(`${provider}: ${variantName(plainVariant)} for ${model}, which could not be run with ${variantName(variant)}: ${why}`);
    return true;
  }

  async #choose(provider: ProviderId): Promise<GraphVariant> {
    const found = await this.#found(provider);
    const variant = fastestRight(provider, found) ?? plainVariant;
    this.#options.log(`${provider}: graphs with ${variantName(variant)}. Tried: ${found.map(described).join('; ')}.`);
    return variant;
  }

  /** What is known already, and a probe of what is not. */
  async #found(provider: ProviderId): Promise<readonly TriedVariant[]> {
    const { file, probesInThisProcess } = this.#options;
    const known = (await file.load()).variants?.[provider] ?? [];
    const found = known.filter(({ reason }) => reason === null || !passing.has(reason.code));
    // A crash would end this process, and the next, and the next.
    if (probesInThisProcess && !file.outlivesProcess) return found;
    for (const variant of variantsToProbe(provider)) {
      if (found.some((item) => isSameVariant(item, variant))) continue;
      if (probesInThisProcess) await this.#save(provider, [...found, { ...variant, ms: null, reason: deviceReasons.crashed }]);
      found.push(await this.#options.probe(provider, variant));
      await this.#save(provider, found);
    }
    return found;
  }

  async #save(provider: ProviderId, found: readonly TriedVariant[]): Promise<void> {
    const stored = await this.#options.file.load();
    await this.#options.file.save({ ...stored, variants: { ...stored.variants, [provider]: [...found] } });
  }
}

/** Reasons that are gone at another time: then it is tried again. */
const passing: ReadonlySet<string> = new Set(['OOM', 'GPU_BUSY']);

function described(item: TriedVariant): string {
  if (item.reason !== null) return `${variantName(item)}: ${item.reason.code}`;
  return `${variantName(item)}: ${(item.ms ?? 0).toFixed(1)} ms`;
}
