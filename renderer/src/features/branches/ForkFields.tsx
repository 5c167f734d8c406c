import { useId, type RefObject } from 'react';
import { useText } from '../../i18n/useText.ts';
import { fieldsOf, guidanceScaleRange, guidedOf, totalOf, type ForkBase, type ForkChanges, type ForkErrors } from '../../stores/forkDraft.ts';
import { readNumber } from '../../stores/readText.ts';
import { Field } from '../../ui/Field.tsx';
import { NumberField } from '../../ui/NumberField.tsx';
import { RangeSlider } from '../../ui/RangeSlider.tsx';
import { TextArea } from '../../ui/TextArea.tsx';
import styles from './ForkFields.module.css';
import { UndoChange } from './UndoChange.tsx';
import { useForkError } from './useForkError.ts';

export interface ForkPartProps {
  readonly base: ForkBase;
  readonly changes: ForkChanges;
  readonly errors: ForkErrors;
  onChange(change: ForkChanges): void;
}

export interface ForkFieldsProps extends ForkPartProps {
  readonly first: RefObject<HTMLTextAreaElement | null>;
}

/** Prompts and guidance of the steps to come. */
export function ForkFields({ base, changes, errors, first, onChange }: ForkFieldsProps) {
  const { t } = useText();
  return (
    <>
      <PromptField field="prompt" label={t('fork.prompt')} base={base} changes={changes} errors={errors} first={first} onChange={onChange} />
      <PromptField field="negativePrompt" label={t('fork.negativePrompt')} base={base} changes={changes} errors={errors} first={null} onChange={onChange} />
      <div className={styles.pair}>
        <ScaleField base={base} changes={changes} errors={errors} onChange={onChange} />
        <GuidedField base={base} changes={changes} errors={errors} onChange={onChange} />
      </div>
    </>
  );
}

interface PromptFieldProps extends ForkPartProps {
  readonly field: 'prompt' | 'negativePrompt';
  readonly label: string;
  readonly first: RefObject<HTMLTextAreaElement | null> | null;
}

function PromptField({ field, label, base, changes, errors, first, onChange }: PromptFieldProps) {
  const id = useId();
  const error = useForkError(errors[field]);
  return (
    <Field id={id} label={label} error={error} aside={changes[field] === undefined ? undefined : <UndoChange label={label} onUndo={() => onChange({ [field]: base.fields[field] })} />}>
      <TextArea
        ref={first}
        id={id}
        size="s"
        rows={field === 'prompt' ? 2 : 1}
        value={fieldsOf(base, changes)[field]}
        invalid={error !== null}
        onChange={(event) => onChange({ [field]: event.target.value })}
      />
    </Field>
  );
}

function ScaleField({ base, changes, errors, onChange }: ForkPartProps) {
  const { t } = useText();
  const id = useId();
  const label = t('fork.guidance');
  const error = useForkError(errors.guidanceScale);
  const changed = changes.guidanceScale !== undefined;
  return (
    <Field
      id={id}
      label={label}
      error={error}
      aside={changed ? <UndoChange label={label} onUndo={() => onChange({ guidanceScale: base.fields.guidanceScale })} /> : undefined}
      hint={changes.curve?.kind === 'constant' && changed ? t('fork.curveReplaced') : undefined}
    >
      <NumberField
        id={id}
        text={fieldsOf(base, changes).guidanceScale}
        {...guidanceScaleRange}
        step={0.5}
        decimals
        invalid={error !== null}
        decreaseLabel={t('common.decrease', { label })}
        increaseLabel={t('common.increase', { label })}
        onText={(guidanceScale) => onChange({ guidanceScale })}
      />
    </Field>
  );
}

function GuidedField({ base, changes, onChange }: ForkPartProps) {
  const { t } = useText();
  const id = useId();
  const label = t('fork.cutoff');
  const total = totalOf(base, changes);
  const guided = guidedOf(base, changes);
  const unguided = (readNumber(fieldsOf(base, changes).guidanceScale) ?? 2) <= 1;
  return (
    <Field
      id={id}
      label={label}
      aside={
        <span className={styles.aside}>
          <output className={styles.value}>{guided >= total ? t('form.cutoffNever') : t('form.cutoffAt', { guided, total })}</output>
          {changes.guided === undefined ? null : <UndoChange label={label} onUndo={() => onChange({ guided: base.fields.guided })} />}
        </span>
      }
      hint={unguided ? t('form.cutoffUnguided') : undefined}
    >
      <div className={styles.slider}>
        <RangeSlider
          id={id}
          value={guided}
          min={0}
          max={total}
          lockedTo={base.done}
          disabled={unguided || base.done >= total}
          spoken={t('form.cutoffSpoken', { guided, total })}
          onChange={(step) => onChange({ guided: Math.max(step, base.done) })}
        />
      </div>
    </Field>
  );
}
