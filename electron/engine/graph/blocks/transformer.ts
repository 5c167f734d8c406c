import type { Value } from '../onnx/graphBuilder.ts';
import { gelu } from './activations.ts';
import { attention } from './attention.ts';
import { groupNorm, layerNorm, linear } from './layers.ts';
import type { Net } from './net.ts';
import { toImage, toTokens } from './tokens.ts';

export interface TransformerOptions {
  readonly channels: number;
  readonly heads: number;
  readonly layers: number;
  readonly groups: number;
  /** Text embeddings as [B * tokens, width]. */
  readonly text: Value;
}

/** diffusers' `Transformer2DModel`: an image looks at itself and at the text. @param x [B, C, H, W] */
export function spatialTransformer(net: Net, name: string, x: Value, options: TransformerOptions): Value {
  return net.graph.within(name, () => {
    const { value, sides } = toTokens(net, groupNorm(net, `${name}.norm`, x, options.groups, 1e-6), options.channels);
    let tokens = linear(net, `${name}.proj_in`, value);
    for (let layer = 0; layer < options.layers; layer++) {
      tokens = transformerBlock(net, `${name}.transformer_blocks.${layer}`, tokens, options);
    }
    return net.graph.op('Add', [toImage(net, { value: linear(net, `${name}.proj_out`, tokens), sides }), x]);
  });
}

/** diffusers' `BasicTransformerBlock`. */
function transformerBlock(net: Net, name: string, x: Value, options: TransformerOptions): Value {
  const add = (part: Value, to: Value): Value => net.graph.op('Add', [part, to]);
  return net.graph.within(name, () => {
    const normal = layerNorm(net, `${name}.norm1`, x);
    const self = add(crossAttention(net, `${name}.attn1`, normal, normal, options), x);
    const cross = add(crossAttention(net, `${name}.attn2`, layerNorm(net, `${name}.norm2`, self), options.text, options), self);
    return add(feedForward(net, `${name}.ff`, layerNorm(net, `${name}.norm3`, cross)), cross);
  });
}

function crossAttention(net: Net, name: string, x: Value, context: Value, { heads, channels: width }: TransformerOptions): Value {
  return net.graph.within(name, () => {
    const query = linear(net, `${name}.to_q`, x);
    const key = linear(net, `${name}.to_k`, context, { after: x });
    const value = linear(net, `${name}.to_v`, context, { after: x });
    return linear(net, `${name}.to_out.0`, attention(net, { query, key, value, heads, width }));
  });
}

/** GEGLU (arXiv 2002.05202). Its two halves are computed apart: nothing has to be split. */
function feedForward(net: Net, name: string, x: Value): Value {
  const layer = `${name}.net.0.proj`;
  const width = (net.weights.get(`${layer}.weight`).dims[0] ?? 0) / 2;
  return net.graph.within(name, () => {
    const hidden = linear(net, layer, x, { only: { from: 0, to: width } });
    const gate = gelu(net, linear(net, layer, x, { only: { from: width, to: 2 * width } }));
    return linear(net, `${name}.net.2`, net.graph.op('Mul', [hidden, gate]));
  });
}
