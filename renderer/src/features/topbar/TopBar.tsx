import { Images, Keyboard, Settings } from 'lucide-react';
import type { ReactNode } from 'react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { appStore } from '../../stores/app.ts';
import { formStore } from '../../stores/form.ts';
import { jobsStore, listedJobs } from '../../stores/jobs.ts';
import { currentModel } from '../../stores/models.ts';
import { viewStore } from '../../stores/view.ts';
import { cx } from '../../ui/cx.ts';
import { IconButton } from '../../ui/IconButton.tsx';
import { Mark } from './Mark.tsx';
import styles from './TopBar.module.css';

/** `children`: what other features put here. */
export function TopBar({ children }: { readonly children: ReactNode }) {
  const { t } = useText();
  const modelId = useStore(formStore, (form) => form.modelId);
  const model = useStore(appStore, (state) => currentModel(state, modelId)?.name ?? '');
  const queued = useStore(jobsStore, (state) => listedJobs(state).length > 0);
  const drawerOpen = useStore(viewStore, (view) => view.drawerOpen);
  return (
    <header className={styles.bar} aria-label={t('topBar.label')}>
      <h1 className={styles.name}>
        <Mark />
        {t('app.name')}
      </h1>
      {model === '' ? null : <p className={styles.model}>{model}</p>}
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
