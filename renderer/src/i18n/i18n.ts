import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import type { Settings } from '../../../shared/contract.ts';
import en from './en.json';
import zhCases from './zh-CN.cases.json';
import zhCN from './zh-CN.json';

export type Language = 'en' | 'zh-CN';

/** The language to show: the chosen one, else the first of the system's that there is. */
export function resolveLanguage(choice: Settings['language'], system: readonly string[]): Language {
  if (choice !== 'system') return choice;
  for (const tag of system) {
    const base = tag.toLowerCase().split('-')[0];
    if (base === 'zh') return 'zh-CN';
    if (base === 'en') return 'en';
  }
  return 'en';
}

export async function startLanguage(language: Language): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: language,
    fallbackLng: 'en',
    resources: { en: { translation: en }, 'zh-CN': { translation: { ...zhCN, ...zhCases } } },
    // React escapes by itself.
    interpolation: { escapeValue: false },
    returnNull: false,
  });
  document.documentElement.lang = language;
}

export async function changeLanguage(language: Language): Promise<void> {
  if (i18next.language === language) return;
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}
