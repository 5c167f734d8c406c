import type { GenerationRequest, ProviderId } from '../../../shared/generation.ts';
import type { Settings } from '../../../shared/contract.ts';
import { type AdapterBytes, withAdapters } from './adapterSize.ts';
import { type DeviceMemory, deviceMemory } from './freeMemory.ts';
import { type ModelSize, readModelSize } from './modelSize.ts';
import { isSmallModel, type PlannedRun, planRun } from './plan.ts';

const plenty: DeviceMemory = { free: Number.MAX_SAFE_INTEGER, total: Number.MAX_SAFE_INTEGER };

/** What a model needs of the memory, kept while the same folder is asked about. */
export class MemoryPlanner {
  readonly #memoryOf: (provider: ProviderId) => Promise<DeviceMemory>;
  #known: { readonly folder: string; readonly size: ModelSize } | null = null;

  /** @param memoryOf asked before every plan; left out: the real device */
  constructor(memoryOf: (provider: ProviderId) => Promise<DeviceMemory> = deviceMemory) {
    this.#memoryOf = memoryOf;
  }

  /** @throws StopbathError as `readModelSize`. */
  async plan(input: {
    readonly folder: string;
    readonly provider: ProviderId;
    readonly request: GenerationRequest;
    readonly policy: Settings['memoryPolicy'];
    readonly decodesPreviews: boolean;
    /** What this process holds on the device by now, which the run would have instead. */
    readonly heldBytes: number;
    /** The figures count, not the plan alone: a small model's is known without asking the device. */
    readonly isForecast?: boolean;
    /** LoRAs that are to be put on the model; left out: none, or the folder's graphs have them. */
    readonly adapters?: AdapterBytes;
  }): Promise<PlannedRun> {
    const { folder, heldBytes, isForecast = false, adapters = new Map(), ...rest } = input;
    const size = withAdapters(await this.#sizeOf(folder), adapters);
    if (!isForecast && isSmallModel(size, input.policy)) return planRun({ ...rest, size, memory: plenty });
    const { free, total } = await this.#memoryOf(input.provider);
    return planRun({ ...rest, size, memory: { free: Math.min(total, free + heldBytes), total } });
  }

  /** What the largest part takes on the CPU for a moment, beside what is loaded: half precision is copied there. */
  async referenceBytes(folder: string): Promise<number> {
    const { parts } = await this.#sizeOf(folder);
    return Math.max(...parts.map(({ weightBytes, isHalf }) => (isHalf ? 2.2 : 1.1) * weightBytes));
  }

  async #sizeOf(folder: string): Promise<ModelSize> {
    if (this.#known?.folder !== folder) this.#known = { folder, size: await readModelSize(folder) };
    return this.#known.size;
  }

  /** Files may have changed. */
  forget(): void {
    this.#known = null;
  }
}
