import { microConditioningSchema, type GenerationRequest, type MicroConditioning } from '../../../shared/generation.ts';
import { negativeOf, type FormState } from './form.ts';
import { readOrZero, readPair } from './readText.ts';

/** Of a request for any other model. */
export const noSdxl = {
  prompt2: null,
  negativePrompt2: null,
  denoisingStart: null,
  denoisingEnd: null,
  microConditioning: microConditioningSchema.parse({}),
};

/** Of a form for such a model. */
export function sdxlOf(form: FormState): Pick<GenerationRequest, keyof typeof noSdxl> {
  const share = (text: string): number | null => (text.trim() === '' ? null : readOrZero(text));
  return {
    prompt2: form.prompt2 === '' ? null : form.prompt2,
    negativePrompt2: negativeOf(form, form.negativePrompt2),
    denoisingStart: form.task === 'text-to-image' ? null : share(form.denoisingStart),
    denoisingEnd: share(form.denoisingEnd),
    microConditioning: microOf(form),
  };
}

function microOf(form: FormState): MicroConditioning {
  const size = (text: string): MicroConditioning['originalSize'] => {
    const pair = readPair(text);
    return pair === null ? null : { width: pair.first, height: pair.second };
  };
  const corner = (text: string): MicroConditioning['negativeCropTopLeft'] => {
    const pair = readPair(text);
    return pair === null ? null : { top: pair.first, left: pair.second };
  };
  return {
    originalSize: size(form.originalSize),
    cropTopLeft: corner(form.cropTopLeft) ?? { top: 0, left: 0 },
    targetSize: size(form.targetSize),
    negativeOriginalSize: size(form.negativeOriginalSize),
    negativeCropTopLeft: corner(form.negativeCropTopLeft),
    negativeTargetSize: size(form.negativeTargetSize),
    aestheticScore: readOrZero(form.aestheticScore),
    negativeAestheticScore: readOrZero(form.negativeAestheticScore),
  };
}

export function sdxlFrom(request: GenerationRequest): Partial<FormState> {
  const { microConditioning: micro } = request;
  const size = (value: MicroConditioning['originalSize']): string => (value === null ? '' : `${String(value.width)} x ${String(value.height)}`);
  const corner = (value: MicroConditioning['negativeCropTopLeft']): string => (value === null ? '' : `${String(value.top)}, ${String(value.left)}`);
  return {
    prompt2: request.prompt2 ?? '',
    negativePrompt2: request.negativePrompt2 ?? '',
    originalSize: size(micro.originalSize),
    cropTopLeft: corner(micro.cropTopLeft),
    targetSize: size(micro.targetSize),
    negativeOriginalSize: size(micro.negativeOriginalSize),
    negativeCropTopLeft: corner(micro.negativeCropTopLeft),
    negativeTargetSize: size(micro.negativeTargetSize),
    aestheticScore: String(micro.aestheticScore),
    negativeAestheticScore: String(micro.negativeAestheticScore),
    denoisingStart: request.denoisingStart === null ? '' : String(request.denoisingStart),
    denoisingEnd: request.denoisingEnd === null ? '' : String(request.denoisingEnd),
  };
}
