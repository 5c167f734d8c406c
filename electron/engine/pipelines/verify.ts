import { StopbathError } from '../../../shared/errors.ts';
import type { ModelSession, OpenSession } from '../tensor/modelSession.ts';
import { steadyValues } from '../tensor/steadyValues.ts';
import { isOutOfMemory } from './residency.ts';
import { elementCount, tensor, type Tensor } from '../tensor/tensor.ts';

/**
 * A check of a model on its device against the CPU. A provider that passes a general probe can still be wrong for one model:
 * ONNX Runtime 1.30's WebGPU convolution gives wrong values for 6 or 9 input channels (measured; 9 is every inpainting UNet).
 */
export interface Verification {
  /** False where this model has passed on this device before. */
  readonly isNeeded: (modelHash: string) => Promise<boolean>;
  readonly openReference: OpenSession;
  readonly onPassed: (modelHash: string) => Promise<void>;
}

/** Half precision and TF32 stay well below this share of the largest value; a wrong kernel is far above. */
const tolerance = 0.02;

/**
 * Runs the same input through both and compares every output.
 * @param feeds values for every input, by name
 * @throws StopbathError `PROVIDER_UNAVAILABLE` when the results differ by more than rounding explains.
 */
export async function verifySession(
  part: string,
  session: ModelSession,
  reference: ModelSession,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<void> {
  const actual = await runOrMove(session, feeds);
  if (actual === null) return;
  const wanted = await reference.run(feeds);
  const isRight = Object.entries(wanted).every(([name, value]) => {
    const here = actual[name];
    return here !== undefined && relativeDifference(here, value) <= tolerance;
  });
  if (isRight || (await session.moveToCpu?.('wrong results for this model')) === true) return;
  throw new StopbathError({
    code: 'PROVIDER_UNAVAILABLE',
    message: `This device gives wrong results for ${part} of this model.`,
    nextStep: 'Choose another device, or Automatic.',
    detail: 'wrong results for this model',
  });
}

/** @returns null where the device has no memory for even this, and the part is on the CPU now: nothing to compare */
async function runOrMove(session: ModelSession, feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>> | null> {
  try {
    return await session.run(feeds);
  } catch (error) {
    if (!isOutOfMemory(error) || (await session.moveToCpu?.(error.detail ?? error.message)) !== true) throw error;
    return null;
  }
}

/** Largest difference as a share of the largest value; infinite when a value is no number. */
export function relativeDifference(actual: Tensor, wanted: Tensor): number {
  let difference = 0;
  let largest = 0;
  wanted.data.forEach((value, index) => {
    const here = Math.abs(value - (actual.data[index] ?? NaN));
    if (!(here <= difference)) difference = Number.isNaN(here) ? Infinity : here;
    largest = Math.max(largest, Math.abs(value));
  });
  return difference === 0 ? 0 : difference / largest;
}

/** Normal-sized values for a part's floating inputs. */
export function steadyTensor(dims: readonly number[]): Tensor {
  return tensor(dims, steadyValues(elementCount(dims), 1.7));
}
