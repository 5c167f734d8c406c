import type { GenerationRequest, GuidanceEnd, SchedulerId } from './generation.ts';

/** What is known of a picture when its `parameters` text is written. */
export interface InfotextFacts {
  readonly request: GenerationRequest;
  readonly modelName: string;
  /** First 10 hex digits are written; null leaves the entry out. */
  readonly modelHash: string | null;
  /** Steps that really ran. */
  readonly stepsDone: number;
  /** Steps the run was planned for; written when it ended before them. */
  readonly numTimesteps?: number;
  /** The app's version. */
  readonly version: string;
}

/**
 * A1111 splits what older files called "DPM++ 2M Karras" in two. Its "Automatic" means Karras for DPM++ 2M, so the plain
 * schedule has to be named.
 */
const samplers: Record<SchedulerId, { sampler: string; schedule: string }> = {
  euler: { sampler: 'Euler', schedule: 'Automatic' },
  euler_a: { sampler: 'Euler a', schedule: 'Automatic' },
  ddim: { sampler: 'DDIM', schedule: 'Automatic' },
  dpmpp_2m: { sampler: 'DPM++ 2M', schedule: 'Uniform' },
  dpmpp_2m_karras: { sampler: 'DPM++ 2M', schedule: 'Karras' },
};

/**
 * The text A1111 and everything after it reads from a picture's `parameters` chunk: prompt, negative prompt, then one
 * line of settings.
 */
export function formatInfotext(facts: InfotextFacts): string {
  const { request } = facts;
  const { sampler, schedule } = samplers[request.scheduler];
  const numTimesteps = facts.numTimesteps ?? facts.stepsDone;
  const entries: (readonly [key: string, value: string] | null)[] = [
    ['Steps', String(facts.stepsDone)],
    ['Sampler', sampler],
    ['Schedule type', schedule],
    ['CFG scale', String(request.guidanceScale)],
    ['Seed', request.seed],
    ['Size', `${request.width}x${request.height}`],
    facts.modelHash === null ? null : ['Model hash', facts.modelHash.slice(0, 10)],
    ['Model', facts.modelName],
    // Without this entry A1111 takes the noise to come from a CUDA generator.
    ['RNG', 'CPU'],
    numTimesteps === facts.stepsDone ? null : ['Planned steps', String(numTimesteps)],
    request.guidanceEnd.kind === 'never' ? null : ['Guidance end', formatGuidanceEnd(request.guidanceEnd)],
    ['Version', `Stopbath ${facts.version}`],
  ];
  const settings = entries.filter((entry) => entry !== null).map(([key, value]) => `${key}: ${quote(value)}`);
  const lines = [request.prompt];
  // A1111 writes no line for an empty negative prompt; the difference between none and '' is kept in our own chunk.
  if (request.negativePrompt !== null && request.negativePrompt !== '') {
    lines.push(`Negative prompt: ${request.negativePrompt}`);
  }
  lines.push(settings.join(', '));
  return lines.join('\n');
}

function formatGuidanceEnd(end: Exclude<GuidanceEnd, { kind: 'never' }>): string {
  return end.kind === 'ratio' ? `ratio ${end.ratio}` : `guided steps ${end.steps}`;
}

/** A value that would break the list is written as a JSON string, non-ASCII characters as they are. */
function quote(value: string): string {
  return /[,:\n"]/.test(value) ? JSON.stringify(value) : value;
}
