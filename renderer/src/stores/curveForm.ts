import { useStore } from 'zustand';
import { useShallow } from 'zustand/react/shallow';
import type { GuidancePlan } from '../../../shared/guidanceCurve.ts';
import { appStore } from './app.ts';
import { type CurveShape, scaleRange } from './curve.ts';
import { type CallForecast, forecastCalls, knownSigmas, plannedScales } from './curvePlan.ts';
import { type FormState, formStore, setForm } from './form.ts';
import { touchField } from './formChecks.ts';
import { curveOf, cutoffRange, guidanceEndOf, intervalOf, reuseOf, toRequest } from './formRequest.ts';
import { jobsStore } from './jobs.ts';
import { currentModel } from './models.ts';
import { readNumber, readNumberList } from './readText.ts';

function scaleIn(text: string): number | null {
  const value = readNumber(text);
  return value !== null && value >= scaleRange.min && value <= scaleRange.max ? value : null;
}

/** The form's curve; null where a number of it cannot be read. */
export function formCurve(form: FormState): CurveShape | null {
  const guidanceScale = scaleIn(form.guidanceScale);
  if (guidanceScale === null) return null;
  const { guidanceCurve: kind } = form;
  if ((kind === 'linear' || kind === 'cosine') && scaleIn(form.guidanceTo) === null) return null;
  if (kind === 'list' && (readNumberList(form.guidanceScales)?.length ?? 0) === 0) return null;
  if (kind === 'points' && form.guidancePoints.length === 0) return null;
  return { guidanceScale, curve: curveOf(form) };
}

const written = (scale: number): string => String(Number(scale.toFixed(2)));

export function takeShape({ guidanceScale, curve }: CurveShape): void {
  setForm({
    guidanceScale: written(guidanceScale),
    guidanceCurve: curve.kind,
    ...(curve.kind === 'linear' || curve.kind === 'cosine' ? { guidanceTo: written(curve.to) } : {}),
    ...(curve.kind === 'list' ? { guidanceScales: curve.scales.join(', ') } : {}),
    ...(curve.kind === 'points' ? { guidancePoints: curve.points, guidanceSmooth: curve.smooth } : {}),
  });
  touchField('guidanceCurve');
}

export interface FormScales {
  readonly scales: readonly number[];
  readonly forecast: CallForecast;
  /** There is an interval of noise levels, and nobody knows yet which steps lie within. */
  readonly intervalUnknown: boolean;
}

/** @param sigmas noise levels that are known, by step */
export function formScales(form: FormState, sigmas: readonly number[]): FormScales {
  const total = cutoffRange(form) ?? 0;
  const plan: GuidancePlan = {
    guidanceScale: scaleIn(form.guidanceScale) ?? 1,
    guidanceEnd: guidanceEndOf(form),
    guidanceCurve: formCurve(form)?.curve ?? { kind: 'constant' },
    guidanceInterval: intervalOf(form),
  };
  const scales = plannedScales(plan, total, sigmas);
  return {
    scales,
    forecast: forecastCalls(scales, reuseOf(form), plan.guidanceEnd),
    intervalUnknown: plan.guidanceInterval !== null && sigmas.length < total,
  };
}

/** What every step of the next run will get, as the form stands. */
export function useFormScales(): FormScales {
  const form = useStore(formStore);
  const model = useStore(appStore, (app) => currentModel(app, form.modelId));
  const interval = intervalOf(form);
  const sigmas = useStore(
    jobsStore,
    useShallow((jobs) => (interval === null || model === null ? [] : knownSigmas(jobs, toRequest(form, model, '0')))),
  );
  return formScales(form, sigmas);
}
