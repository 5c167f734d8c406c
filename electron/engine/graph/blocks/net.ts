import { StopbathError } from '../../../../shared/errors.ts';
import type { ProviderId } from '../../../../shared/generation.ts';
import type { GraphOptions } from '../graphOptions.ts';
import { type Arithmetic, type GraphVariant, usualVariant } from '../graphVariant.ts';
import { GraphBuilder, type Value } from '../onnx/graphBuilder.ts';
import { type Adapters, noAdapters, type WeightRef, type Weights, type WeightType } from '../weights.ts';

const elementTypes = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const;
const bytesPerElement: Readonly<Record<WeightType, number>> = { F32: 4, F16: 2, BF16: 2 };

/** Name of the input that steers LoRAs: one float a LoRA, 0 = as if it were not there. */
export const strengthsInput = 'lora_strengths';

/** A graph in the making and what its blocks draw from: the weights of one part, its LoRAs, the device's ways. */
export class Net {
  readonly graph = new GraphBuilder();
  readonly weights: Weights;
  readonly adapters: Adapters;
  readonly device: ProviderId;
  readonly precision: Arithmetic;
  readonly attention: GraphVariant['attention'];
  readonly #streams: boolean;
  readonly #noughts = new Map<Value, Value>();
  readonly #tensors = new Map<string, Value>();
  readonly #strengths = new Map<string, Value>();
  readonly #tokenShapes = new Map<number, Value>();
  #batch: Value | null = null;

  constructor(weights: Weights, options: GraphOptions, weightsByDefault: 'held' | 'streamed') {
    this.weights = weights;
    this.adapters = options.adapters ?? noAdapters;
    this.device = options.device ?? 'cpu';
    const { attention, arithmetic } = options.variant ?? usualVariant(this.device);
    this.precision = arithmetic;
    this.attention = attention;
    this.#streams = this.device === 'cpu' && (options.weights ?? weightsByDefault) === 'streamed';
  }

  /** A float32 input of the graph in the precision it computes in. */
  input(name: string, dims: readonly (number | string)[]): Value {
    return this.toPrecision(this.graph.input(name, 'float32', dims));
  }

  /** A float32 output of the graph. */
  output(name: string, value: Value, dims: readonly (number | string)[]): void {
    this.graph.output(name, this.precision === 'float32' ? value : this.graph.cast(value, 'float32'), 'float32', dims);
  }

  /** The bytes of the .onnx file. The strengths of LoRAs are its last input: the first is what the part is known by. */
  build(): Buffer {
    if (this.adapters.count > 0) this.graph.input(strengthsInput, 'float32', [this.adapters.count]);
    return this.graph.build();
  }

  /** float32 to the precision of the graph. */
  toPrecision(value: Value): Value {
    return this.precision === 'float32' ? value : this.graph.cast(value, this.precision);
  }

  /** Computes in float32 whatever the graph does: for sums over so many values that half precision would overflow or lose them. */
  inFloat32(value: Value, compute: (value: Value) => Value): Value {
    return this.precision === 'float32' ? compute(value) : this.toPrecision(compute(this.graph.cast(value, 'float32')));
  }

  /** A constant number in the graph's precision. */
  scalar(value: number): Value {
    return this.toPrecision(this.graph.scalar(value));
  }

  /**
   * A tensor of the file as a value of the graph.
   * @param dims its sides read another way: the same numbers in the same order
   * @throws StopbathError `MODEL_BAD` when there is no such tensor, or its bytes do not fill its sides.
   */
  weight(name: string, dims?: readonly number[]): Value {
    return this.tensor(dims === undefined ? name : `${name} as ${dims.join('x')}`, this.weights.get(name), dims);
  }

  /** @param name what the graph calls it: one name, one tensor */
  tensor(name: string, ref: WeightRef, dims: readonly number[] = ref.dims): Value {
    const known = this.#tensors.get(name);
    if (known !== undefined) return known;
    const value = this.#inPrecision(this.stored(name, ref, dims), ref);
    this.#tensors.set(name, value);
    return value;
  }

  /**
   * As {@link tensor}, of a layer's large one. Where weights are streamed, it is converted when the layer runs, and dropped after it: its
   * shape is then known only once `input` is, so that the runtime neither converts it while it loads nor ahead of time.
   * @param input what the layer is given
   */
  large(name: string, ref: WeightRef, dims: readonly number[], input: Value): Value {
    const count = dims.reduce((product, side) => product * side, 1);
    if (!this.#streams || elementTypes[ref.type] === this.precision || count < smallestStreamed) return this.tensor(name, ref, dims);
    const late = this.graph.op('Reshape', [this.stored(name, ref, dims), this.#lateShape(dims, input)]);
    return this.graph.cast(late, this.precision);
  }

  /** As {@link tensor}, but in the type of the file. */
  stored(name: string, ref: WeightRef, dims: readonly number[] = ref.dims): Value {
    const count = dims.reduce((product, side) => product * side, bytesPerElement[ref.type]);
    if (count !== ref.length) {
      throw new StopbathError({
        code: 'MODEL_BAD',
        message: `${name} has ${ref.length} bytes; ${ref.type} [${dims.join(', ')}] needs ${count}.`,
      });
    }
    return this.graph.external({ name, dims, type: elementTypes[ref.type], location: ref.file, offset: ref.offset, length: ref.length });
  }

  /** What a LoRA's part of a layer is multiplied with: its strength now times alpha / rank. */
  strength(index: number, scale: number): Value {
    const key = `${index} ${scale}`;
    const known = this.#strengths.get(key);
    if (known !== undefined) return known;
    const strength = this.graph.within(strengthsInput, () =>
      this.toPrecision(
        this.graph.op('Mul', [this.graph.op('Gather', [strengthsInput, this.graph.ints(index)]), this.graph.floats([scale])]),
      ),
    );
    this.#strengths.set(key, strength);
    return strength;
  }

  /** Tells the rows of the batch, from any value that has them as its first side. */
  setBatch(value: Value): void {
    this.#batch = this.graph.op('Shape', [value], { start: 0, end: 1 });
  }

  /** Shape that makes [B * tokens, width] of tokens into [B, tokens, width]. */
  tokenShape(width: number): Value {
    const known = this.#tokenShapes.get(width);
    if (known !== undefined) return known;
    const shape = this.graph.op('Concat', [this.#rows, this.graph.ints(-1, width)], { axis: 0 });
    this.#tokenShapes.set(width, shape);
    return shape;
  }

  get #rows(): Value {
    if (this.#batch === null) throw new StopbathError({ code: 'INTERNAL', message: 'The graph has no batch yet.' });
    return this.#batch;
  }

  /** A shape, but not before `value` is there. */
  #lateShape(dims: readonly number[], value: Value): Value {
    const known = this.#noughts.get(value);
    const rows = known === undefined ? this.graph.op('Shape', [value], { start: 0, end: 1 }) : '';
    const nought = known ?? this.graph.op('Sub', [rows, rows]);
    this.#noughts.set(value, nought);
    return this.graph.op('Add', [this.graph.ints(...dims), nought]);
  }

  #inPrecision(value: Value, { type }: WeightRef): Value {
    if (elementTypes[type] === this.precision) return value;
    return this.graph.cast(value, this.precision);
  }
}

/** Elements below which nothing is gained. */
const smallestStreamed = 2 ** 8;
