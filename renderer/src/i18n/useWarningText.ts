import { useTranslation } from 'react-i18next';
import type { RunWarning } from '../../../shared/runWarning.ts';

export interface WarningText {
  readonly text: string;
  readonly nextStep: string;
  /** The engine's own English words where the page has another language: they have the names and the numbers. */
  readonly exact: string | null;
}

/** A warning in the page's language; the engine writes English, as {@link useFailureText}. */
export function useWarningText(): (warning: RunWarning) => WarningText {
  const { t, i18n } = useTranslation();
  const english = i18n.language.startsWith('en');
  return ({ code, message, nextStep }) => ({
    text: english ? message : t(`warning.${code}`),
    nextStep: (english ? nextStep : undefined) ?? t(`warningNext.${code}`),
    exact: english ? null : message,
  });
}
