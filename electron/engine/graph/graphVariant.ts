import type { ProviderId } from '../../../shared/generation.ts';

/** Element type the graph computes in; its inputs and outputs are float32 either way. */
export type Arithmetic = 'float32' | 'float16';

/** Ways to write one architecture that give the same result: what differs is which of them a device does right, and how fast. */
export interface GraphVariant {
  /** `fused`: one operator for a whole attention, without a matrix of all pairs. `plain`: two products and a softmax. */
  readonly attention: 'fused' | 'plain';
  /** Of UNet and text encoders. The VAE overflows in half precision and computes in float32 whatever this says. */
  readonly arithmetic: Arithmetic;
}

/** What every device does right, and what is left when nothing else is. */
export const plainVariant: GraphVariant = { attention: 'plain', arithmetic: 'float32' };

/** Without a probe: the CPU computes in 32 bits only, and needs a third of the memory for fused attention. */
export function usualVariant(device: ProviderId): GraphVariant {
  return device === 'cpu' ? { attention: 'fused', arithmetic: 'float32' } : plainVariant;
}

/**
 * The variants worth a probe on a device, the one that needs least memory first. None: the usual one it is. Core ML chooses its
 * arithmetic itself.
 */
export function variantsToProbe(device: ProviderId): readonly GraphVariant[] {
  if (device === 'cpu' || device === 'coreml') return [];
  return (['float16', 'float32'] as const).flatMap((arithmetic) => (['fused', 'plain'] as const).map((attention) => ({ attention, arithmetic })));
}

/** `fused attention in float16` */
export function variantName({ attention, arithmetic }: GraphVariant): string {
  return `${attention} attention in ${arithmetic}`;
}

export function isSameVariant(a: GraphVariant, b: GraphVariant): boolean {
  return a.attention === b.attention && a.arithmetic === b.arithmetic;
}
