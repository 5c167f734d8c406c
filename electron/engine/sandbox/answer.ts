import type { StepAnswer } from './protocol.ts';

/** Where a number of a patch may lie: as in a request. */
const ranges = { guidanceScale: 30, guidanceRescale: 1 } as const;

type Answer = Pick<StepAnswer, 'interrupt' | 'guidanceScale' | 'guidanceRescale' | 'state'>;

/** What the interpreter says a callback returned, looked at as if anybody had written it. */
export function parseStepAnswer(text: string, stateLength: number): Answer | { readonly fault: string } {
  const answer = parseJson(text);
  if (typeof answer !== 'object' || answer === null) return unreadable;
  const { interrupt, guidanceScale, guidanceRescale, state } = answer as Partial<Record<keyof Answer, unknown>>;
  if (typeof interrupt !== 'boolean' || !isNumberOrNull(guidanceScale) || !isNumberOrNull(guidanceRescale) || typeof state !== 'string') {
    return unreadable;
  }
  for (const [name, value] of [['guidanceScale', guidanceScale], ['guidanceRescale', guidanceRescale]] as const) {
    if (value !== null && (value < 0 || value > ranges[name])) return { fault: `returned ${value} for ${name}; it goes from 0 to ${ranges[name]}` };
  }
  if (state.length > stateLength) return { fault: `run.state has ${state.length} characters as JSON; at most ${stateLength} are kept` };
  return parseJson(state) === undefined ? unreadable : { interrupt, guidanceScale, guidanceRescale, state };
}

const unreadable = { fault: 'returned what cannot be read' } as const;

function isNumberOrNull(value: unknown): value is number | null {
  return value === null || (typeof value === 'number' && Number.isFinite(value));
}

/** @returns undefined when it is none */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
