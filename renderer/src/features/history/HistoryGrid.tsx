import { useEffect, useRef } from 'react';
import { useStore } from 'zustand';
import type { Picture } from '../../../../shared/job.ts';
import { useText } from '../../i18n/useText.ts';
import { libraryStore } from '../../stores/library.ts';
import { readLibrary } from '../../stores/pictureActions.ts';
import { promptOf } from '../../stores/pictureFacts.ts';
import { useShownPicture } from '../../stores/useShown.ts';
import { showPicture, viewStore } from '../../stores/view.ts';
import { cx } from '../../ui/cx.ts';
import styles from './HistoryGrid.module.css';

const skeletons = 6;

export function HistoryGrid() {
  const pictures = useStore(libraryStore, (state) => state.pictures);
  const loading = useStore(libraryStore, (state) => state.loading);
  const more = useStore(libraryStore, (state) => state.next !== null);
  const shownId = useShownPicture()?.id ?? null;
  const end = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const element = end.current;
    if (element === null || !more) return undefined;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting) && !libraryStore.getState().loading) void readLibrary('end');
      },
      { rootMargin: '400px' },
    );
    observer.observe(element);
    return () => observer.disconnect();
    // A page that leaves the end in sight must be followed by the next: `pictures` starts the watch anew.
  }, [more, pictures]);

  return (
    <div className={styles.scroll}>
      <ul className={styles.grid} data-testid="history">
        {pictures.map((picture) => (
          <HistoryItem key={picture.id} picture={picture} shown={picture.id === shownId} />
        ))}
        {loading && pictures.length === 0
          ? Array.from({ length: skeletons }, (_, index) => <li key={index} className={styles.skeleton} aria-hidden />)
          : null}
      </ul>
      <div ref={end} className={styles.end} />
    </div>
  );
}

function HistoryItem({ picture, shown }: { readonly picture: Picture; readonly shown: boolean }) {
  const { t } = useText();
  const prompt = promptOf(picture).trim() === '' ? t('canvas.noPrompt') : promptOf(picture);
  return (
    <li>
      <button
        type="button"
        className={cx(styles.item, shown && styles.shown)}
        aria-current={shown ? 'true' : undefined}
        title={prompt}
        onClick={() => {
          showPicture(picture);
          viewStore.setState({ drawerOpen: false });
        }}
      >
        <img src={picture.url} alt={prompt} loading="lazy" decoding="async" draggable={false} />
        {picture.completeness === 'partial' ? (
          <span
            className={styles.partial}
            title={t('history.partial', { done: picture.stepsDone, total: picture.numTimesteps })}
          >
            {picture.stepsDone}/{picture.numTimesteps}
          </span>
        ) : null}
      </button>
    </li>
  );
}
