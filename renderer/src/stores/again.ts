import { toFailure } from '../../../shared/errors.ts';
import type { GenerationRequest } from '../../../shared/generation.ts';
import { callCore } from './core.ts';
import { notifyFailure } from './notices.ts';
import { followRuns } from './view.ts';

/** The same request once more, to the last digit of its seed; the form is left alone. */
export async function generateAgain(request: GenerationRequest): Promise<void> {
  followRuns();
  try {
    await callCore('jobs.submit', { request, count: 1 });
  } catch (error) {
    notifyFailure(toFailure(error));
  }
}
