import { callbackTypes } from '../../../../shared/callbackTypes.ts';

/** A word that can be completed. */
export interface TypeWord {
  readonly label: string;
  /** Its type, as TypeScript writes it. */
  readonly type: string;
  readonly doc: string;
}

const block = (name: string): string => new RegExp(`^interface ${name} \\{\\n([\\s\\S]*?)^\\}`, 'm').exec(callbackTypes)?.[1] ?? '';

/** The members of an interface in the types that are given to callbacks, with what is written above each. */
export function membersOf(name: string): readonly TypeWord[] {
  const words: TypeWord[] = [];
  let doc = '';
  for (const line of block(name).split('\n')) {
    const comment = /^\s*\/\*\* (.*) \*\/$/.exec(line);
    const member = /^\s*(?:readonly )?(\w+)\??: (.*);$/.exec(line);
    if (comment !== null) doc = comment[1] ?? '';
    else if (member !== null) {
      words.push({ label: member[1] ?? '', type: member[2] ?? '', doc });
      doc = '';
    }
  }
  return words;
}

/** The tensors that can be asked for. */
export function tensorNames(): readonly string[] {
  const union = /^type TensorName =\n([\s\S]*?);$/m.exec(callbackTypes)?.[1] ?? '';
  return [...union.matchAll(/'(\w+)'/g)].map((match) => match[1] ?? '');
}
