import { useId, type HTMLAttributes, type ReactNode } from 'react';
import { cx } from './cx.ts';
import styles from './Field.module.css';
import text from './text.module.css';

interface Around {
  readonly error?: string | null;
  /** Beside the label, at the right. */
  readonly aside?: ReactNode;
  readonly hint?: ReactNode;
  readonly children: ReactNode;
}

export interface FieldProps extends Around {
  readonly id: string;
  readonly label: string;
  readonly className?: string | undefined;
}

/** Ids of a field's parts, for `aria-describedby`. */
export function errorId(id: string): string {
  return `${id}-error`;
}

export function Field({ id, label, className, ...around }: FieldProps) {
  const name = (
    <label className={cx(text.label, styles.label)} htmlFor={id}>
      {label}
    </label>
  );
  return <Frame {...around} id={id} name={name} box={{ className }} />;
}

export interface FieldGroupProps extends Around {
  readonly label: string;
  /** What is in it bears the same name for people who listen. */
  readonly named?: boolean;
}

/** Fields of one setting, or a control of several parts, under one name. */
export function FieldGroup({ label, named = false, ...around }: FieldGroupProps) {
  const id = useId();
  const name = (
    <span id={id} className={cx(text.label, styles.label)} aria-hidden={named ? true : undefined}>
      {label}
    </span>
  );
  return <Frame {...around} id={id} name={name} box={named ? {} : { role: 'group', 'aria-labelledby': id }} />;
}

interface FrameProps extends Around {
  readonly id: string;
  readonly name: ReactNode;
  readonly box: HTMLAttributes<HTMLDivElement>;
}

function Frame({ id, name, box, error = null, aside, hint, children }: FrameProps) {
  return (
    <div {...box} className={cx(styles.field, box.className)}>
      <div className={styles.head}>
        {name}
        {aside}
      </div>
      {children}
      {error === null ? null : (
        <p id={errorId(id)} className={text.error}>
          {error}
        </p>
      )}
      {hint === undefined || error !== null ? null : <div className={text.hint}>{hint}</div>}
    </div>
  );
}

/** What is wrong with a part of the form that has no field of its own; the form turns to it. */
export function ErrorLine({ error }: { readonly error: string | null }) {
  if (error === null) return null;
  return (
    <p className={text.error} tabIndex={-1} data-invalid="true">
      {error}
    </p>
  );
}
