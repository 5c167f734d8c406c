import { type GenerationRequest, type InputImage, parseGenerationRequest, type Steering, tasks } from '../../shared/generation.ts';
import { schedulerIds, takesEta } from '../../shared/samplers.ts';
import type { Random } from './random.ts';

/** Small, so that a run takes about a second: what is tried is where it is cut, not how long it draws. */
export const side = 64;

export interface InputPictures {
  readonly image: InputImage;
  readonly mask: InputImage;
}

const prompts = ['a red house', 'a palm tree on a sandy beach', 'a yellow house and a lake', 'a pine tree on [white:green:4] snow'];

/** The built-in model does not predict flow. */
const schedulers = schedulerIds.filter((id) => id !== 'flow_euler');

/** A request with anything in it that a resumed run could get wrong: history, noise, guidance, pictures, planned steering. */
export function randomRequest(random: Random, number: number, { image, mask }: InputPictures): GenerationRequest {
  const task = random.pick(tasks);
  const steps = random.whole(6, 12);
  const guided = random.pick<Partial<GenerationRequest>>([
    {},
    { guidanceEnd: { kind: 'ratio', ratio: 0.5 } },
    { guidanceCurve: { kind: 'linear', to: 1.5 } },
    { guidanceRescale: 0.5 },
    { guidanceScale: 1 },
  ]);
  // Each in turn: no scheduler is left out of a campaign of some size.
  const scheduler = schedulers[number % schedulers.length] ?? 'ddim';
  return parseGenerationRequest({
    task,
    modelId: 'starter',
    prompt: random.pick(prompts),
    negativePrompt: random.pick([null, 'a tree']),
    width: side,
    height: side,
    steps,
    guidanceScale: 3,
    guidanceEnd: { kind: 'never' },
    scheduler,
    eta: takesEta(scheduler) ? random.pick([0, 0.7]) : 0,
    seed: String(random.whole(0, 2 ** 31)),
    imagesPerPrompt: random.pick([1, 1, 2]),
    image: task === 'text-to-image' ? null : image,
    mask: task === 'inpaint' ? mask : null,
    strength: random.pick([0.8, 1]),
    ...guided,
    steering: random.unit() < 0.5 ? [] : [{ afterStep: random.whole(0, 3), steering: pictureSteering(random) }],
  });
}

/** What a person might do to a run. */
export function pictureSteering(random: Random): Omit<Steering, 'paceMs'> {
  return random.pick<Omit<Steering, 'paceMs'>>([
    { guidanceScale: random.whole(1, 6) },
    { guidanceEnd: { kind: 'guided-steps', steps: random.whole(1, 5) } },
    { prompt: random.pick(prompts) },
    { negativePrompt: 'a house' },
    { noiseSeed: String(random.whole(0, 999)) },
  ]);
}
