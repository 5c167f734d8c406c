import { useEffect } from 'react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { closeCompare, comparedSteps, compareStore, movedStep, type CompareMode } from '../../stores/compare.ts';
import { viewStore } from '../../stores/view.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import styles from './compare.module.css';
import { CompareToolbar } from './CompareToolbar.tsx';
import { DifferenceView } from './DifferenceView.tsx';
import { GridView } from './GridView.tsx';
import { SplitView } from './SplitView.tsx';
import { useComparedItems, type ComparedItem } from './useComparedItems.ts';
import { zoomBy, zoomOut } from './useViewControls.ts';

/** Two to four runs or pictures beside each other, at the same step and seen the same way. */
export function CompareDialog() {
  const { t } = useText();
  const open = useStore(viewStore, (view) => view.dialog === 'compare');
  return (
    <Dialog open={open} title={t('compare.title')} closeLabel={t('common.close')} className={styles.dialog} onClose={closeCompare}>
      <Compared />
    </Dialog>
  );
}

function Compared() {
  const { t } = useText();
  const items = useComparedItems();
  const mode = useStore(compareStore, (compare) => compare.mode);
  const steps = comparedSteps(items.map(({ job }) => job));
  const count = items.length;

  useEffect(() => {
    // Wherever the focus is, on the dialog itself at first; while capturing: the dialog keeps arrow keys to itself.
    const listen = (event: KeyboardEvent): void => onKeyDown(event, count, steps);
    window.addEventListener('keydown', listen, { capture: true });
    return () => window.removeEventListener('keydown', listen, { capture: true });
  }, [count, steps]);

  return (
    <div className={styles.compare} data-testid="compare">
      <CompareToolbar count={count} steps={steps} />
      <View items={items} mode={mode} />
      <p className={styles.keys}>{t('compare.keys')}</p>
    </div>
  );
}

function View({ items, mode }: { readonly items: readonly ComparedItem[]; readonly mode: CompareMode }) {
  const [left, right] = items;
  if (mode === 'grid' || items.length !== 2 || left === undefined || right === undefined) return <GridView items={items} />;
  return mode === 'split' ? <SplitView left={left} right={right} /> : <DifferenceView left={left} right={right} />;
}

const modeKeys: Readonly<Record<string, CompareMode>> = { g: 'grid', s: 'split', d: 'difference' };

function onKeyDown(event: KeyboardEvent, count: number, steps: number): void {
  if (event.ctrlKey || event.metaKey) return;
  if (event.altKey) {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    event.preventDefault();
    compareStore.setState(({ step }) => ({ step: movedStep(step, event.key === 'ArrowLeft' ? -1 : 1, steps) }));
    return;
  }
  const mode = modeKeys[event.key.toLowerCase()];
  const actions: Readonly<Record<string, () => void>> = { '+': () => zoomBy(1), '=': () => zoomBy(1), '-': () => zoomBy(-1), 0: zoomOut };
  const action = mode === undefined ? actions[event.key] : count === 2 ? () => compareStore.setState({ mode }) : undefined;
  if (action === undefined) return;
  event.preventDefault();
  action();
}
