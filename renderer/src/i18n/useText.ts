import type { TFunction } from 'i18next';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { createFormat, type Format } from './format.ts';

export interface Text {
  readonly t: TFunction;
  readonly format: Format;
}

/** The messages and the number formats of the page's language. */
export function useText(): Text {
  const { t, i18n } = useTranslation();
  const format = useMemo(() => createFormat(i18n.language), [i18n.language]);
  return { t, format };
}
