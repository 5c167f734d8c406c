import { useTranslation } from 'react-i18next';
import type { ErrorCode } from '../../../shared/errors.ts';

export interface FailureText {
  readonly headline: string;
  readonly nextStep: string;
}

/**
 * A failure in the page's language. Core writes English: its own, more exact next step is shown where English is read, the message file's
 * elsewhere.
 */
export function useFailureText(): (failure: { readonly code: ErrorCode; readonly nextStep?: string | undefined }) => FailureText {
  const { t, i18n } = useTranslation();
  return (failure) => ({
    headline: t(`error.${failure.code}`),
    nextStep: (i18n.language.startsWith('en') ? failure.nextStep : undefined) ?? t(`errorNext.${failure.code}`),
  });
}
