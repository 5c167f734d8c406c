/** The option behind a field of the request, where the two are not called the same. Longer paths come before their parents. */
const optionByField: readonly (readonly [field: string, option: string])[] = [
  ['negativePrompt2', 'negative2'],
  ['negativePrompt', 'negative'],
  ['morePrompts', 'more-prompt'],
  ['promptSyntax', 'syntax'],
  ['clipSkip', 'clip-skip'],
  ['guidanceScale', 'guidance'],
  ['guidanceEnd.steps', 'guided-steps'],
  ['guidanceEnd.cosine', 'cfg-evidence'],
  ['guidanceEnd', 'cfg-cutoff'],
  ['guidanceCurve', 'guidance-curve'],
  ['guidanceInterval', 'guidance-interval'],
  ['guidanceRescale', 'guidance-rescale'],
  ['steering', 'steer'],
  ['tail', 'steer'],
  ['loras', 'lora'],
  ['sigmaSchedule', 'sigma-schedule'],
  ['timestepSpacing', 'spacing'],
  ['denoisingStart', 'denoising-start'],
  ['denoisingEnd', 'denoising-end'],
  ['noise', 'rng'],
  ['imagesPerPrompt', 'images'],
  ['batchSeeds', 'batch-seeds'],
  ['image', 'init'],
  ['maskPadding', 'mask-padding'],
  ['keepUnmasked', 'no-keep-unmasked'],
  ['microConditioning.originalSize', 'original-size'],
  ['microConditioning.targetSize', 'target-size'],
  ['microConditioning.cropTopLeft', 'crop'],
  ['microConditioning.negativeOriginalSize', 'negative-original-size'],
  ['microConditioning.negativeTargetSize', 'negative-target-size'],
  ['microConditioning.negativeCropTopLeft', 'negative-crop'],
  ['microConditioning.aestheticScore', 'aesthetic-score'],
  ['microConditioning.negativeAestheticScore', 'negative-aesthetic-score'],
  // Where all of them are meant.
  ['microConditioning', 'original-size, --target-size, --crop, --aesthetic-score'],
];

const sameName = ['prompt', 'prompt2', 'width', 'height', 'steps', 'scheduler', 'eta', 'timesteps', 'sigmas', 'seed', 'mask', 'strength', 'reuse', 'model', 'provider'];

/** @param field a path like `guidanceCurve.scales.3`. @returns null for a field that no option sets. */
export function optionOf(field: string): string | null {
  const isIn = (parent: string): boolean => field === parent || field.startsWith(`${parent}.`);
  const mapped = optionByField.find(([parent]) => isIn(parent));
  return mapped?.[1] ?? sameName.find(isIn) ?? null;
}

/** A failure's sentence with the option in front instead of the field's name. */
export function sayByOption({ field, message }: { readonly field?: string; readonly message: string }): string {
  if (field === undefined) return message;
  const option = optionOf(field);
  const said = message.startsWith(`${field}: `) ? message.slice(field.length + 2) : message;
  return option === null ? message : `--${option}: ${said}`;
}
