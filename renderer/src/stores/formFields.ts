/** Fields an error can stand at. */
export const formFields = [
  'modelId',
  'loras',
  'prompt',
  'negativePrompt',
  'image',
  'mask',
  'strength',
  'maskPadding',
  'width',
  'height',
  'steps',
  'scheduler',
  'sigmaSchedule',
  'guidanceScale',
  'cutoff',
  'cutoffCosine',
  'seed',
  'count',
  'clipSkip',
  'morePrompts',
  'guidanceCurve',
  'guidanceTo',
  'guidanceScales',
  'sigmaLow',
  'sigmaHigh',
  'guidanceRescale',
  'reuseEvery',
  'reuseThreshold',
  'reuseMost',
  'callbacks',
  'timestepSpacing',
  'eta',
  'timesteps',
  'sigmas',
  'sms',
  'threadsPerSm',
  'batchSeeds',
  'prompt2',
  'negativePrompt2',
  'originalSize',
  'cropTopLeft',
  'targetSize',
  'negativeOriginalSize',
  'negativeCropTopLeft',
  'negativeTargetSize',
  'aestheticScore',
  'negativeAestheticScore',
  'denoisingStart',
  'denoisingEnd',
] as const;
export type FormField = (typeof formFields)[number];

/** A message key under `fieldError.` with its numbers. */
export type FieldError =
  | { readonly key: 'wholeNumber' | 'number' | 'numberList'; readonly min: number; readonly max: number }
  | { readonly key: 'multiple'; readonly multiple: number; readonly lower: number; readonly upper: number }
  | { readonly key: 'tooLong' | 'tooMany' | 'batch'; readonly max: number }
  | { readonly key: 'strength'; readonly least: number; readonly steps: number }
  | { readonly key: 'atLeast'; readonly count: number }
  | { readonly key: 'afterStart'; readonly start: string }
  | { readonly key: 'samplerLacks' | 'noTimesteps' | 'noSigmas'; readonly sampler: string }
  | { readonly key: PlainErrorKey }
  | { readonly key: 'text'; readonly message: string };

type PlainErrorKey =
  | 'seed'
  | 'noFeatures'
  | 'noModel'
  | 'taskUnsupported'
  | 'image'
  | 'mask'
  | 'maskSize'
  | 'falling'
  | 'oneList'
  | 'listAndSchedule'
  | 'interval'
  | 'size'
  | 'corner'
  | 'share'
  | 'callbackName';

export type FieldErrors = Readonly<Partial<Record<FormField, FieldError>>>;
