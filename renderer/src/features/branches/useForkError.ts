import { useText } from '../../i18n/useText.ts';

const keys = ['tooLong', 'scale', 'steps', 'schedule', 'seed', 'variations', 'interval', 'share', 'reuseEvery', 'reuseSteps'] as const;

/** The sentence of a field's error, or null. */
export function useForkError(key: string | undefined): string | null {
  const { t } = useText();
  const known = keys.find((candidate) => candidate === key);
  return known === undefined ? null : t(`fork.error.${known}`);
}
