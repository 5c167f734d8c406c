import { StopbathError } from '../../../shared/errors.ts';

/**
 * A run of a scheduler with two model calls a step cannot begin between them: img2img strengths and denoising_start leave
 * out whole steps, and a checkpoint between the halves holds what the first one found.
 */
export function secondHalfWithoutFirst(): StopbathError {
  return new StopbathError({
    code: 'INVALID_INPUT',
    message: 'This sampler takes two model calls a step, and a run cannot begin at the second.',
    nextStep: 'Begin one model call earlier or later.',
  });
}
