import type { Value } from '../onnx/graphBuilder.ts';
import { silu } from './activations.ts';
import { conv, groupNorm, linear } from './layers.ts';
import type { Net } from './net.ts';

export interface ResBlockOptions {
  readonly groups: number;
  readonly epsilon: number;
  /** The activated time embedding [1 or B, width], or null in a VAE. */
  readonly time: Value | null;
}

/** diffusers' `ResnetBlock2D`: two normalised convolutions beside a shortcut. @param x [B, C, H, W] */
export function resBlock(net: Net, name: string, x: Value, { groups, epsilon, time }: ResBlockOptions): Value {
  const { graph } = net;
  return graph.within(name, () => {
    const inner = conv(net, `${name}.conv1`, silu(net, groupNorm(net, `${name}.norm1`, x, groups, epsilon)));
    const timed = time === null ? inner : graph.op('Add', [inner, perChannel(net, linear(net, `${name}.time_emb_proj`, time, { after: inner }))]);
    const outer = conv(net, `${name}.conv2`, silu(net, groupNorm(net, `${name}.norm2`, timed, groups, epsilon)));
    const shortcut = `${name}.conv_shortcut`;
    return graph.op('Add', [net.weights.has(`${shortcut}.weight`) ? conv(net, shortcut, x) : x, outer]);
  });
}

/** [B, C] to [B, C, 1, 1] */
function perChannel(net: Net, x: Value): Value {
  return net.graph.op('Reshape', [x, net.graph.ints(0, -1, 1, 1)]);
}
