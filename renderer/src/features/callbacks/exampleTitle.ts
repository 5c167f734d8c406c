import type { CallbackExample } from '../../../../shared/callbackExamples.ts';
import en from '../../i18n/en.json';
import type { Text } from '../../i18n/useText.ts';

type ExampleId = keyof typeof en.callbacks.example;

function isTranslated(id: string): id is ExampleId {
  return id in en.callbacks.example;
}

/** In the page's language; an example that has no title there yet keeps its own. */
export function exampleTitle({ id, title }: CallbackExample, t: Text['t']): string {
  return isTranslated(id) ? t(`callbacks.example.${id}`) : title;
}
