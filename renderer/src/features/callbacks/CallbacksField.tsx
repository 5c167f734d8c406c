import { GripVertical, Pencil, Plus, Trash2 } from 'lucide-react';
import { useEffect, useId, useRef, type KeyboardEvent, type PointerEvent } from 'react';
import { useStore } from 'zustand';
import { callbackExamples } from '../../../../shared/callbackExamples.ts';
import { useFieldError } from '../../i18n/useFieldError.ts';
import { useText } from '../../i18n/useText.ts';
import { formStore, type FormCallback } from '../../stores/form.ts';
import { jobsStore } from '../../stores/jobs.ts';
import { notify } from '../../stores/notices.ts';
import { addCallback, changeCallback, editCallback, moveCallback, mostCallbacks, removeCallback } from '../../stores/userCallbacks.ts';
import { Button } from '../../ui/Button.tsx';
import { cx } from '../../ui/cx.ts';
import { ErrorLine } from '../../ui/Field.tsx';
import { IconButton } from '../../ui/IconButton.tsx';
import { SelectField } from '../../ui/SelectField.tsx';
import words from '../../ui/text.module.css';
import styles from './CallbacksField.module.css';
import { exampleTitle } from './exampleTitle.ts';
import { lineText } from './RunLines.tsx';
import { runLines, runProblem } from './runProblem.ts';

const firstSource = `function callbackOnStepEnd(run, stepIndex, timestep, tensors) {
  console.log('step', stepIndex + 1, 'of', run.numTimesteps);
}
`;

/** The user's own callbacks: which of them the next run has, and in which order. */
export function CallbacksField() {
  const { t } = useText();
  const id = useId();
  const callbacks = useStore(formStore, (form) => form.callbacks);
  const full = callbacks.length >= mostCallbacks;
  const error = useFieldError('callbacks');
  const begin = (name: string, source: string): void => {
    const added = addCallback(name, source);
    if (added !== null) editCallback(added);
  };
  return (
    <section className={styles.group} aria-labelledby={id} data-testid="callbacks">
      <h3 id={id} className={styles.title}>
        {t('callbacks.title')}
      </h3>
      <p className={words.hint}>{t('callbacks.hint')}</p>
      {callbacks.length === 0 ? <p className={words.hint}>{t('callbacks.empty')}</p> : <CallbackList callbacks={callbacks} />}
      <ErrorLine error={error} />
      <div className={styles.add}>
        <Button size="s" icon={<Plus aria-hidden />} disabled={full} onClick={() => begin(t('callbacks.untitled'), firstSource)}>
          {t('callbacks.new')}
        </Button>
        <SelectField
          id={`${id}-examples`}
          label={t('callbacks.examples')}
          size="s"
          value=""
          options={[
            { value: '', label: t('callbacks.examples') },
            ...callbackExamples.map((example) => ({ value: example.id, label: exampleTitle(example, t) })),
          ]}
          onChange={(chosen) => {
            const example = callbackExamples.find((candidate) => candidate.id === chosen);
            if (example !== undefined && !full) begin(exampleTitle(example, t), example.source);
          }}
        />
      </div>
    </section>
  );
}

function CallbackList({ callbacks }: { readonly callbacks: readonly FormCallback[] }) {
  const { t } = useText();
  const list = useRef<HTMLUListElement>(null);
  const dragged = useRef<string | null>(null);
  // A row that moved keeps the focus of its grip: React puts it elsewhere in the list.
  const focusGrip = useRef<string | null>(null);
  useEffect(() => {
    if (focusGrip.current === null) return;
    list.current?.querySelector<HTMLElement>(`[data-grip="${focusGrip.current}"]`)?.focus();
    focusGrip.current = null;
  });

  const onPointerMove = (event: PointerEvent): void => {
    if (dragged.current === null) return;
    const rows = [...(list.current?.children ?? [])];
    const to = rows.findIndex((row) => event.clientY < row.getBoundingClientRect().bottom);
    const place = to < 0 ? rows.length - 1 : to;
    if (callbacks[place]?.id !== dragged.current) moveCallback(dragged.current, place);
  };
  const onKeyDown = (event: KeyboardEvent, { id }: FormCallback, index: number): void => {
    if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return;
    event.preventDefault();
    focusGrip.current = id;
    moveCallback(id, index + (event.key === 'ArrowUp' ? -1 : 1));
  };
  return (
    <ul ref={list} className={styles.list} aria-label={t('callbacks.list')}>
      {callbacks.map((callback, index) => (
        <li key={callback.id} className={styles.item}>
          <button
            type="button"
            className={styles.grip}
            data-grip={callback.id}
            aria-label={t('callbacks.drag', { name: callback.name })}
            onKeyDown={(event) => onKeyDown(event, callback, index)}
            onPointerDown={(event) => {
              event.currentTarget.setPointerCapture(event.pointerId);
              dragged.current = callback.id;
            }}
            onPointerMove={onPointerMove}
            onPointerUp={() => (dragged.current = null)}
            onPointerCancel={() => (dragged.current = null)}
          >
            <GripVertical aria-hidden />
          </button>
          <CallbackRow callback={callback} />
        </li>
      ))}
    </ul>
  );
}

function CallbackRow({ callback }: { readonly callback: FormCallback }) {
  const text = useText();
  const { t } = text;
  const { id, name, on } = callback;
  const problem = useStore(jobsStore, (jobs) => runProblem(jobs, callback));
  const written = useStore(jobsStore, (jobs) => runLines(jobs, callback).at(-1) ?? null);
  return (
    <>
      <label className={styles.use}>
        <input
          type="checkbox"
          checked={on}
          aria-label={t('callbacks.use', { name })}
          onChange={(event) => changeCallback(id, { on: event.target.checked })}
        />
        <span className={styles.name}>{name}</span>
      </label>
      <IconButton label={t('callbacks.edit', { name })} icon={<Pencil aria-hidden />} size="s" onClick={() => editCallback(id)} />
      <IconButton
        label={t('callbacks.remove', { name })}
        icon={<Trash2 aria-hidden />}
        size="s"
        onClick={() => notify('callbackRemoved', {}, removeCallback(id))}
      />
      {problem === null ? null : (
        <p className={cx(words.error, styles.problem)}>
          {problem.line === null
            ? t('callbacks.runProblem', { step: problem.stepIndex + 1, message: problem.message })
            : t('callbacks.runProblemAt', { step: problem.stepIndex + 1, line: problem.line, message: problem.message })}
        </p>
      )}
      {written === null ? null : <p className={styles.written}>{lineText(written, text)}</p>}
    </>
  );
}
