import { useText } from '../../i18n/useText.ts';
import { addPoint, handlesAhead, movePoint, removePoint, runPoints } from '../../stores/curve.ts';
import { plannedScales } from '../../stores/curvePlan.ts';
import { fieldsOf, guidedOf, totalOf, type ForkBase, type ForkChanges } from '../../stores/forkDraft.ts';
import { readNumber } from '../../stores/readText.ts';
import { CurveEditor } from './CurveEditor.tsx';

export interface ForkCurveProps {
  readonly base: ForkBase;
  readonly changes: ForkChanges;
  onChange(change: ForkChanges): void;
}

/** The curve of a fork: what is past is locked, as in a run that goes on. */
export function ForkCurve({ base, changes, onChange }: ForkCurveProps) {
  const { t } = useText();
  const fields = fieldsOf(base, changes);
  const total = Math.max(1, totalOf(base, changes));
  const locked = Math.min(base.done, total);
  const guidanceScale = readNumber(fields.guidanceScale) ?? base.settings.guidanceScale;
  const plan = {
    guidanceScale,
    guidanceCurve: fields.curve,
    guidanceEnd: changes.guided === undefined ? base.settings.guidanceEnd : ({ kind: 'guided-steps', steps: guidedOf(base, changes) } as const),
    // Noise levels of steps to come are not known here.
    guidanceInterval: null,
  };
  const points = runPoints({ guidanceScale, curve: fields.curve }, total, locked);
  return (
    <CurveEditor
      label={t('fork.curve')}
      scales={plannedScales(plan, total)}
      handles={handlesAhead(points, total, locked)}
      locked={locked}
      onMove={(index, place) => onChange({ curve: movePoint(points, total, index, place, locked) })}
      onAdd={(place) => {
        const added = addPoint(points, total, place);
        if (added === null) return null;
        onChange({ curve: added.curve });
        return added.index;
      }}
      onRemove={(index) => onChange({ curve: removePoint(points, index) })}
    />
  );
}
