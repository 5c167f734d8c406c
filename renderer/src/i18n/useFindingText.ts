import { useTranslation } from 'react-i18next';
import type { Finding } from '../../../shared/models.ts';

/**
 * A finding in the page's language. Core writes English, with the names and numbers of the case; elsewhere the message file's
 * sentence for the finding's code stands in its place, and core's own where the file has none.
 */
export function useFindingText(): (finding: Finding) => Pick<Finding, 'message' | 'remedy'> {
  const { t, i18n } = useTranslation();
  const english = i18n.language.startsWith('en');
  return ({ code, message, remedy }) => {
    if (english) return { message, remedy };
    return { message: t(`finding.${code}`, { defaultValue: message }), remedy: remedy === '' ? '' : t(`findingRemedy.${code}`, { defaultValue: remedy }) };
  };
}
