import { describe, expect, it } from 'vitest';
import { commands } from '../../../shared/commands.ts';
import { errorCodes } from '../../../shared/errors.ts';
import en from './en.json';
import { createFormat } from './format.ts';
import { resolveLanguage } from './i18n.ts';
import zhCN from './zh-CN.json';

type Messages = { readonly [key: string]: string | Messages };

function flatten(messages: Messages, prefix = ''): ReadonlyMap<string, string> {
  const flat = new Map<string, string>();
  for (const [key, value] of Object.entries(messages)) {
    if (typeof value === 'string') flat.set(`${prefix}${key}`, value);
    else for (const [name, text] of flatten(value, `${prefix}${key}.`)) flat.set(name, text);
  }
  return flat;
}

const placeholders = (text: string): string[] => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] ?? '').sort();

describe('messages', () => {
  const english = flatten(en);
  const chinese = flatten(zhCN);

  it('have the same keys in every language', () => {
    expect([...chinese.keys()].sort()).toEqual([...english.keys()].sort());
  });

  it('take the same values in every language', () => {
    for (const [key, text] of english) expect(placeholders(chinese.get(key) ?? ''), key).toEqual(placeholders(text));
  });

  it('are never empty', () => {
    for (const [key, text] of [...english, ...chinese]) expect(text.trim(), key).not.toBe('');
  });

  it('have a sentence for every error code and a label for every command', () => {
    expect(Object.keys(en.error).sort()).toEqual([...errorCodes].sort());
    expect(Object.keys(en.command).sort()).toEqual(commands.map(({ label }) => label).sort());
  });
});

describe('the language', () => {
  it('is the chosen one, else the first of the system that there is', () => {
    expect(resolveLanguage('zh-CN', ['en'])).toBe('zh-CN');
    expect(resolveLanguage('system', ['de-DE', 'zh-Hans-CN', 'en'])).toBe('zh-CN');
    expect(resolveLanguage('system', ['de-DE'])).toBe('en');
  });

  it('writes durations', () => {
    const { duration } = createFormat('en');
    expect([120, 1_300, 42_000, 185_000, 16_532_000].map(duration)).toEqual(['0.12 s', '1.3 s', '42 s', '3 min 5 s', '4 hr 35 min']);
  });
});
