import { useEffect, useRef } from 'react';
import { useText } from '../../i18n/useText.ts';
import type { Code, TextProblem } from './codeMirror.ts';
import styles from './CodeEditor.module.css';

export interface CodeEditorProps {
  readonly text: string;
  readonly label: string;
  /** A change of it is a reason to check again. */
  readonly check: (text: string) => Promise<readonly TextProblem[]>;
  /** The line to turn to, and how often it was asked for. */
  readonly target: { readonly line: number; readonly count: number } | null;
  onChange(text: string): void;
}

/** A code editor that is fetched when it is first wanted. */
export function CodeEditor({ text, label, check, target, onChange }: CodeEditorProps) {
  const { t } = useText();
  const host = useRef<HTMLDivElement>(null);
  const code = useRef<Code | null>(null);
  const latest = useRef({ text, check, onChange });
  useEffect(() => {
    latest.current = { text, check, onChange };
  });

  useEffect(() => {
    const box = document.createElement('div');
    box.className = styles.host ?? '';
    host.current?.replaceChildren(box);
    let gone = false;
    void import('./codeMirror.ts').then(({ createCode }) => {
      if (gone) return;
      code.current = createCode(box, {
        text: latest.current.text,
        label,
        check: (source) => latest.current.check(source),
        onChange: (source) => latest.current.onChange(source),
      });
      code.current.focus();
    });
    return () => {
      gone = true;
      code.current?.destroy();
      code.current = null;
    };
  }, [label]);

  useEffect(() => code.current?.setText(text), [text]);
  useEffect(() => code.current?.recheck(), [check]);
  useEffect(() => {
    if (target !== null) code.current?.goTo(target.line);
  }, [target]);

  return (
    <div ref={host} className={styles.editor} data-testid="callback-source">
      <p className={styles.loading}>{t('callbacks.loading')}</p>
    </div>
  );
}
