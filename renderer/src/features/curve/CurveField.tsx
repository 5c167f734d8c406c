import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import {
  addPoint,
  curvePresets,
  type CurvePlace,
  type CurveShape,
  handlesOf,
  moveHandle,
  pointsOf,
  presetOf,
  presetShape,
  removePoint,
} from '../../stores/curve.ts';
import { formCurve, takeShape, useFormScales } from '../../stores/curveForm.ts';
import { formStore, setForm } from '../../stores/form.ts';
import { cutoffRange } from '../../stores/formRequest.ts';
import { Button } from '../../ui/Button.tsx';
import { Switch } from '../../ui/Switch.tsx';
import { CurveEditor } from './CurveEditor.tsx';
import styles from './CurveField.module.css';
import { CurveSentences } from './CurveSentences.tsx';

/** The guidance scale over the steps of the next run. */
export function CurveField() {
  const { t } = useText();
  const form = useStore(formStore);
  const total = cutoffRange(form) ?? 0;
  const shape = formCurve(form);
  const { scales, forecast, intervalUnknown } = useFormScales();
  if (shape === null || total === 0) return <p className={styles.hint}>{t('curve.unreadable')}</p>;
  const preset = presetOf(shape, form.cutoffBy === 'step' ? form.cutoff : null, total);
  const put = (next: CurveShape): void => takeShape(next);
  const add = (place: CurvePlace): number | null => {
    const added = addPoint(pointsOf(shape, total), total, place);
    if (added === null) return null;
    put({ ...shape, curve: added.curve });
    return added.index;
  };
  return (
    <div className={styles.curve} data-testid="curve">
      <div className={styles.presets} role="group" aria-label={t('curve.presets')}>
        {curvePresets.map((name) => (
          <Button
            key={name}
            size="s"
            look={name === preset ? 'plain' : 'quiet'}
            aria-pressed={name === preset}
            title={t(`curve.presetHint.${name}`)}
            onClick={() => {
              const { curve, cutoff } = presetShape(name, shape.guidanceScale, total);
              put({ ...shape, curve });
              setForm({ cutoff, cutoffBy: 'step' });
            }}
          >
            {t(`curve.preset.${name}`)}
          </Button>
        ))}
      </div>
      <CurveEditor
        label={t('advanced.guidanceCurve')}
        scales={scales}
        handles={handlesOf(shape, total)}
        onMove={(index, place) => put(moveHandle(shape, total, index, place))}
        onAdd={add}
        onRemove={(index) => put({ ...shape, curve: removePoint(pointsOf(shape, total), index) })}
      />
      {shape.curve.kind === 'points' ? (
        <Switch label={t('curve.smooth')} checked={form.guidanceSmooth} onChange={(guidanceSmooth) => setForm({ guidanceSmooth })} />
      ) : null}
      <CurveSentences scales={scales} forecast={forecast} />
      {intervalUnknown ? <p className={styles.hint}>{t('curve.intervalUnknown')}</p> : null}
    </div>
  );
}
