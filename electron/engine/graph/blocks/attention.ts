import type { Value } from '../onnx/graphBuilder.ts';
import type { Net } from './net.ts';

export interface AttentionInputs {
  /** [B * tokens, width] */
  readonly query: Value;
  /** [B * (other) tokens, width] */
  readonly key: Value;
  readonly value: Value;
  readonly heads: number;
  readonly width: number;
  /** [tokens, other tokens], added to the scores; -infinity hides. */
  readonly mask?: Value;
}

/**
 * softmax(q k^T / sqrt(head width)) v of every head (arXiv 1706.03762).
 * Fused, it needs a third of the memory at 512 x 512 on the CPU, as no matrix of all pairs is made. With a mask it is always plain.
 * @returns [B * tokens, width]
 */
export function attention(net: Net, inputs: AttentionInputs): Value {
  return net.attention === 'fused' && inputs.mask === undefined ? fused(net, inputs) : plain(net, inputs);
}

function fused(net: Net, { query, key, value, heads, width }: AttentionInputs): Value {
  const batched = [query, key, value].map((tokens) => net.graph.op('Reshape', [tokens, net.tokenShape(width)]));
  const result = net.graph.microsoft('MultiHeadAttention', batched, { num_heads: heads });
  return net.graph.op('Reshape', [result, net.graph.ints(-1, width)]);
}

function plain(net: Net, { query, key, value, heads, width, mask }: AttentionInputs): Value {
  const { graph } = net;
  const split = (tokens: Value, perm: readonly number[]): Value => {
    const batched = graph.op('Reshape', [tokens, net.tokenShape(width)]);
    return graph.op('Transpose', [graph.op('Reshape', [batched, graph.ints(0, 0, heads, width / heads)])], { perm });
  };
  // Scaled before the product, the scores of half-precision graphs stay small.
  const scaled = graph.op('Mul', [query, net.scalar((width / heads) ** -0.5)]);
  const scores = graph.op('MatMul', [split(scaled, [0, 2, 1, 3]), split(key, [0, 2, 3, 1])]);
  const shares = net.inFloat32(mask === undefined ? scores : graph.op('Add', [scores, mask]), (logits) => graph.op('Softmax', [logits], { axis: -1 }));
  const mixed = graph.op('MatMul', [shares, split(value, [0, 2, 1, 3])]);
  return graph.op('Reshape', [graph.op('Transpose', [mixed], { perm: [0, 2, 1, 3] }), graph.ints(-1, width)]);
}
