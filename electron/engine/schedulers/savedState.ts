import { StopbathError } from '../../../shared/errors.ts';
import { type Tensor, tensorFromPlain } from '../tensor/tensor.ts';

/** The `snapshot` and `restore` of a scheduler that remembers nothing from step to step. */
export const noState = { snapshot: () => null, restore: () => undefined } as const;

function unreadable(): StopbathError {
  return new StopbathError({
    code: 'INVALID_INPUT',
    message: 'The saved scheduler state is not readable.',
    nextStep: 'Start the picture anew.',
  });
}

function savedField(state: unknown, name: string): unknown {
  if (typeof state !== 'object' || state === null || !(name in state)) throw unreadable();
  return (state as Record<string, unknown>)[name];
}

/** @throws StopbathError `INVALID_INPUT` when the state has no list of tensors of that name. */
export function savedTensors(state: unknown, name: string): Tensor[] {
  const list = savedField(state, name);
  if (!Array.isArray(list)) throw unreadable();
  return list.map(tensorFromPlain);
}

/** @throws StopbathError `INVALID_INPUT` when the state has neither a tensor nor null under that name. */
export function savedTensor(state: unknown, name: string): Tensor | null {
  const value = savedField(state, name);
  return value === null ? null : tensorFromPlain(value);
}

/** @throws StopbathError `INVALID_INPUT` when the state has no whole number of that name. */
export function savedCount(state: unknown, name: string): number {
  const value = savedField(state, name);
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) throw unreadable();
  return value;
}
