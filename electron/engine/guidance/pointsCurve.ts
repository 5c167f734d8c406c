/** Shared with the interface, which draws it. */
export { pointsAt, type PointsCurve } from '../../../shared/guidanceCurve.ts';
