import { toFailure } from '../../../shared/errors.ts';
import type { ProviderId } from '../../../shared/generation.ts';
import type { LatentSpace } from '../latents/latentSpace.ts';
import type { ModelConfigs } from '../pipelines/configs.ts';
import type { CheckedOnnx } from '../pipelines/externalData.ts';
import type { ModelLayout, PartName } from '../pipelines/layout.ts';
import type { ModelSession, OpenSession } from '../tensor/modelSession.ts';
import type { Findings } from './findings.ts';

export interface ExamineDeps {
  readonly provider: ProviderId;
  /** Opens a file on that device. */
  readonly openSession: OpenSession;
  /** Opens a file on the CPU; null where the device is the CPU. */
  readonly openOnCpu: OpenSession | null;
  /** Where a fitted preview is kept; null: nowhere. */
  readonly cacheFolder: string | null;
}

/** A model under examination. */
export interface Case extends ExamineDeps {
  readonly findings: Findings;
  readonly layout: ModelLayout;
  readonly configs: ModelConfigs;
  readonly latentSpace: LatentSpace;
  /** Parts whose files are whole and safe to open. */
  readonly files: ReadonlyMap<PartName, CheckedOnnx>;
}

/**
 * Opens a part, works with it, and lets it go again: never more than one large part is in memory.
 * @returns null where the part cannot be opened or the work failed; the finding says why
 */
export function withPart<T>(example: Case, part: PartName, work: (session: ModelSession, file: CheckedOnnx) => Promise<T>): Promise<T | null> {
  const file = example.files.get(part);
  if (file === undefined) return Promise.resolve(null);
  return example.findings.attempt(part, () =>
    onDeviceOrCpu(example, part, async (open) => {
      const session = await open(file.file);
      try {
        return await work(session, file);
      } finally {
        await session.release();
      }
    }),
  );
}

/** A part its device cannot run works on the CPU, where a run puts it, too; where it does not, the file is at fault. */
export async function onDeviceOrCpu<T>({ findings, openSession, openOnCpu, provider }: Case, part: string, work: (open: OpenSession) => Promise<T>): Promise<T> {
  try {
    return await work(openSession);
  } catch (error) {
    if (openOnCpu === null) throw error;
    const result = await work(openOnCpu);
    const message = `${part} does not run on ${provider}, but on the CPU: ${toFailure(error).message}`;
    findings.add('warning', 'DEVICE_FAILED', part, message, 'Choose Automatic as the device, and see the Device panel.');
    return result;
  }
}

/** Whether a part computes in half precision. */
export function isHalf({ inputs }: Pick<ModelSession, 'inputs'>, { computesInHalf }: CheckedOnnx): boolean {
  return computesInHalf || inputs.some(({ type }) => type === 'float16');
}

/** `unet/model.onnx` as the model has it. */
export function nameOf({ file }: CheckedOnnx, { folder }: ModelLayout): string {
  return file.slice(folder.length + 1).replaceAll('\\', '/');
}

/** `2.1 GB`, `48 kB`. */
export function readableBytes(bytes: number): string {
  const steps: readonly (readonly [number, string])[] = [[1e9, 'GB'], [1e6, 'MB'], [1e3, 'kB']];
  const [size, unit] = steps.find(([least]) => bytes >= least) ?? [1, 'bytes'];
  const value = bytes / size;
  return `${value >= 10 || unit === 'bytes' ? Math.round(value) : Math.round(value * 10) / 10} ${unit}`;
}
