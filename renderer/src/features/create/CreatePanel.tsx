import { useEffect, useRef, type ReactNode, type SubmitEvent } from 'react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { appStore } from '../../stores/app.ts';
import { formStore } from '../../stores/form.ts';
import { formChecksStore } from '../../stores/formChecks.ts';
import { generate } from '../../stores/runActions.ts';
import { tabId } from '../../ui/Tabs.tsx';
import { AdvancedSection } from './AdvancedSection.tsx';
import styles from './CreatePanel.module.css';
import { CutoffField } from './CutoffField.tsx';
import { FormSkeleton } from './FormSkeleton.tsx';
import { GenerateBar } from './GenerateBar.tsx';
import { InpaintFields } from './InpaintFields.tsx';
import { ModelField } from './ModelField.tsx';
import { OutputFields } from './OutputFields.tsx';
import { PictureErrors } from './PictureErrors.tsx';
import { PromptFields } from './PromptFields.tsx';
import { SamplingFields } from './SamplingFields.tsx';
import { SeedField } from './SeedField.tsx';
import { SizeFields } from './SizeFields.tsx';
import { StrengthField } from './StrengthField.tsx';
import { panelId, tabsId, TaskTabs } from './TaskTabs.tsx';

export interface CreatePanelProps {
  /** Where the start picture and its mask are given; in place while a task begins with one. */
  readonly picture?: ReactNode;
  /** The guidance scale over the steps, as a curve. */
  readonly curve?: ReactNode;
  /** Step-end callbacks of the user's own. */
  readonly callbacks?: ReactNode;
  /** For models that take them. */
  readonly loras?: ReactNode;
  /** What is done to the next run because it was done to another. */
  readonly replay?: ReactNode;
}

/** The left panel: everything that decides a picture, and the button. */
export function CreatePanel({ picture, curve, callbacks, loras, replay }: CreatePanelProps) {
  const { t } = useText();
  const ready = useStore(appStore, (state) => state.ready);
  const task = useStore(formStore, (state) => state.task);
  // How a mask is used is no question before there is something to paint on.
  const withMask = useStore(formStore, (state) => state.task === 'inpaint' && state.image !== null);
  const form = useRef<HTMLFormElement>(null);

  const attempts = useStore(formChecksStore, (state) => state.attempts);

  // By the button or by the shortcut: what is wrong may be out of sight.
  useEffect(() => {
    if (attempts > 0) form.current?.querySelector<HTMLElement>('[aria-invalid="true"], [data-invalid="true"]')?.focus();
  }, [attempts]);

  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    void generate().then((sent) => {
      // In one column the stage may be scrolled away.
      if (sent) document.getElementById('canvas')?.scrollIntoView({ block: 'nearest' });
    });
  };

  return (
    <form ref={form} className={styles.panel} aria-label={t('form.label')} noValidate onSubmit={submit}>
      <TaskTabs />
      <div id={panelId} className={styles.scroll} role="tabpanel" aria-labelledby={tabId(tabsId, task)}>
        {ready ? (
          <>
            {task === 'text-to-image' ? null : (
              <div className={styles.picture}>
                {picture}
                <PictureErrors />
              </div>
            )}
            <PromptFields />
            <ModelField />
            {loras}
            {withMask ? <InpaintFields /> : null}
            {task === 'text-to-image' ? null : <StrengthField />}
            <SizeFields />
            <SamplingFields />
            <CutoffField />
            <SeedField />
            <OutputFields />
            <AdvancedSection curve={curve} callbacks={callbacks} />
          </>
        ) : (
          <FormSkeleton />
        )}
      </div>
      {replay}
      <GenerateBar />
    </form>
  );
}
