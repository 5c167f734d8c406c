import { useMemo } from 'react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { compareStore } from '../../stores/compare.ts';
import styles from './compare.module.css';
import { ComparedCaption } from './ComparedCaption.tsx';
import { PictureCanvas, type Layer } from './PictureCanvas.tsx';
import type { ComparedItem } from './useComparedItems.ts';
import { useImages } from './useImages.ts';
import { useViewControls } from './useViewControls.ts';

/** Two to four side by side. */
export function GridView({ items }: { readonly items: readonly ComparedItem[] }) {
  return (
    <div className={styles.grid} data-count={items.length} data-testid="compare-grid">
      {items.map((compared) => (
        <figure key={compared.key} className={styles.pane} data-src={compared.frame?.src ?? ''}>
          <Pane compared={compared} />
          <ComparedCaption compared={compared} />
        </figure>
      ))}
    </div>
  );
}

function Pane({ compared }: { readonly compared: ComparedItem }) {
  const { t } = useText();
  const view = useStore(compareStore, (compare) => compare.view);
  const controls = useViewControls();
  const [image = null] = useImages([compared.frame?.src ?? '']);
  const layers = useMemo<readonly Layer[]>(() => [{ source: image, from: 0, to: 1 }], [image]);
  return (
    <div className={styles.box} {...controls} tabIndex={0} role="group" aria-label={t('compare.area')}>
      {compared.frame === null ? <p className={styles.missing}>{t('compare.missing')}</p> : <PictureCanvas layers={layers} view={view} alt={compared.name} />}
    </div>
  );
}
