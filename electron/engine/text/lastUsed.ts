/** Keeps the `size` values used last. */
export class LastUsed<V> {
  readonly #size: number;
  /** In order of use: a Map keeps the order of insertion. */
  readonly #values = new Map<string, V>();

  constructor(size: number) {
    this.#size = size;
  }

  get(key: string): V | undefined {
    const value = this.#values.get(key);
    return value === undefined ? undefined : this.keep(key, value);
  }

  keep(key: string, value: V): V {
    this.#values.delete(key);
    this.#values.set(key, value);
    const oldest = this.#values.keys().next();
    if (this.#values.size > this.#size && oldest.done !== true) this.#values.delete(oldest.value);
    return value;
  }
}
