import { useTranslation } from 'react-i18next';
import type { Finding } from '../../../shared/models.ts';

export interface FindingText {
  readonly message: string;
  /** What to do; empty where nothing is to be done. */
  readonly remedy: string;
  /** Core's own English words, where the page's sentence leaves out their names and numbers; else empty. */
  readonly exact: string;
}

/**
 * A finding in the page's language. Core writes English, with the names and numbers of the case; elsewhere the sentence for the
 * finding's code stands in its place (`zh-CN.cases.json`), and core's own where there is none.
 */
export function useFindingText(): (finding: Finding) => FindingText {
  const { t, i18n } = useTranslation();
  const english = i18n.language.startsWith('en');
  return ({ severity, code, message, remedy }) => {
    if (english) return { message, remedy, exact: '' };
    const own = t(`finding.${code}`, { defaultValue: message });
    return {
      message: own,
      remedy: remedy === '' ? '' : t(`findingRemedy.${code}`, { defaultValue: remedy }),
      exact: own === message || severity === 'fine' ? '' : message,
    };
  };
}
