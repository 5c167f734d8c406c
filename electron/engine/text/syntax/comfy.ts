import type { PromptPiece } from './promptPiece.ts';

const groupFactor = 1.1;
/** What Python's float() takes, but for infinities, NaN and digits grouped by underscores: those are text here. */
const weightPattern = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/;
/** ComfyUI's own stand-ins for brackets after a backslash. */
const [escapedClose, escapedOpen] = ['\0\x01', '\0\x02'];

interface Span {
  readonly from: number;
  readonly to: number;
  readonly weight: number;
}

/**
 * Reads ComfyUI's emphasis (comfy/sd1_clip.py, token_weights): `(x)` times 1.1, `(x:1.3)` exactly 1.3 whatever stands
 * around it, `\(` and `\)` plain. Square brackets, `BREAK` and schedules are text there, and so here. An unclosed bracket
 * is text, unless the text ends in a closing one: then ComfyUI takes the two for a pair.
 * Never throws, in time that grows with the length of the text.
 */
export function parseComfy(text: string): readonly PromptPiece[] {
  const source = text.replaceAll('\\)', escapedClose).replaceAll('\\(', escapedOpen);
  const { partner, colon } = scan(source);
  const pieces: PromptPiece[] = [];
  // Last in, first out: what a group holds comes before what follows the group.
  const waiting: Span[] = [{ from: 0, to: source.length, weight: 1 }];
  for (let span = waiting.pop(); span !== undefined; span = waiting.pop()) {
    const items = splitSpan(source, span, partner);
    const whole = items[0];
    if (whole !== undefined && items.length === 1 && !isGroup(source, whole)) {
      pieces.push({ text: unescaped(source.slice(whole.from, whole.to)), weight: whole.weight });
      continue;
    }
    for (const item of items.reverse()) waiting.push(isGroup(source, item) ? insideOf(source, item, colon) : item);
  }
  return pieces;
}

/** For every `(` its `)`, -1 where there is none; for every place the last `:` at or before it. */
function scan(source: string): { partner: Int32Array; colon: Int32Array } {
  const partner = new Int32Array(source.length).fill(-1);
  const colon = new Int32Array(source.length);
  const open: number[] = [];
  let last = -1;
  for (let at = 0; at < source.length; at++) {
    const sign = source[at];
    if (sign === ':') last = at;
    colon[at] = last;
    if (sign === '(') open.push(at);
    else if (sign === ')') partner[open.pop() ?? source.length] = at;
  }
  return { partner, colon };
}

/** parse_parentheses: groups of the outermost level and what lies between them. */
function splitSpan(source: string, { from, to, weight }: Span, partner: Int32Array): Span[] {
  const items: Span[] = [];
  let [start, depth] = [from, 0];
  const cut = (end: number): void => {
    if (end > start) items.push({ from: start, to: end, weight });
    start = end;
  };
  for (let at = from; at < to; at++) {
    const sign = source[at];
    if (sign === ')') depth--;
    else if (sign === '(' && depth < 0) depth++;
    else if (sign === '(') {
      cut(at);
      const close = partner[at] ?? -1;
      if (close === -1 || close >= to) break;
      cut(close + 1);
      at = close;
    }
  }
  cut(to);
  return items;
}

function isGroup(source: string, { from, to }: Span): boolean {
  return to - from >= 2 && source[from] === '(' && source[to - 1] === ')';
}

function insideOf(source: string, { from, to, weight }: Span, colon: Int32Array): Span {
  const at = colon[to - 2] ?? -1;
  const number = at > from + 1 ? source.slice(at + 1, to - 1) : '';
  if (weightPattern.test(number)) return { from: from + 1, to: at, weight: Number(number) };
  return { from: from + 1, to: to - 1, weight: weight * groupFactor };
}

function unescaped(text: string): string {
  return text.replaceAll(escapedClose, ')').replaceAll(escapedOpen, '(');
}
