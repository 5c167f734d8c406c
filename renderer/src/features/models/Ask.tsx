import type { KeyboardEvent } from 'react';
import { Button } from '../../ui/Button.tsx';
import styles from './Ask.module.css';

export interface AskProps {
  readonly title: string;
  readonly text: string;
  readonly confirmLabel: string;
  readonly keepLabel: string;
  onConfirm(): void;
  onKeep(): void;
}

/** Asks before something is lost, in its row. What loses nothing has the focus; Escape means that, too. */
export function Ask({ title, text, confirmLabel, keepLabel, onConfirm, onKeep }: AskProps) {
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape') return;
    // The dialog around it stays open.
    event.stopPropagation();
    onKeep();
  };
  return (
    <div className={styles.ask} role="alertdialog" aria-label={title} onKeyDown={onKeyDown}>
      <p>{text}</p>
      <Button size="s" look="danger" onClick={onConfirm}>
        {confirmLabel}
      </Button>
      <Button size="s" autoFocus onClick={onKeep}>
        {keepLabel}
      </Button>
    </div>
  );
}
