import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readPromptSchedule } from '../schedule.ts';
import { parseA1111 } from './a1111.ts';
import { parseComfy } from './comfy.ts';

// Made by e2e/parity/make_text_goldens.py from AUTOMATIC1111's and ComfyUI's own parsers.
const golden = JSON.parse(readFileSync(new URL('../golden/grammar.json', import.meta.url), 'utf8')) as {
  emphasis: { text: string; pieces: [string, number][] }[];
  comfy: { text: string; pieces: [string, number][] }[];
  schedules: { text: string; steps: number; texts: string[]; at: number[] }[];
};

const pairs = (pieces: readonly { text: string; weight: number }[]): [string, number][] =>
  pieces.map(({ text, weight }) => [text, weight]);

describe('emphasis of A1111', () => {
  it('is read as its docstring says', () => {
    expect(pairs(parseA1111('a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).'))).toEqual([
      ['a ', 1], ['house', 1.5730000000000004], [' ', 1.1], ['on', 1], [' a ', 1.1], ['hill', 0.55], [', sun, ', 1.1],
      ['sky', 1.4641000000000006], ['.', 1.1],
    ]);
  });

  it.each(golden.emphasis)('of $text is what its own parser gives', ({ text, pieces }) => {
    expect(pairs(parseA1111(text))).toEqual(pieces);
  });

  it('takes a number that is none for text', () => {
    expect(pairs(parseA1111('(a:1.2.3) b'))).toEqual([['a:1.2.3', 1.1], [' b', 1]]);
  });
});

describe('emphasis of ComfyUI', () => {
  // From the docstring of comfy/sd1_clip.py, token_weights; digits as its own function gives them.
  it.each<[string, [string, number][]]>([
    ['(foo)', [['foo', 1.1]]],
    ['(foo)(bar)', [['foo', 1.1], ['bar', 1.1]]],
    ['(foo:2.0)', [['foo', 2]]],
    ['((foo))', [['foo', 1.2100000000000002]]],
    ['((foo):1.1)', [['foo', 1.2100000000000002]]],
    ['((foo:1.1))', [['foo', 1.1]]],
    ['(foo:0.0)', [['foo', 0]]],
    ['((foo:1.0):0.0)', [['foo', 1]]],
    ['foo ((((lol (cat:666) attack:100)))) baz', [['foo ', 1], ['lol ', 100], ['cat', 666], [' attack', 100], [' baz', 1]]],
    [
      'foo ((((lol (cat:666) attack):100))) baz',
      [['foo ', 1], ['lol ', 110.00000000000001], ['cat', 666], [' attack', 110.00000000000001], [' baz', 1]],
    ],
    ['\\(a\\) [b] BREAK', [['(a) [b] BREAK', 1]]],
    ['(a:inf) (b:x)', [['a:inf', 1.1], [' ', 1], ['b:x', 1.1]]],
    ['', []],
  ])('of %s', (text, pieces) => {
    expect(pairs(parseComfy(text))).toEqual(pieces);
  });
});

it.each(golden.comfy)('emphasis of ComfyUI of $text is what its own parser gives', ({ text, pieces }) => {
  expect(pairs(parseComfy(text))).toEqual(pieces);
});

describe('schedules of A1111', () => {
  it.each(golden.schedules)('of $text over $steps steps are what its own parser gives', ({ text, steps, texts, at }) => {
    const schedule = readPromptSchedule(text, 'a1111', steps);
    const wanted = at.map((index) => texts[index]);
    expect(at.map((_, step) => schedule.texts[schedule.at(step)])).toEqual(wanted);
    expect(new Set(schedule.texts).size).toBe(schedule.texts.length);
  });

  it.each<[string, string]>([
    ['[a:b:4]', 'aaaaabbbbb'],
    ['[a:b:0.4]', 'aaaaabbbbb'],
    ['[a:b:0]', 'bbbbbbbbbb'],
    ['[a:b:0.05]', 'bbbbbbbbbb'],
    ['[a:b:1.0]', 'aaaaaaaaaa'],
    ['[a:b:12]', 'aaaaaaaaaa'],
    ['[a|b]', 'aababababa'],
  ])('%s over 10 steps', (text, steps) => {
    const schedule = readPromptSchedule(text, 'a1111', 10);
    expect(Array.from({ length: 10 }, (_, step) => schedule.texts[schedule.at(step)]).join('')).toBe(steps);
  });

  it('keep emphasis for the emphasis reader, and its brackets around them', () => {
    const { texts } = readPromptSchedule('([red:(green:1.2):3] house:1.3) [sky]', 'a1111', 10);
    expect(texts).toEqual(['(red house:1.3) [sky]', '((green:1.2) house:1.3) [sky]']);
  });

  it('are A1111\'s alone', () => {
    for (const syntax of ['comfy', 'plain'] as const) {
      expect(readPromptSchedule('[a:b:3] [c|d]', syntax, 10).texts).toEqual(['[a:b:3] [c|d]']);
    }
  });
});

describe('a text of 20,000 signs', () => {
  const many = (part: string): string => part.repeat(Math.floor(20_000 / part.length));
  it.each([
    '(', '[', ')', ']', '(a', '[a', '()', '(a)', 'a)', '[a:', '[a|', ':', ' ', ': ', ':1', ':1)', '(a:1', '\\', '\\(', 'BREAK ', '[[a:b:1]',
    '[a:b:.5]', '((a)', '(:', '[a:3](',
  ])('of nothing but %s is read, and within the test runner\'s patience', (part) => {
    for (const text of [many(part), `${'('.repeat(9_000)}${many(part).slice(0, 2_000)}${')'.repeat(9_000)}`, `${'[a:'.repeat(3_000)}${':3]'.repeat(3_000)}`]) {
      for (const pieces of [parseA1111(text), parseComfy(text)]) expect(pieces.map((piece) => piece.text).join('').length).toBeLessThanOrEqual(text.length);
      expect(readPromptSchedule(text, 'a1111', 20).texts.length).toBeGreaterThan(0);
    }
  });
});
