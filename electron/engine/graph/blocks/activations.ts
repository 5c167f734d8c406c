import { assertNever } from '../../../../shared/errors.ts';
import type { Value } from '../onnx/graphBuilder.ts';
import type { Net } from './net.ts';

/** x * sigmoid(alpha * x): SiLU for 1; CLIP's quick GELU for 1.702. */
function sigmoidLinear(net: Net, x: Value, alpha: number): Value {
  if (net.device === 'cpu' || net.device === 'cuda') return net.graph.microsoft('QuickGelu', [x], { alpha: { float: alpha } });
  const scaled = alpha === 1 ? x : net.graph.op('Mul', [x, net.scalar(alpha)]);
  return net.graph.op('Mul', [x, net.graph.op('Sigmoid', [scaled])]);
}

export function silu(net: Net, x: Value): Value {
  return sigmoidLinear(net, x, 1);
}

/** The exact GELU, by the error function. */
export function gelu(net: Net, x: Value): Value {
  return net.graph.op('Gelu', [x]);
}

export type TextActivation = 'quick_gelu' | 'gelu';

export function textActivation(net: Net, x: Value, activation: TextActivation): Value {
  switch (activation) {
    case 'quick_gelu':
      return sigmoidLinear(net, x, 1.702);
    case 'gelu':
      return gelu(net, x);
    default:
      return assertNever(activation);
  }
}
