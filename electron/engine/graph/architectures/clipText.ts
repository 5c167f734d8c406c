import type { ProviderId } from '../../../../shared/generation.ts';
import { type TextActivation, textActivation } from '../blocks/activations.ts';
import { attention } from '../blocks/attention.ts';
import { layerNorm, linear } from '../blocks/layers.ts';
import { Net } from '../blocks/net.ts';
import type { GraphOptions } from '../graphOptions.ts';
import type { Value } from '../onnx/graphBuilder.ts';
import { firstEmbeddingId, type Weights } from '../weights.ts';

/** transformers' `CLIPTextModel` and `CLIPTextModelWithProjection`: CLIP-L, OpenCLIP-H and OpenCLIP-bigG. */
export interface ClipTextConfig {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  /** `hidden_act`: CLIP-L has quick_gelu, OpenCLIP gelu. */
  readonly activation: TextActivation;
  /** `eos_token_id`. 2, which is what old configs say, means: the place of the largest id. */
  readonly eosTokenId: number;
  /** With `text_projection.weight`: the output `text_embeds`; without: `pooler_output`. */
  readonly projection: boolean;
}

/**
 * Input `input_ids` int64 [B, 77]. Outputs as optimum names them: `last_hidden_state` (after the final norm) first, `text_embeds` or
 * `pooler_output`, and `hidden_states.N`, what each layer is given and the last gives, before the final norm. Clip skip of Stable
 * Diffusion sends an earlier one through that norm: `normed_hidden_states.N`.
 * @throws StopbathError `MODEL_BAD` for weights that are missing or of other sizes.
 */
export function clipTextGraph(config: ClipTextConfig, weights: Weights, options: GraphOptions = {}): Buffer {
  const net = new Net(weights, options, 'streamed');
  const length = weights.get('text_model.embeddings.position_embedding.weight').dims[0] ?? 0;
  const ids = net.graph.input('input_ids', 'int64', ['batch', length]);
  net.setBatch(ids);
  let x = embed(net, ids, config.hiddenSize);
  const hidden = [x];
  for (let layer = 0; layer < config.layers; layer++) {
    x = encoderLayer(net, `text_model.encoder.layers.${layer}`, x, config, length);
    hidden.push(x);
  }
  const normal = (value: Value): Value => layerNorm(net, 'text_model.final_layer_norm', value);
  const last = normal(x);
  const sides = ['batch', length, config.hiddenSize] as const;
  const batched = (value: Value): Value => net.graph.op('Reshape', [value, net.tokenShape(config.hiddenSize)]);
  net.output('last_hidden_state', batched(last), sides);
  const pooled = pool(net, ids, batched(last), config.eosTokenId);
  if (config.projection) {
    const { dims, transposed } = weights.get('text_projection.weight');
    const width = dims[transposed === true ? 1 : 0] ?? 0;
    net.output('text_embeds', linear(net, 'text_projection', pooled), ['batch', width]);
  } else {
    net.output('pooler_output', pooled, ['batch', config.hiddenSize]);
  }
  hidden.forEach((value, index) => net.output(`hidden_states.${index}`, batched(value), sides));
  hidden.forEach((value, index) => net.output(`normed_hidden_states.${index}`, batched(normal(value)), sides));
  return net.build();
}

/** @returns [B * 77, width] */
function embed(net: Net, ids: Value, width: number): Value {
  const { graph } = net;
  return graph.within('text_model.embeddings', () => {
    const table = 'text_model.embeddings.token_embedding.weight';
    const pick = (words: Value): Value => (picksStored(net.device) ? pickStored(net, table, words) : graph.op('Gather', [net.weight(table), words]));
    const tokens = withEmbeddings(net, ids, pick);
    const placed = graph.op('Add', [tokens, net.weight('text_model.embeddings.position_embedding.weight')]);
    return graph.op('Reshape', [placed, graph.ints(-1, width)]);
  });
}

/** Textual inversion: ids beyond the vocabulary are rows of their own. @param pick rows of the table */
function withEmbeddings(net: Net, ids: Value, pick: (ids: Value) => Value): Value {
  const { embeddings = [] } = net.adapters;
  if (embeddings.length === 0) return pick(ids);
  const { graph } = net;
  const [first, ...others] = embeddings.map((ref, index) => net.tensor(`embedding_${index}`, ref));
  const rows = first === undefined || others.length === 0 ? (first ?? '') : graph.op('Concat', [first, ...others], { axis: 0 });
  const isOwn = isEmbedding(net, ids);
  const word = pick(graph.op('Where', [isOwn, graph.ints(0), ids]));
  const own = graph.op('Gather', [rows, graph.op('Where', [isOwn, graph.op('Sub', [ids, graph.ints(firstEmbeddingId)]), graph.ints(0)])]);
  return graph.op('Where', [graph.op('Unsqueeze', [isOwn, graph.ints(-1)]), own, word]);
}

function isEmbedding({ graph }: Net, ids: Value): Value {
  return graph.op('GreaterOrEqual', [ids, graph.ints(firstEmbeddingId)]);
}

/** Rows in the type of the file: the whole table in float32 would be held for 77 of its 49408. */
function pickStored(net: Net, table: string, ids: Value): Value {
  const ref = net.weights.get(table);
  const picked = net.graph.op('Gather', [net.stored(table, ref), ids]);
  return ref.type === storedAs[net.precision] ? picked : net.graph.cast(picked, net.precision);
}

const storedAs = { float32: 'F32', float16: 'F16' } as const;

/** A GPU without half precision refuses even to pick from it. */
function picksStored(device: ProviderId): boolean {
  return device === 'cpu' || device === 'cuda';
}

/** transformers' `CLIPEncoderLayer`. @param x [B * 77, width] */
function encoderLayer(net: Net, name: string, x: Value, config: ClipTextConfig, length: number): Value {
  return net.graph.within(name, () => {
    const normal = layerNorm(net, `${name}.layer_norm1`, x);
    const part = (letter: string): Value => linear(net, `${name}.self_attn.${letter}_proj`, normal);
    const { heads, hiddenSize: width } = config;
    const mixed = attention(net, { query: part('q'), key: part('k'), value: part('v'), heads, width, mask: causalMask(net, length) });
    const seen = net.graph.op('Add', [x, linear(net, `${name}.self_attn.out_proj`, mixed)]);
    const wide = linear(net, `${name}.mlp.fc1`, layerNorm(net, `${name}.layer_norm2`, seen));
    return net.graph.op('Add', [seen, linear(net, `${name}.mlp.fc2`, textActivation(net, wide, config.activation))]);
  });
}

/** A token sees itself and what stands before it. [77, 77] */
function causalMask(net: Net, length: number): Value {
  const hidden = Array.from({ length: length * length }, (_, place) => (place % length > Math.floor(place / length) ? -Infinity : 0));
  return net.toPrecision(net.graph.floats(hidden, [length, length]));
}

/** The state at the end of the text. @param states [B, 77, width] @returns [B, width] */
function pool(net: Net, ids: Value, states: Value, eosTokenId: number): Value {
  const { graph } = net;
  return graph.within('text_model.pooler', () => {
    // Of several largest, ArgMax takes the first: the end before the padding, which has the same id.
    const words = (net.adapters.embeddings?.length ?? 0) > 0 ? graph.op('Where', [isEmbedding(net, ids), graph.ints(0), ids]) : ids;
    const marked = eosTokenId === 2 ? words : graph.op('Equal', [ids, graph.ints(eosTokenId)]);
    const place = graph.op('ArgMax', [graph.cast(marked, 'int32')], { axis: 1, keepdims: 1 });
    return graph.op('GatherND', [states, place], { batch_dims: 1 });
  });
}
