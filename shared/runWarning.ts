import { z } from 'zod';

/** Each has a sentence in the interface's languages. */
export const warningCodes = ['EMBEDDING_UNUSED', 'LORA_PARTLY', 'PREVIEW_FAILED', 'PROMPT_CUT', 'STEERING_TOO_LATE'] as const;
export type WarningCode = (typeof warningCodes)[number];

/** Characters of a warning's texts; what is longer is cut. */
export const maxWarningLength = 600;

/** Something of a run that was not done as asked, and did not end it. */
export const runWarningSchema = z.object({
  code: z.enum(warningCodes),
  /** In plain words: what, and why. */
  message: z.string().max(maxWarningLength),
  /** What a person can do about it. */
  nextStep: z.string().max(maxWarningLength).optional(),
});
export type RunWarning = z.infer<typeof runWarningSchema>;

/** Warnings of a run that are kept. */
export const mostWarnings = 20;

/** Each text once: a run that goes on, and every text that is encoded anew, tells it again. The first ones stay: they are the causes. */
export function withWarning(warnings: readonly RunWarning[], { code, message, nextStep }: RunWarning): RunWarning[] {
  const isKnown = warnings.some((other) => other.message === message);
  if (isKnown || warnings.length >= mostWarnings) return [...warnings];
  return [...warnings, { code, message, ...(nextStep === undefined ? {} : { nextStep }) }];
}
