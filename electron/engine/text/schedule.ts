import { assertNever } from '../../../shared/errors.ts';
import type { PromptSyntax } from './promptEncoding.ts';
import { parseSchedule, type ScheduleNode } from './syntax/schedule.ts';

/** Which text counts at which step. */
export interface PromptSchedule {
  /** All texts, each once, in the order in which they first count. */
  readonly texts: readonly string[];
  /** Index into `texts` for a 0-based step of the run. */
  at(stepIndex: number): number;
}

/**
 * AUTOMATIC1111's prompt editing: `[from:to:when]`, `[to:when]`, `[from::when]`, `[a|b|c]`. A `when` with a dot is a share
 * of the steps (truncated), one without is a step. Malformed schedules are text. Other syntaxes know no schedules.
 *
 * Which step counts as which is A1111's, so that a picture comes out the same. Its schedules name the last step of a text
 * counted from 1, but the counter of its sampler starts at 0 (modules/sd_samplers_cfg_denoiser.py, CFGDenoiser.step;
 * prompt_parser.py, reconstruct_cond_batch: `current_step <= end_at_step`). Every change thus comes one step later than it
 * reads. Of 10 steps, ours counted from 0:
 *
 * | prompt | text by step |
 * |---|---|
 * | `[a:b:4]`, `[a:b:0.4]` | a at 0-4 (five steps), b at 5-9 |
 * | `[b:1]` | nothing at 0-1, b at 2-9 |
 * | `[a:b:0]`, `[a:b:0.05]` | b at 0-9 |
 * | `[a:b:1.0]`, `[a:b:12]` | a at 0-9 |
 * | `[a\|b]` | a a b a b a b a b a |
 *
 * @param numTimesteps T: what the run really does; model calls with solvers that need two a step
 */
export function readPromptSchedule(text: string, syntax: PromptSyntax, numTimesteps: number): PromptSchedule {
  if (syntax !== 'a1111') return { texts: [text], at: () => 0 };
  const nodes = parseSchedule(text);
  const ends = collectEnds(nodes, numTimesteps);
  const texts = new Map<string, number>();
  const byEnd = ends.map((end) => {
    const rendered = render(nodes, end, numTimesteps);
    const known = texts.get(rendered) ?? texts.size;
    texts.set(rendered, known);
    return known;
  });
  return {
    texts: [...texts.keys()],
    at: (stepIndex) => {
      const entry = ends.findIndex((end) => stepIndex <= end);
      return byEnd.at(entry) ?? 0;
    },
  };
}

/** The last step of the text before the change, counted from 1; below 1: the change is there from the start. */
function endOf(when: string, numTimesteps: number): number {
  const steps = when.includes('.') ? Number(when) * numTimesteps : Number(when);
  return Math.min(numTimesteps, Math.trunc(steps));
}

/** Steps, counted from 1, after which the text may change, in order; the last step is always among them. */
function collectEnds(nodes: readonly ScheduleNode[], numTimesteps: number): readonly number[] {
  const ends = new Set([numTimesteps]);
  walk(nodes, (node) => {
    if (node.kind === 'alternate') {
      for (let step = 1; step <= numTimesteps; step++) ends.add(step);
    } else if (node.kind === 'scheduled') {
      const end = endOf(node.when, numTimesteps);
      if (end >= 1) ends.add(end);
    }
    return childrenOf(node);
  });
  return [...ends].sort((a, b) => a - b);
}

/** @param step counted from 1 */
function render(nodes: readonly ScheduleNode[], step: number, numTimesteps: number): string {
  const parts: string[] = [];
  walk(nodes, (node) => {
    switch (node.kind) {
      case 'text':
        parts.push(node.text);
        return [];
      case 'all':
        return node.nodes;
      case 'scheduled':
        return step <= endOf(node.when, numTimesteps) ? node.before : node.after;
      case 'alternate':
        return node.options[(step - 1) % node.options.length] ?? [];
      default:
        return assertNever(node);
    }
  });
  return parts.join('');
}

function childrenOf(node: ScheduleNode): readonly ScheduleNode[] {
  switch (node.kind) {
    case 'text':
      return [];
    case 'all':
      return node.nodes;
    case 'scheduled':
      return [...node.before, ...node.after];
    case 'alternate':
      return node.options.flat();
    default:
      return assertNever(node);
  }
}

/** In reading order; brackets may be nested deeper than the stack of calls. */
function walk(nodes: readonly ScheduleNode[], enter: (node: ScheduleNode) => readonly ScheduleNode[]): void {
  const waiting = [...nodes].reverse();
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    const children = enter(node);
    for (let index = children.length - 1; index >= 0; index--) {
      const child = children[index];
      if (child !== undefined) waiting.push(child);
    }
  }
}
