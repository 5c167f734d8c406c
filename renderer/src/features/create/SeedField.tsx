import { Dices, Lock } from 'lucide-react';
import { useId } from 'react';
import { useStore } from 'zustand';
import { useFieldError } from '../../i18n/useFieldError.ts';
import { useText } from '../../i18n/useText.ts';
import { formStore, setForm } from '../../stores/form.ts';
import { forgetRefusal, touchField } from '../../stores/formChecks.ts';
import { newSeed } from '../../stores/runActions.ts';
import { Field } from '../../ui/Field.tsx';
import { IconButton } from '../../ui/IconButton.tsx';
import { TextInput } from '../../ui/TextInput.tsx';
import styles from './SeedField.module.css';

/** A seed typed is a seed kept; the dice rolls one for every picture. */
export function SeedField() {
  const { t } = useText();
  const id = useId();
  const seed = useStore(formStore, (form) => form.seed);
  const random = useStore(formStore, (form) => form.randomSeed);
  const error = useFieldError('seed');
  const keep = (): void => {
    if (seed === '') newSeed();
    else setForm({ randomSeed: false });
  };
  return (
    <Field id={id} label={t('form.seed')} error={error}>
      <div className={styles.row}>
        <TextInput
          id={id}
          className={styles.input}
          inputMode="numeric"
          maxLength={40}
          value={random ? '' : seed}
          placeholder={random ? t('form.seedRandom') : ''}
          invalid={error !== null}
          onChange={(event) => {
            forgetRefusal('seed');
            setForm({ seed: event.target.value, randomSeed: event.target.value === '' });
          }}
          onBlur={() => touchField('seed')}
        />
        <IconButton
          label={t('form.seedDice')}
          icon={<Dices aria-hidden />}
          pressed={random}
          onClick={() => setForm({ randomSeed: true })}
        />
        <IconButton label={t('form.seedLock')} icon={<Lock aria-hidden />} pressed={!random} onClick={keep} />
      </div>
    </Field>
  );
}
