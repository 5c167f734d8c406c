import { Images, Keyboard, Settings } from 'lucide-react';
import type { ReactNode } from 'react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { jobsStore, listedJobs } from '../../stores/jobs.ts';
import { viewStore } from '../../stores/view.ts';
import { cx } from '../../ui/cx.ts';
import { IconButton } from '../../ui/IconButton.tsx';
import { Mark } from './Mark.tsx';
import styles from './TopBar.module.css';

export interface TopBarProps {
  /** Beside the name: the model in use. */
  readonly model: ReactNode;
  /** At the end: what other features put here. */
  readonly children: ReactNode;
}

export function TopBar({ model, children }: TopBarProps) {
  const { t } = useText();
  const queued = useStore(jobsStore, (state) => listedJobs(state).length > 0);
  const drawerOpen = useStore(viewStore, (view) => view.drawerOpen);
  return (
    <header className={styles.bar} aria-label={t('topBar.label')}>
      <h1 className={styles.name}>
        <Mark />
        {t('app.name')}
      </h1>
      <div className={styles.model}>{model}</div>
      <div className={styles.end}>
        {children}
        <IconButton
          label={t('topBar.shortcuts')}
          icon={<Keyboard aria-hidden />}
          onClick={() => viewStore.setState({ dialog: 'shortcuts' })}
        />
        <IconButton
          label={t('topBar.settings')}
          icon={<Settings aria-hidden />}
          onClick={() => viewStore.setState({ dialog: 'settings' })}
        />
        <IconButton
          className={cx(styles.drawer, queued && styles.queued)}
          label={drawerOpen ? t('topBar.hideHistory') : t('topBar.history')}
          icon={<Images aria-hidden />}
          aria-expanded={drawerOpen}
          aria-controls="aside"
          onClick={() => viewStore.setState({ drawerOpen: !drawerOpen })}
        />
      </div>
    </header>
  );
}
