import { useText } from '../../../i18n/useText.ts';
import type { AdvancedId } from '../../../stores/advanced.ts';
import { FieldGroup } from '../../../ui/Field.tsx';
import { Segmented, type SegmentedProps } from '../../../ui/Segmented.tsx';
import { ChangedMark } from './ChangedMark.tsx';

export interface ChoiceProps<V extends string> extends Pick<SegmentedProps<V>, 'value' | 'segments' | 'onChange'> {
  readonly id: AdvancedId;
  readonly hint?: string | undefined;
}

/** A setting with a few values, all in sight. */
export function Choice<V extends string>({ id, value, segments, hint, onChange }: ChoiceProps<V>) {
  const { t } = useText();
  const label = t(`advanced.${id}`);
  return (
    <FieldGroup named label={label} aside={<ChangedMark id={id} />} hint={hint}>
      <Segmented name={`advanced-${id}`} label={label} value={value} segments={segments} onChange={onChange} />
    </FieldGroup>
  );
}
