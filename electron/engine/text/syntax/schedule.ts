/** A prompt as AUTOMATIC1111's schedule grammar sees it: text, and the places where it changes with the step. */
export type ScheduleNode =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'all'; readonly nodes: readonly ScheduleNode[] }
  /** `when` as written: with a dot a share of the steps, else a step. */
  | { readonly kind: 'scheduled'; readonly before: readonly ScheduleNode[]; readonly after: readonly ScheduleNode[]; readonly when: string }
  | { readonly kind: 'alternate'; readonly options: readonly (readonly ScheduleNode[])[] };

/** A bracket that is still open, its contents cut at colons and bars. */
interface Frame {
  readonly bracket: '(' | '[';
  readonly segments: ScheduleNode[][];
  readonly separators: string[];
}

const signs = /(?:[^\\[\]():|]|\\[^\n])+|[[\]():|]/gy;
const stepNumber = /^\s*([+-]?(?:\d+\.\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\d+))\s*$/;

/**
 * Reads `[from:to:when]`, `[to:when]`, `[from::when]` and `[a|b|c]`, nested and within emphasis, as the Lark grammar of
 * modules/prompt_parser.py does. A bracket that fits no rule is text together with all it stands in; a bar outside an
 * alternation, or a backslash with nothing after it, makes the whole prompt text. One pass over the text.
 * Where stray brackets stand right behind a schedule that grammar is ambiguous; it is a schedule here.
 */
export function parseSchedule(text: string): readonly ScheduleNode[] {
  const plain = [textNode(text)];
  const reader = new ScheduleReader();
  let end = 0;
  for (const { 0: sign, index } of text.matchAll(signs)) {
    if (!reader.take(sign)) return plain;
    end = index + sign.length;
  }
  return end === text.length && reader.finish() ? reader.root : plain;
}

class ScheduleReader {
  readonly root: ScheduleNode[] = [];
  #open: Frame[] = [];

  /** @returns false when the prompt as a whole fits no rule. */
  take(sign: string): boolean {
    const frame = this.#open.at(-1);
    if (sign === '(' || sign === '[') this.#open.push({ bracket: sign, segments: [[]], separators: [] });
    else if (sign === ')' || sign === ']') return frame === undefined ? this.#add(sign) : this.#close(frame, sign);
    else if (frame === undefined) return sign !== '|' && this.#add(sign);
    else if (sign === ':' || sign === '|') {
      frame.separators.push(sign);
      frame.segments.push([]);
    } else return this.#add(sign);
    return true;
  }

  /** What was never closed is text. */
  finish(): boolean {
    const frames = this.#open;
    this.#open = [];
    return frames.every((frame) => {
      this.root.push(...spelled(frame));
      return !frame.separators.includes('|');
    });
  }

  #close(frame: Frame, sign: string): boolean {
    const node = sign === (frame.bracket === '(' ? ')' : ']') ? groupOf(frame) : null;
    // Text within a bracket that needs a rule: every open one fails with it.
    if (node === null) return this.finish() && this.#add(sign);
    this.#open.pop();
    this.#target().push(node);
    return true;
  }

  #add(text: string): true {
    this.#target().push(textNode(text));
    return true;
  }

  #target(): ScheduleNode[] {
    return this.#open.at(-1)?.segments.at(-1) ?? this.root;
  }
}

/** The rule a closed bracket fits, or null. */
function groupOf(frame: Frame): ScheduleNode | null {
  const { bracket, segments, separators } = frame;
  const colons = separators.filter((sign) => sign === ':').length;
  const bars = separators.length - colons;
  if (bars === 0 && colons <= (bracket === '(' ? 1 : 0)) {
    return { kind: 'all', nodes: [...spelled(frame), textNode(bracket === '(' ? ')' : ']')] };
  }
  if (bracket === '(') return null;
  if (colons === 0) return { kind: 'alternate', options: segments };
  const when = bars === 0 && colons <= 2 ? numberIn(segments.at(-1) ?? []) : undefined;
  if (when === undefined) return null;
  const [first = [], second = []] = segments;
  return { kind: 'scheduled', before: colons === 2 ? first : [], after: colons === 2 ? second : first, when };
}

function numberIn(segment: readonly ScheduleNode[]): string | undefined {
  const only = segment.length === 1 ? segment[0] : undefined;
  return only?.kind === 'text' ? stepNumber.exec(only.text)?.[1] : undefined;
}

/** A frame as it was written, without its closing bracket. */
function spelled({ bracket, segments, separators }: Frame): ScheduleNode[] {
  const nodes = [textNode(bracket)];
  segments.forEach((segment, index) => {
    if (index > 0) nodes.push(textNode(separators[index - 1] ?? ''));
    for (const node of segment) nodes.push(node);
  });
  return nodes;
}

function textNode(text: string): ScheduleNode {
  return { kind: 'text', text };
}
