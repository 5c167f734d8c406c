import { elementTypes, type OnnxAttribute, onnxModel, type OnnxInitializer, type OnnxNode, type OnnxValue } from './model.ts';

/** Name of a value that flows through the graph. */
export type Value = string;

export type ElementType = keyof typeof elementTypes;

type Attributes = Readonly<Record<string, OnnxAttribute>>;

/**
 * Collects the nodes of one graph. A node is named after the layer it belongs to, so that the runtime's messages and profiles
 * speak of layers as the weights' file does.
 */
export class GraphBuilder {
  readonly #nodes: OnnxNode[] = [];
  readonly #inputs: OnnxValue[] = [];
  readonly #outputs: OnnxValue[] = [];
  readonly #initializers = new Map<string, OnnxInitializer>();
  readonly #constants = new Map<string, Value>();
  #layer = '';

  /** Runs `build` with its nodes named after `layer`. */
  within<T>(layer: string, build: () => T): T {
    const outer = this.#layer;
    this.#layer = layer;
    try {
      return build();
    } finally {
      this.#layer = outer;
    }
  }

  input(name: string, type: OnnxValue['type'], dims: OnnxValue['dims']): Value {
    this.#inputs.push({ name, type, dims });
    return name;
  }

  output(name: string, value: Value, type: OnnxValue['type'], dims: OnnxValue['dims']): void {
    this.#nodes.push({ op: 'Identity', inputs: [value], outputs: [name] });
    this.#outputs.push({ name, type, dims });
  }

  /** A node of one result. */
  op(op: string, inputs: readonly Value[], attributes: Attributes = {}): Value {
    return this.#node({ op, inputs, attributes });
  }

  /** One of ONNX Runtime's own operators: its ContribOperators.md. */
  microsoft(op: string, inputs: readonly Value[], attributes: Attributes = {}): Value {
    return this.#node({ op, inputs, attributes, domain: 'com.microsoft' });
  }

  cast(value: Value, type: ElementType): Value {
    return this.op('Cast', [value], { to: elementTypes[type] });
  }

  /** A constant vector of whole numbers: shapes, axes. */
  ints(...values: readonly number[]): Value {
    return this.#constant(`ints ${values.join(' ')}`, { dims: [values.length], data: BigInt64Array.from(values, BigInt) });
  }

  floats(values: ArrayLike<number>, dims: readonly number[] = [values.length]): Value {
    const data = Float32Array.from(values);
    return this.#constant(`floats ${dims.join('x')} ${[...data].join(' ')}`, { dims, data });
  }

  /** A single number. */
  scalar(value: number): Value {
    return this.floats([value], []);
  }

  /** A constant of another file; asked for twice under one name it is there once. */
  external(item: Extract<OnnxInitializer, { readonly location: string }>): Value {
    this.#initializers.set(item.name, item);
    return item.name;
  }

  build(): Buffer {
    return onnxModel({
      nodes: this.#nodes,
      inputs: this.#inputs,
      outputs: this.#outputs,
      initializers: [...this.#initializers.values()],
      // Gelu came with 20.
      opset: 20,
    });
  }

  #node(node: Omit<OnnxNode, 'outputs' | 'name'>): Value {
    const name = `${this.#layer}/${node.op}_${this.#nodes.length}`;
    this.#nodes.push({ ...node, name, outputs: [name] });
    return name;
  }

  #constant(key: string, constant: { readonly dims: readonly number[]; readonly data: Float32Array | BigInt64Array }): Value {
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const name = `constant_${this.#constants.size}`;
    this.#constants.set(key, name);
    this.#initializers.set(name, { name, ...constant });
    return name;
  }
}
