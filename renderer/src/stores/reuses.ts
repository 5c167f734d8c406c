import type { Reuse } from '../../../shared/generation.ts';
import type { Model } from '../../../shared/models.ts';

/** Kinds of reuse to choose from: deep features only where the model's graphs give them, or where they are chosen by now. */
export function offeredReuses(model: Pick<Model, 'takesLoras'> | null, chosen: Reuse['kind']): readonly Reuse['kind'][] {
  const kinds = ['none', 'unconditional', 'features', 'steps'] as const;
  return kinds.filter((kind) => kind !== 'features' || kind === chosen || model?.takesLoras === true);
}

/** Message keys under `advanced.` of the number that two kinds have. */
export const everyLabel = { unconditional: 'reuseEvery', features: 'reuseFeaturesEvery' } as const;
