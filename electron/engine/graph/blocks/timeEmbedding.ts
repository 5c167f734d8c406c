import type { Value } from '../onnx/graphBuilder.ts';
import { silu } from './activations.ts';
import { linear } from './layers.ts';
import type { Net } from './net.ts';

const { fround } = Math;

/**
 * Numbers as cosines, then sines, of `width / 2` frequencies (arXiv 2006.11239; diffusers' `get_timestep_embedding` with
 * `flip_sin_to_cos` and no shift). Always in float32: half precision has no thousandths at 999.
 * @param numbers float32 [n, 1]
 * @returns [n, width]
 */
export function sinusoids(net: Net, numbers: Value, width: number): Value {
  const { graph } = net;
  const half = width / 2;
  // Rounded at every step as torch does: at timestep 999 the last bit of a frequency is seen.
  const rate = fround(-Math.log(10000));
  const frequencies = Array.from({ length: half }, (_, index) => Math.exp(fround(fround(rate * index) / half)));
  const angles = graph.op('Mul', [numbers, graph.floats(frequencies, [1, half])]);
  return net.toPrecision(graph.op('Concat', [graph.op('Cos', [angles]), graph.op('Sin', [angles])], { axis: -1 }));
}

/** diffusers' `TimestepEmbedding`. @param x [n, width] */
export function embedding(net: Net, name: string, x: Value): Value {
  return net.graph.within(name, () => linear(net, `${name}.linear_2`, silu(net, linear(net, `${name}.linear_1`, x))));
}
