import { z } from 'zod';

export const maxPromptLength = 20_000;
export const maxSteps = 500;
/** Pictures one run can hold at once. */
export const maxBatch = 16;

export const promptSchema = z.string().max(maxPromptLength);
