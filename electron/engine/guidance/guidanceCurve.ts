/** Shared with the interface, which draws what every step will get. */
export { type GuidancePlan, scaleForStep } from '../../../shared/guidanceCurve.ts';
