import { Dices } from 'lucide-react';
import { useId } from 'react';
import { schedulerLabels } from '../../../../shared/samplers.ts';
import { useText } from '../../i18n/useText.ts';
import { fieldsOf, isNoisy, mostVariations } from '../../stores/forkDraft.ts';
import { randomSeed } from '../../stores/seed.ts';
import { Field } from '../../ui/Field.tsx';
import { IconButton } from '../../ui/IconButton.tsx';
import { NumberField } from '../../ui/NumberField.tsx';
import { TextInput } from '../../ui/TextInput.tsx';
import type { ForkPartProps } from './ForkFields.tsx';
import styles from './ForkFields.module.css';
import { UndoChange } from './UndoChange.tsx';
import { useForkError } from './useForkError.ts';

export interface ForkNoiseProps extends ForkPartProps {
  /** As typed; null: just one is made. */
  readonly variations: string | null;
  onVariations(text: string): void;
}

/** The noise that later steps add, where the sampler adds any. */
export function ForkNoise({ base, changes, errors, variations, onChange, onVariations }: ForkNoiseProps) {
  const { t } = useText();
  const ids = { seed: useId(), variations: useId() };
  const error = useForkError(errors.noiseSeed);
  const variationsError = useForkError(errors.variations);
  const fields = fieldsOf(base, changes);
  if (!isNoisy(base, changes)) return <p className={styles.hint}>{t('fork.noNoise', { sampler: schedulerLabels[fields.scheduler] })}</p>;
  const label = t('fork.variations');
  return (
    <div className={styles.seed}>
      <Field
        id={ids.seed}
        label={t('fork.noiseSeed')}
        error={error}
        aside={changes.noiseSeed === undefined ? undefined : <UndoChange label={t('fork.noiseSeed')} onUndo={() => onChange({ noiseSeed: base.fields.noiseSeed })} />}
      >
        <div className={styles.row}>
          <TextInput
            id={ids.seed}
            inputMode="numeric"
            maxLength={40}
            value={fields.noiseSeed}
            placeholder={t('fork.noiseSeedKeep')}
            invalid={error !== null}
            onChange={(event) => onChange({ noiseSeed: event.target.value })}
          />
          <IconButton label={t('fork.noiseSeedRoll')} icon={<Dices aria-hidden />} onClick={() => onChange({ noiseSeed: randomSeed() })} />
        </div>
      </Field>
      {variations === null ? null : (
        <Field id={ids.variations} label={label} error={variationsError}>
          <NumberField
            id={ids.variations}
            text={variations}
            min={1}
            max={mostVariations}
            step={1}
            invalid={variationsError !== null}
            decreaseLabel={t('common.decrease', { label })}
            increaseLabel={t('common.increase', { label })}
            onText={onVariations}
          />
        </Field>
      )}
    </div>
  );
}
