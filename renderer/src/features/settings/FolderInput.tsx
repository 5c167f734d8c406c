import { FolderOpen } from 'lucide-react';
import { useId, useState, type ReactNode } from 'react';
import { useStore } from 'zustand';
import type { Failure } from '../../../../shared/errors.ts';
import { useFailureText } from '../../i18n/useFailureText.ts';
import { useText } from '../../i18n/useText.ts';
import { appStore } from '../../stores/app.ts';
import { pickFolder } from '../../stores/folderSettings.ts';
import { Button } from '../../ui/Button.tsx';
import { errorId, Field } from '../../ui/Field.tsx';
import { IconButton } from '../../ui/IconButton.tsx';
import { TextInput } from '../../ui/TextInput.tsx';
import styles from './FolderInput.module.css';

export interface FolderInputProps {
  readonly label: string;
  readonly hint: string;
  readonly placeholder: string;
  /** The folder in use; empty where there is none yet. */
  readonly value: string;
  readonly submitLabel: string;
  /** Beside the button that submits. */
  readonly children?: ReactNode;
  /** @returns why it was not taken; null when it was */
  onSubmit(path: string): Promise<Failure | null>;
}

/** A folder of this machine: typed, or chosen in the system's dialog where there is one; core says whether it will do. */
export function FolderInput({ label, hint, placeholder, value, submitLabel, children, onSubmit }: FolderInputProps) {
  const { t } = useText();
  const failureText = useFailureText();
  const id = useId();
  const desktop = useStore(appStore, (state) => state.info?.host === 'electron');
  // null: as it is in use.
  const [draft, setDraft] = useState<string | null>(null);
  const [refusal, setRefusal] = useState<Failure | null>(null);
  const text = draft ?? value;
  const told = refusal === null ? null : failureText(refusal);
  const submit = async (path: string): Promise<void> => {
    const failure = await onSubmit(path);
    setRefusal(failure);
    setDraft(failure === null ? null : path);
  };
  return (
    <form
      aria-label={label}
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() !== '') void submit(text);
      }}
    >
      <Field id={id} label={label} hint={hint} error={told === null ? null : [told.message ?? told.headline, told.nextStep, told.exact ?? ''].filter((part) => part !== '').join(' ')}>
        <div className={styles.row}>
          <TextInput
            id={id}
            value={text}
            placeholder={placeholder}
            spellCheck={false}
            autoComplete="off"
            invalid={refusal !== null}
            aria-describedby={refusal === null ? undefined : errorId(id)}
            onChange={(event) => {
              setDraft(event.target.value);
              setRefusal(null);
            }}
          />
          {desktop ? (
            <IconButton
              label={t('models.pickFolder')}
              icon={<FolderOpen aria-hidden />}
              onClick={() => void pickFolder().then((path) => (path === null ? undefined : submit(path)))}
            />
          ) : null}
          <Button type="submit" disabled={text.trim() === '' || text === value}>
            {submitLabel}
          </Button>
          {children}
        </div>
      </Field>
    </form>
  );
}
