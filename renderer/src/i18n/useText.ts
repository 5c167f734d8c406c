import i18next, { type TFunction } from 'i18next';
import { useSyncExternalStore } from 'react';
import { createFormat, type Format } from './format.ts';

export interface Text {
  readonly t: TFunction;
  readonly format: Format;
}

/** Sentences that are remembered at most; a long evening with the app makes more of them, with its own numbers in each. */
const mostKnown = 4000;

/** The messages and the number formats of the page's language. */
export function useText(): Text {
  return useSyncExternalStore(onLanguageChange, currentText);
}

let current: { readonly language: string; readonly text: Text } | null = null;

function currentText(): Text {
  const { language } = i18next;
  if (current?.language !== language) current = { language, text: { t: createKnownTexts(), format: createFormat(language) } };
  return current.text;
}

const listeners = new Set<() => void>();

// One for the whole page: a subscription for every component costs more than what most of them draw.
i18next.on('languageChanged', () => {
  current = null;
  listeners.forEach((tell) => tell());
});

function onLanguageChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * The same as i18next's own, which looks a key up and fills its places in anew at every call. While a run is drawn the same
 * few dozen sentences are asked for many times a second.
 */
function createKnownTexts(): TFunction {
  const known = new Map<string, string>();
  const ask = i18next.t as unknown as (key: string | string[], options?: object | string) => string;
  const translate = (key: string | string[], options?: object | string): string => {
    const name = options === undefined ? String(key) : `${String(key)} ${JSON.stringify(options)}`;
    const found = known.get(name);
    if (found !== undefined) return found;
    const made = ask(key, options);
    if (!i18next.isInitialized) return made;
    if (known.size >= mostKnown) known.clear();
    known.set(name, made);
    return made;
  };
  // Its overloads tell the compiler how keys and their places are typed; when it is called there is one.
  return translate as unknown as TFunction;
}
