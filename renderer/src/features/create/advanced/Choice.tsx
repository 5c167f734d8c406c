import { useText } from '../../../i18n/useText.ts';
import type { AdvancedId } from '../../../stores/advanced.ts';
import { Segmented, type SegmentedProps } from '../../../ui/Segmented.tsx';
import { ChangedMark } from './ChangedMark.tsx';
import styles from './settings.module.css';

export interface ChoiceProps<V extends string> extends Pick<SegmentedProps<V>, 'value' | 'segments' | 'onChange'> {
  readonly id: AdvancedId;
  readonly hint?: string | undefined;
}

/** A setting with a few values, all in sight. */
export function Choice<V extends string>({ id, value, segments, hint, onChange }: ChoiceProps<V>) {
  const { t } = useText();
  const label = t(`advanced.${id}`);
  return (
    <div className={styles.choice}>
      <div className={styles.head}>
        {/* The group bears the same name for people who listen. */}
        <span className={styles.label} aria-hidden>
          {label}
        </span>
        <ChangedMark id={id} />
      </div>
      <Segmented name={`advanced-${id}`} label={label} value={value} segments={segments} onChange={onChange} />
      {hint === undefined ? null : <p className={styles.hint}>{hint}</p>}
    </div>
  );
}
