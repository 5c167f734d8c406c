import { Check } from 'lucide-react';
import { memo, useEffect, useRef, type KeyboardEvent, type MouseEvent } from 'react';
import { useStore } from 'zustand';
import type { Picture } from '../../../../shared/job.ts';
import { useText } from '../../i18n/useText.ts';
import { comparedPicture, compareStore, isChosen, openCompare, toggleCompared } from '../../stores/compare.ts';
import { jobsStore } from '../../stores/jobs.ts';
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

const HistoryItem = memo(function HistoryItem({ picture, shown }: { readonly picture: Picture; readonly shown: boolean }) {
  const { t } = useText();
  const prompt = promptOf(picture).trim() === '' ? t('canvas.noPrompt') : promptOf(picture);
  const chosen = useStore(compareStore, (compare) => isChosen(compare.chosen, comparedPicture(picture, jobsStore.getState())));
  const choose = (): void => toggleCompared(comparedPicture(picture, jobsStore.getState()));
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.key.toLowerCase() !== 'c') return;
    // C has a meaning for the stage too.
    event.stopPropagation();
    if (event.shiftKey) openCompare();
    else choose();
  };
  const onClick = (event: MouseEvent): void => {
    if (event.ctrlKey || event.metaKey) {
      choose();
      return;
    }
    showPicture(picture);
    viewStore.setState({ drawerOpen: false });
  };
  return (
    <li className={styles.place}>
      <button
        type="button"
        className={cx(styles.item, shown && styles.shown)}
        aria-current={shown ? 'true' : undefined}
        title={prompt}
        onClick={onClick}
        onKeyDown={onKeyDown}
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
      {/* The key C on the picture does the same, so this needs no stop of its own. */}
      <button
        type="button"
        tabIndex={-1}
        className={cx(styles.choose, chosen && styles.chosen)}
        aria-pressed={chosen}
        aria-label={t('compare.choose', { name: prompt })}
        title={t('branches.choose')}
        onClick={choose}
      >
        <Check aria-hidden />
      </button>
    </li>
  );
});
