import { useTranslation } from 'react-i18next';
import type { ErrorCode } from '../../../shared/errors.ts';

export interface FailureText {
  readonly headline: string;
  readonly nextStep: string;
  /** Core's own words, where they are in the page's language and say more than the headline. */
  readonly message: string | null;
  /** Core's own English words where the page has another language: they name the file and the number. */
  readonly exact: string | null;
}

/** A failure as core words it. */
export interface CoreFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly nextStep?: string | undefined;
}

/**
 * A failure in the page's language. Core writes English: its own, more exact words are shown where English is read, the message file's
 * elsewhere.
 */
export function useFailureText(): (failure: CoreFailure) => FailureText {
  const { t, i18n } = useTranslation();
  const english = i18n.language.startsWith('en');
  return (failure) => {
    const headline = t(`error.${failure.code}`);
    return {
      headline,
      nextStep: (english ? failure.nextStep : undefined) ?? t(`errorNext.${failure.code}`),
      message: english && failure.message !== headline ? failure.message : null,
      exact: english || failure.message === '' ? null : failure.message,
    };
  };
}
