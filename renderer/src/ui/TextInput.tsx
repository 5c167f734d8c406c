import type { InputHTMLAttributes, Ref } from 'react';
import control from './control.module.css';
import { cx } from './cx.ts';
import { errorId } from './Field.tsx';
import styles from './TextInput.module.css';

export interface TextInputProps extends InputHTMLAttributes<HTMLInputElement> {
  readonly id: string;
  readonly invalid?: boolean;
  readonly ref?: Ref<HTMLInputElement>;
}

export function TextInput({ id, invalid = false, className, ...rest }: TextInputProps) {
  return (
    <input
      autoComplete="off"
      spellCheck={false}
      {...rest}
      id={id}
      className={cx(control.control, styles.input, className)}
      {...(invalid ? { 'aria-invalid': true, 'aria-describedby': errorId(id) } : {})}
    />
  );
}
