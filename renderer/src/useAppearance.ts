import { useEffect } from 'react';
import { useStore } from 'zustand';
import { changeLanguage, resolveLanguage } from './i18n/i18n.ts';
import { settingsStore } from './stores/settings.ts';

/** Keeps the page in the chosen theme and language, or in the system's. */
export function useAppearance(): void {
  const theme = useStore(settingsStore, (settings) => settings.theme);
  const language = useStore(settingsStore, (settings) => settings.language);

  useEffect(() => {
    // `system` is what the style sheet does by itself.
    document.documentElement.dataset['theme'] = theme;
  }, [theme]);

  useEffect(() => {
    void changeLanguage(resolveLanguage(language, navigator.languages));
  }, [language]);
}
