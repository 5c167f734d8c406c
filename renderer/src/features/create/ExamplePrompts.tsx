import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { appStore } from '../../stores/app.ts';
import { formStore, setForm } from '../../stores/form.ts';
import { currentModel } from '../../stores/models.ts';
import styles from './ExamplePrompts.module.css';

export interface ExamplePromptsProps {
  /** Where the focus goes once an example was taken: its chip is gone then. */
  readonly promptId: string;
}

const mostShown = 4;
/** Beside a start picture there is less room. */
const mostBesidePicture = 2;

export function ExamplePrompts({ promptId }: ExamplePromptsProps) {
  const { t } = useText();
  const modelId = useStore(formStore, (form) => form.modelId);
  const model = useStore(appStore, (state) => currentModel(state, modelId));
  const most = useStore(formStore, (form) => (form.task === 'text-to-image' ? mostShown : mostBesidePicture));
  const examples = model?.examplePrompts.slice(0, most) ?? [];
  if (examples.length === 0) return null;
  return (
    <div className={styles.examples} role="group" aria-label={t('form.examples')}>
      <p className={styles.title}>{t('form.examples')}</p>
      {examples.map((example) => (
        <button
          key={example}
          type="button"
          className={styles.chip}
          onClick={() => {
            setForm({ prompt: example });
            document.getElementById(promptId)?.focus();
          }}
        >
          {example}
        </button>
      ))}
    </div>
  );
}
