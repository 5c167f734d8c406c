import { useId, type ReactNode } from 'react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { appStore } from '../../stores/app.ts';
import { fieldsOf } from '../../stores/forkDraft.ts';
import { everyRange, mostRange, unitRange } from '../../stores/formRanges.ts';
import { currentModel } from '../../stores/models.ts';
import { everyLabel, offeredReuses } from '../../stores/reuses.ts';
import { readInterval } from '../../stores/typedGuidance.ts';
import { Field } from '../../ui/Field.tsx';
import { NumberField } from '../../ui/NumberField.tsx';
import { SelectField } from '../../ui/SelectField.tsx';
import { TextInput } from '../../ui/TextInput.tsx';
import type { ForkPartProps } from './ForkFields.tsx';
import styles from './ForkFields.module.css';
import { UndoChange } from './UndoChange.tsx';
import { useForkError } from './useForkError.ts';

const keys = ['curve', 'sigmaLow', 'sigmaHigh', 'guidanceRescale', 'reuse', 'reuseEvery', 'reuseThreshold', 'reuseMost'] as const;

/** The editor of a curve, which is another feature's. */
export type ForkCurveSlot = (props: Pick<ForkPartProps, 'base' | 'changes' | 'onChange'>) => ReactNode;

export interface ForkGuidanceProps extends ForkPartProps {
  readonly curve: ForkCurveSlot;
}

/** What is seldom changed of the guidance: its curve, the noise levels it acts at, and what is used again. */
export function ForkGuidance(props: ForkGuidanceProps) {
  const { t } = useText();
  const { base, changes } = props;
  const changed = keys.some((key) => changes[key] !== undefined);
  const { reuse } = fieldsOf(base, changes);
  return (
    <details className={styles.rest} open={changed ? true : undefined} data-testid="fork-guidance">
      <summary>
        {t('fork.moreGuidance')}
        <span className={styles.value}>{reuse === 'none' ? '' : t(`advanced.reuseKind.${reuse}`)}</span>
      </summary>
      <div className={styles.inside}>
        <Curve {...props} />
        <Interval {...props} />
        <Rescale {...props} />
        <ReuseFields {...props} />
      </div>
    </details>
  );
}

function Curve({ curve, base, changes, onChange }: ForkGuidanceProps) {
  const { t } = useText();
  const undo = <UndoChange label={t('fork.curve')} onUndo={() => onChange({ curve: base.fields.curve })} />;
  return (
    <div className={styles.wide}>
      <Field id="fork-curve" label={t('fork.curve')} aside={changes.curve === undefined ? undefined : undo}>
        {curve({ base, changes, onChange })}
      </Field>
    </div>
  );
}

function Interval({ base, changes, errors, onChange }: ForkPartProps) {
  const { t } = useText();
  const ids = { low: useId(), high: useId() };
  const fields = fieldsOf(base, changes);
  const error = useForkError(errors.interval);
  const changed = changes.sigmaLow !== undefined || changes.sigmaHigh !== undefined;
  const undo = (): void => onChange({ sigmaLow: base.fields.sigmaLow, sigmaHigh: base.fields.sigmaHigh });
  const invalid = readInterval(fields) === undefined;
  return (
    <Field
      id={ids.low}
      label={t('fork.interval')}
      error={error}
      hint={t('advanced.guidanceIntervalHint')}
      aside={changed ? <UndoChange label={t('fork.interval')} onUndo={undo} /> : undefined}
    >
      <div className={styles.pair}>
        <TextInput
          id={ids.low}
          inputMode="decimal"
          value={fields.sigmaLow}
          placeholder="0"
          aria-invalid={invalid}
          onChange={(event) => onChange({ sigmaLow: event.target.value })}
        />
        <TextInput
          id={ids.high}
          inputMode="decimal"
          value={fields.sigmaHigh}
          placeholder="∞"
          aria-label={`${t('fork.interval')}: ${t('advanced.sigmaHigh')}`}
          aria-invalid={invalid}
          onChange={(event) => onChange({ sigmaHigh: event.target.value })}
        />
      </div>
    </Field>
  );
}

function Rescale({ base, changes, errors, onChange }: ForkPartProps) {
  const { t } = useText();
  const id = useId();
  const label = t('advanced.guidanceRescale');
  const error = useForkError(errors.guidanceRescale);
  return (
    <Field
      id={id}
      label={label}
      error={error}
      aside={changes.guidanceRescale === undefined ? undefined : <UndoChange label={label} onUndo={() => onChange({ guidanceRescale: base.fields.guidanceRescale })} />}
    >
      <NumberField
        id={id}
        text={fieldsOf(base, changes).guidanceRescale}
        {...unitRange}
        step={0.1}
        decimals
        invalid={error !== null}
        decreaseLabel={t('common.decrease', { label })}
        increaseLabel={t('common.increase', { label })}
        onText={(guidanceRescale) => onChange({ guidanceRescale })}
      />
    </Field>
  );
}

function ReuseFields({ base, changes, errors, onChange }: ForkPartProps) {
  const { t } = useText();
  const id = useId();
  const fields = fieldsOf(base, changes);
  const error = useForkError(errors.reuse);
  const model = useStore(appStore, (state) => currentModel(state, base.modelId));
  const { reuse, reuseEvery, reuseThreshold, reuseMost } = base.fields;
  const changed = [changes.reuse, changes.reuseEvery, changes.reuseThreshold, changes.reuseMost].some((value) => value !== undefined);
  return (
    <>
      <Field
        id={id}
        label={t('advanced.reuse')}
        error={error}
        aside={changed ? <UndoChange label={t('advanced.reuse')} onUndo={() => onChange({ reuse, reuseEvery, reuseThreshold, reuseMost })} /> : undefined}
      >
        <SelectField
          id={id}
          value={fields.reuse}
          invalid={error !== null}
          options={offeredReuses(model, fields.reuse).map((value) => ({ value, label: t(`advanced.reuseKind.${value}`) }))}
          onChange={(kind) => onChange({ reuse: kind })}
        />
      </Field>
      {fields.reuse === 'unconditional' || fields.reuse === 'features' ? (
        <Amount label={t(`advanced.${everyLabel[fields.reuse]}`)} text={fields.reuseEvery} range={everyRange} step={1} onText={(text) => onChange({ reuseEvery: text })} />
      ) : null}
      {fields.reuse === 'steps' ? (
        <>
          <Amount label={t('advanced.reuseThreshold')} text={fields.reuseThreshold} range={unitRange} step={0.05} onText={(text) => onChange({ reuseThreshold: text })} />
          <Amount label={t('advanced.reuseMost')} text={fields.reuseMost} range={mostRange} step={1} onText={(text) => onChange({ reuseMost: text })} />
        </>
      ) : null}
    </>
  );
}

interface AmountProps {
  readonly label: string;
  readonly text: string;
  readonly range: { readonly min: number; readonly max: number };
  readonly step: number;
  onText(text: string): void;
}

function Amount({ label, text, range, step, onText }: AmountProps) {
  const { t } = useText();
  const id = useId();
  return (
    <Field id={id} label={label}>
      <NumberField
        id={id}
        text={text}
        {...range}
        step={step}
        decimals={step < 1}
        decreaseLabel={t('common.decrease', { label })}
        increaseLabel={t('common.increase', { label })}
        onText={onText}
      />
    </Field>
  );
}
