import type { Ref, TextareaHTMLAttributes } from 'react';
import control from './control.module.css';
import { cx } from './cx.ts';
import { errorId } from './Field.tsx';
import styles from './TextArea.module.css';

export interface TextAreaProps extends TextareaHTMLAttributes<HTMLTextAreaElement> {
  readonly id: string;
  readonly size?: 'm' | 's';
  readonly invalid?: boolean;
  readonly ref?: Ref<HTMLTextAreaElement> | undefined;
}

/** Text of several lines; it grows with what is typed. */
export function TextArea({ id, size = 'm', invalid = false, className, ...rest }: TextAreaProps) {
  return (
    <textarea
      spellCheck={false}
      {...rest}
      id={id}
      className={cx(control.control, styles.area, size === 's' && styles.small, className)}
      {...(invalid ? { 'aria-invalid': true, 'aria-describedby': errorId(id) } : {})}
    />
  );
}
