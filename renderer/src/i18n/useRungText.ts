import { useTranslation } from 'react-i18next';

/** Why a device is not used, as core words it. */
export interface CoreReason {
  readonly code: string;
  readonly reason: string;
  readonly remedy?: string | undefined;
}

export interface RungText {
  readonly reason: string;
  /** What to do; empty where nothing is to be done. */
  readonly remedy: string;
}

/** A library, or a version of the system's, that a reason is about. */
const named = /lib[\w+-]+\.so[.\d]*|GLIBC\w*_[\d.]+/;

/**
 * Why a device is not used and what to do, in the page's language. Core writes English, with the library or the number of the case;
 * elsewhere the sentence for the code stands in its place (`zh-CN.cases.json`), and core's own where there is none.
 */
export function useRungText(): (rung: CoreReason) => RungText {
  const { t, i18n } = useTranslation();
  const english = i18n.language.startsWith('en');
  return ({ code, reason, remedy = '' }) => {
    if (english) return { reason, remedy };
    const name = named.exec(reason)?.[0] ?? '';
    return {
      reason: reason === '' ? '' : t(`rung.${code}`, { defaultValue: reason, name }),
      remedy: remedy === '' ? '' : t(`rungRemedy.${code}`, { defaultValue: remedy }),
    };
  };
}
