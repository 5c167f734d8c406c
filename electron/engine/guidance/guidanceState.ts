/** Shared with the interface, which says where the negative prompt no longer acts. */
export { isGuided, isWithinGuidance, unguidedScale } from '../../../shared/guidanceCurve.ts';
