import { z } from 'zod';
import { StopbathError } from './errors.ts';

/** Scheduler ids as the request, the command line and the saved settings spell them. */
export const schedulerIds = ['euler', 'euler_a', 'ddim', 'dpmpp_2m', 'dpmpp_2m_karras'] as const;
export type SchedulerId = (typeof schedulerIds)[number];

/** The names people know from A1111. `parameters` splits the last one in two, see infotext.ts. */
export const schedulerLabels: Record<SchedulerId, string> = {
  euler: 'Euler',
  euler_a: 'Euler a',
  ddim: 'DDIM',
  dpmpp_2m: 'DPM++ 2M',
  dpmpp_2m_karras: 'DPM++ 2M Karras',
};

export const providerIds = ['cuda', 'dml', 'coreml', 'webgpu', 'cpu'] as const;
export type ProviderId = (typeof providerIds)[number];
export type ProviderChoice = 'auto' | ProviderId;

/**
 * When classifier-free guidance ends.
 * `ratio`: diffusers' SDCFGCutoffCallback: off at the END of step index trunc(T * ratio), so trunc(T * ratio) + 1 steps
 * are guided. `guided-steps`: exactly that many steps are guided, 0 meaning none.
 */
export const guidanceEndSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('never') }),
  z.object({ kind: z.literal('ratio'), ratio: z.number().min(0).max(1) }),
  z.object({ kind: z.literal('guided-steps'), steps: z.int().min(0).max(1000) }),
]);
export type GuidanceEnd = z.infer<typeof guidanceEndSchema>;

export const maxPromptLength = 20_000;
export const maxSteps = 500;

const seedPattern = /^(0|[1-9][0-9]{0,19})$/;

/** A 64-bit unsigned seed as a decimal string: JSON numbers lose the digits above 2^53. */
export const seedSchema = z
  .string()
  .regex(seedPattern, 'a whole number from 0 to 18446744073709551615')
  .refine((text) => !seedPattern.test(text) || BigInt(text) <= 0xffff_ffff_ffff_ffffn, 'at most 18446744073709551615');

/** Width or height in pixels; a multiple of 8, the smallest factor of a Stable Diffusion VAE. */
const sideSchema = z.int().min(64).max(2048).multipleOf(8);

/** Everything that decides a picture: the same request on the same model gives the same picture. */
export const generationRequestSchema = z.object({
  task: z.literal('text-to-image'),
  modelId: z.string().min(1).max(200),
  prompt: z.string().max(maxPromptLength),
  /** `null`: no negative prompt was given; `''`: the empty prompt is encoded. Some models treat the two differently. */
  negativePrompt: z.string().max(maxPromptLength).nullable(),
  width: sideSchema,
  height: sideSchema,
  steps: z.int().min(1).max(maxSteps),
  /** At 1 or below nothing is guided. */
  guidanceScale: z.number().min(0).max(30),
  guidanceEnd: guidanceEndSchema,
  scheduler: z.enum(schedulerIds),
  seed: seedSchema,
});
export type GenerationRequest = z.infer<typeof generationRequestSchema>;

/**
 * Checks an untrusted request.
 * @throws StopbathError `INVALID_INPUT` naming the first bad field.
 */
export function parseGenerationRequest(value: unknown): GenerationRequest {
  const parsed = generationRequestSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.') ?? '';
  throw new StopbathError({
    code: 'INVALID_INPUT',
    message: field === '' ? 'The request is not readable.' : `${field}: ${issue?.message ?? 'is not valid'}`,
    ...(field === '' ? {} : { field }),
  });
}

/** The number of guided steps of a run with `numTimesteps` loop iterations, guidance being on at its start. */
export function guidedSteps(end: GuidanceEnd, numTimesteps: number): number {
  switch (end.kind) {
    case 'never':
      return numTimesteps;
    case 'ratio':
      return Math.min(numTimesteps, Math.trunc(numTimesteps * end.ratio) + 1);
    case 'guided-steps':
      return Math.min(numTimesteps, end.steps);
  }
}
