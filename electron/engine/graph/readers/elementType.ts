import type { WeightType } from '../weights.ts';

/** Bits of one element, by the names safetensors headers use (safetensors 0.8, `Dtype` in tensor.rs). */
const bits = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
} as const;

/** What a tensor in a safetensors file may be made of. */
export type ElementType = keyof typeof bits;

export function isElementType(name: string): name is ElementType {
  return Object.hasOwn(bits, name);
}

export function bitsOf(type: ElementType): number {
  return bits[type];
}

/** Whether a graph can read such elements where they lie. */
export function isWeightType(type: ElementType): type is WeightType {
  return type === 'F32' || type === 'F16' || type === 'BF16';
}

/** Bytes of one weight. */
export function weightBytes(type: WeightType): number {
  return bits[type] / 8;
}
