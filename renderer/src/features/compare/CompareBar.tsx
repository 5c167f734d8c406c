import { Columns2, X } from 'lucide-react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { clearCompared, compareStore, openCompare } from '../../stores/compare.ts';
import { Button } from '../../ui/Button.tsx';
import { IconButton } from '../../ui/IconButton.tsx';
import styles from './CompareBar.module.css';

/** While something is chosen to compare: how many there are, and the way there. */
export function CompareBar() {
  const { t } = useText();
  const count = useStore(compareStore, (compare) => compare.chosen.length);
  if (count === 0) return null;
  return (
    <div className={styles.bar} role="group" aria-label={t('compare.bar')} data-testid="compare-bar">
      {count === 1 ? (
        <span className={styles.words}>{t('compare.needTwo')}</span>
      ) : (
        <Button look="primary" size="s" icon={<Columns2 aria-hidden />} onClick={openCompare}>
          {t('compare.open')} ({count})
        </Button>
      )}
      <IconButton size="s" label={t('compare.clear')} icon={<X aria-hidden />} onClick={clearCompared} />
    </div>
  );
}
