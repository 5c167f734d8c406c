import { ClipboardPaste, Copy, Download, FolderOpen } from 'lucide-react';
import { useCallback, useId, useRef, useState } from 'react';
import { useStore } from 'zustand';
import { maxCallbackLength } from '../../../../shared/generation.ts';
import { useText } from '../../i18n/useText.ts';
import { download } from '../../stores/download.ts';
import { formStore, type FormCallback } from '../../stores/form.ts';
import { jobsStore } from '../../stores/jobs.ts';
import { callbacksStore, changeCallback, checkSource, editCallback, longestName, type SourceProblem } from '../../stores/userCallbacks.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field } from '../../ui/Field.tsx';
import { TextInput } from '../../ui/TextInput.tsx';
import styles from './CallbackDialog.module.css';
import { CodeEditor } from './CodeEditor.tsx';
import type { TextProblem } from './codeMirror.ts';
import { RunLines } from './RunLines.tsx';
import { runProblem } from './runProblem.ts';

/** Where a callback is written. Every key is kept at once, so there is nothing to confirm. */
export function CallbackDialog() {
  const { t } = useText();
  const editing = useStore(callbacksStore, (state) => state.editing);
  const callback = useStore(formStore, (form) => form.callbacks.find(({ id }) => id === editing)) ?? null;
  return (
    <Dialog open={callback !== null} width={860} height={820} title={t('callbacks.editor')} closeLabel={t('common.close')} onClose={() => editCallback(null)}>
      {callback === null ? null : <CallbackEditor key={callback.id} callback={callback} />}
    </Dialog>
  );
}

function CallbackEditor({ callback }: { readonly callback: FormCallback }) {
  const { t } = useText();
  const id = useId();
  const { name, source } = callback;
  const [found, setFound] = useState<SourceProblem | null>(null);
  const [target, setTarget] = useState<{ readonly line: number; readonly count: number } | null>(null);
  const ofRun = useStore(jobsStore, (jobs) => runProblem(jobs, callback));
  const check = useCallback(
    async (text: string): Promise<readonly TextProblem[]> => {
      const problem = await checkSource(text);
      setFound(problem);
      const line = ofRun?.line ?? null;
      return [...(problem === null ? [] : [problem]), ...(ofRun === null || line === null ? [] : [{ line, column: 1, message: ofRun.message }])];
    },
    [ofRun],
  );
  const change = (text: string): void => changeCallback(callback.id, { source: text });
  const goTo = (line: number): void => setTarget((before) => ({ line, count: (before?.count ?? 0) + 1 }));
  return (
    <div className={styles.editor}>
      <Field id={id} label={t('callbacks.name')}>
        <TextInput id={id} value={name} maxLength={longestName} onChange={(event) => changeCallback(callback.id, { name: event.target.value })} />
      </Field>
      <CodeEditor text={source} label={t('callbacks.source')} check={check} target={target} onChange={change} />
      <div className={styles.status}>
        <span role="status" className={styles.problems}>
          {found === null ? null : (
            <ProblemLine line={found.line} onGo={goTo}>
              {t('callbacks.problemAt', { line: found.line, message: found.message })}
            </ProblemLine>
          )}
          {ofRun === null ? null : (
            <ProblemLine line={ofRun.line} onGo={goTo}>
              {ofRun.line === null
                ? t('callbacks.runProblem', { step: ofRun.stepIndex + 1, message: ofRun.message })
                : t('callbacks.runProblemAt', { step: ofRun.stepIndex + 1, line: ofRun.line, message: ofRun.message })}
            </ProblemLine>
          )}
          {found === null && ofRun === null ? t('callbacks.editorHint') : null}
        </span>
        <span className={source.length > maxCallbackLength ? styles.over : styles.length}>
          {t('callbacks.length', { count: source.length, max: maxCallbackLength })}
        </span>
      </div>
      <RunLines callback={callback} />
      <ShareRow callback={callback} onText={change} />
    </div>
  );
}

interface ProblemLineProps {
  readonly line: number | null;
  onGo(line: number): void;
  readonly children: string;
}

function ProblemLine({ line, onGo, children }: ProblemLineProps) {
  if (line === null) return <span className={styles.problem}>{children}</span>;
  return (
    <button type="button" className={styles.problem} onClick={() => onGo(line)}>
      {children}
    </button>
  );
}

interface ShareRowProps {
  readonly callback: FormCallback;
  onText(text: string): void;
}

/** A callback is a text, to be given away as one. */
function ShareRow({ callback, onText }: ShareRowProps) {
  const { t } = useText();
  const file = useRef<HTMLInputElement>(null);
  const [note, setNote] = useState('');
  const take = (text: string): void => {
    if (text.length > maxCallbackLength) setNote(t('callbacks.tooLong', { max: maxCallbackLength }));
    else {
      setNote('');
      onText(text);
    }
  };
  const paste = async (): Promise<void> => {
    const text = await navigator.clipboard.readText().catch(() => '');
    if (text === '') setNote(t('callbacks.noPaste'));
    else take(text);
  };
  const save = (): void => {
    const url = URL.createObjectURL(new Blob([callback.source], { type: 'text/javascript' }));
    download(url, `${fileName(callback.name)}.js`);
    // The download has begun by then.
    window.setTimeout(() => URL.revokeObjectURL(url), 10_000);
  };
  return (
    <div className={styles.share}>
      <Button size="s" icon={<Copy aria-hidden />} onClick={() => void navigator.clipboard.writeText(callback.source)}>
        {t('callbacks.copy')}
      </Button>
      <Button size="s" icon={<ClipboardPaste aria-hidden />} onClick={() => void paste()}>
        {t('callbacks.paste')}
      </Button>
      <Button size="s" icon={<FolderOpen aria-hidden />} onClick={() => file.current?.click()}>
        {t('callbacks.open')}
      </Button>
      <Button size="s" icon={<Download aria-hidden />} onClick={save}>
        {t('callbacks.save')}
      </Button>
      <input
        ref={file}
        type="file"
        hidden
        accept=".js,.mjs,.txt,text/javascript,text/plain"
        aria-label={t('callbacks.open')}
        onChange={(event) => {
          const chosen = event.target.files?.[0];
          event.target.value = '';
          if (chosen === undefined) return;
          // A character takes at most four bytes.
          if (chosen.size > 4 * maxCallbackLength) setNote(t('callbacks.tooLong', { max: maxCallbackLength }));
          else void chosen.text().then(take);
        }}
      />
      <span className={styles.note} role="status">
        {note}
      </span>
    </div>
  );
}

/** Only what every file system takes. */
function fileName(name: string): string {
  const plain = name.replace(/[\\/:*?"<>|\p{Cc}]+/gu, ' ').trim();
  return plain === '' ? 'callback' : plain;
}
