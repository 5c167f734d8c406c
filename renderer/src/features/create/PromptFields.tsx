import { Plus, X } from 'lucide-react';
import { useEffect, useId } from 'react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { formStore, setForm } from '../../stores/form.ts';
import { followTokenCounts } from '../../stores/tokenCounts.ts';
import { Button } from '../../ui/Button.tsx';
import { IconButton } from '../../ui/IconButton.tsx';
import { ExamplePrompts } from './ExamplePrompts.tsx';
import { PromptArea } from './PromptArea.tsx';
import styles from './PromptFields.module.css';
import { SyntaxHelp } from './SyntaxHelp.tsx';

export function PromptFields() {
  const { t } = useText();
  const negativeOpen = useStore(formStore, (form) => form.negativeOpen);
  const empty = useStore(formStore, (form) => form.prompt === '');
  const promptId = useId();
  const negativeId = useId();
  useEffect(followTokenCounts, []);
  return (
    <div className={styles.prompts}>
      <PromptArea id={promptId} field="prompt" label={t('form.prompt')} placeholder={t('form.promptPlaceholder')} rows={3} help={<SyntaxHelp />} />
      {empty ? <ExamplePrompts promptId={promptId} /> : null}
      {negativeOpen ? (
        <PromptArea
          id={negativeId}
          field="negativePrompt"
          label={t('form.negativePrompt')}
          placeholder={t('form.negativePlaceholder')}
          rows={2}
          aside={
            <IconButton
              className={styles.remove}
              label={t('form.removeNegative')}
              icon={<X aria-hidden />}
              size="s"
              onClick={() => setForm({ negativeOpen: false })}
            />
          }
        />
      ) : (
        <Button
          className={styles.add}
          look="quiet"
          size="s"
          icon={<Plus aria-hidden />}
          onClick={() => {
            setForm({ negativeOpen: true });
            requestAnimationFrame(() => document.getElementById(negativeId)?.focus());
          }}
        >
          {t('form.addNegative')}
        </Button>
      )}
    </div>
  );
}
