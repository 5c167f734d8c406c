import { useEffect, useRef, type SubmitEvent } from 'react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { appStore } from '../../stores/app.ts';
import { formChecksStore } from '../../stores/formChecks.ts';
import { generate } from '../../stores/runActions.ts';
import styles from './CreatePanel.module.css';
import { CutoffField } from './CutoffField.tsx';
import { FormSkeleton } from './FormSkeleton.tsx';
import { GenerateBar } from './GenerateBar.tsx';
import { ModelField } from './ModelField.tsx';
import { OutputFields } from './OutputFields.tsx';
import { PromptFields } from './PromptFields.tsx';
import { SamplingFields } from './SamplingFields.tsx';
import { SeedField } from './SeedField.tsx';
import { SizeFields } from './SizeFields.tsx';

/** The left panel: everything that decides a picture, and the button. */
export function CreatePanel() {
  const { t } = useText();
  const ready = useStore(appStore, (state) => state.ready);
  const form = useRef<HTMLFormElement>(null);

  const attempts = useStore(formChecksStore, (state) => state.attempts);

  // By the button or by the shortcut: what is wrong may be out of sight.
  useEffect(() => {
    if (attempts > 0) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [attempts]);

  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    void generate();
  };

  return (
    <form ref={form} className={styles.panel} aria-label={t('form.label')} noValidate onSubmit={submit}>
      <div className={styles.scroll}>
        {ready ? (
          <>
            <PromptFields />
            <ModelField />
            <SamplingFields />
            <CutoffField />
            <SizeFields />
            <SeedField />
            <OutputFields />
          </>
        ) : (
          <FormSkeleton />
        )}
      </div>
      <GenerateBar />
    </form>
  );
}
