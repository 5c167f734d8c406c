/** A job, as core and interface speak of it: as it stands (jobSnapshot), what happens to it (jobEvent), and how the one becomes of the other. */
export { steeringSchema, type Steering } from './generation.ts';
export * from './jobEvent.ts';
export { applyJobEvent, emptySnapshot } from './jobReducer.ts';
export * from './jobSnapshot.ts';
export { type Picture, pictureSchema, type Preview, previewSchema, type Region, regionSchema } from './picture.ts';
export { type RunTrace, runTraceSchema, shallowEvaluations, type StepRecord, stepRecordSchema, timingsSchema } from './runTrace.ts';
export { type TokenCount, tokenCountSchema } from './tokenCount.ts';
