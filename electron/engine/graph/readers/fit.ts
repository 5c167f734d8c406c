import { type ElementType, isWeightType } from './elementType.ts';
import type { ExpectedTensors } from './expected.ts';
import type { NamedTensor, NamedTensors } from './namedTensors.ts';
import { broken, quoted, unsupported } from './refusal.ts';

const shown = 3;

/** A few names and how many more there are. */
export function listed(names: readonly string[]): string {
  const more = names.length - shown;
  return names.slice(0, shown).map(quoted).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/**
 * Holds the tensors of a part against what its architecture has: all of it, nothing else, of the right sides and of a type that
 * can be computed with.
 * @param part for the sentences: `UNet`
 * @throws StopbathError `MODEL_BAD` for missing or misshapen tensors, `MODEL_UNSUPPORTED` for unknown ones and other types.
 */
export function requireFit(part: string, tensors: NamedTensors, expected: ExpectedTensors): void {
  const missing = [...expected.keys()].filter((name) => !tensors.has(name));
  const unknown = [...tensors].filter(([name]) => !expected.has(name)).map(([, tensor]) => tensor.storedAs);
  // Both at once is another architecture, not a damaged file.
  if (unknown.length > 0) {
    throw unsupported(
      `The ${part} has ${unknown.length} tensors that its architecture does not have: ${listed(unknown)}.`,
      'This variant of the architecture cannot be opened; the original model it was made from can.',
      missing.length === 0 ? undefined : `Missing: ${listed(missing)}`,
    );
  }
  if (missing.length > 0) throw broken(`The ${part} lacks ${missing.length} of its ${expected.size} tensors: ${listed(missing)}.`);
  requireTypes(part, tensors);
  for (const [name, dims] of expected) {
    const tensor = tensors.get(name);
    if (tensor === undefined || isSame(turned(tensor), dims)) continue;
    throw broken(`Tensor ${quoted(tensor.storedAs)} has the sides [${tensor.dims.join(', ')}]; the ${part} takes [${dims.join(', ')}].`);
  }
}

/** @throws StopbathError `MODEL_UNSUPPORTED` */
function requireTypes(part: string, tensors: NamedTensors): void {
  const others = new Map<ElementType, number>();
  for (const { type } of tensors.values()) if (!isWeightType(type)) others.set(type, (others.get(type) ?? 0) + 1);
  if (others.size === 0) return;
  const kinds = [...others].map(([type, count]) => `${count} tensors of ${type}`).join(', ');
  throw unsupported(
    `The ${part} is stored as ${kinds}: only F32, F16 and BF16 weights can be read in place.`,
    'Open the fp16 or bf16 version of the model.',
  );
}

function turned({ dims, transposed }: NamedTensor): readonly number[] {
  return transposed === true ? [...dims].reverse() : dims;
}

/** A pixel convolution is the matrix of the same numbers. */
function isSame(actual: readonly number[], wanted: readonly number[]): boolean {
  return actual.length >= wanted.length && actual.every((side, index) => side === (wanted[index] ?? 1));
}
