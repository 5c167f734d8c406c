import { Maximize, Minus, Plus } from 'lucide-react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { IconButton } from '../../ui/IconButton.tsx';
import { surfaceStore, zoomStep } from './surfaceStore.ts';
import styles from './ZoomControls.module.css';

export function ZoomControls() {
  const { t, format } = useText();
  const surface = useStore(surfaceStore, (state) => state.surface);
  const scale = useStore(surfaceStore, (state) => state.scale);
  const fitted = useStore(surfaceStore, (state) => state.fitted);
  return (
    <div className={styles.zoom} role="group" aria-label={t('mask.zoom')}>
      <IconButton size="s" label={t('mask.zoomOut')} icon={<Minus aria-hidden />} onClick={() => surface?.zoom(1 / zoomStep)} />
      <output className={styles.scale}>{format.percent(scale)}</output>
      <IconButton size="s" label={t('mask.zoomIn')} icon={<Plus aria-hidden />} onClick={() => surface?.zoom(zoomStep)} />
      <IconButton size="s" label={t('mask.zoomFit')} icon={<Maximize aria-hidden />} disabled={fitted} onClick={() => surface?.fit()} />
    </div>
  );
}
