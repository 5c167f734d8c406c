/** A value as JSON text beside the raw bytes of its typed arrays: readable by any version of Node, unlike its own serializer's. */
export interface Packed {
  readonly json: string;
  readonly bytes: readonly Uint8Array[];
}

const arrayTypes = {
  Float32Array,
  Float64Array,
  Int8Array,
  Int16Array,
  Int32Array,
  Uint8Array,
  Uint16Array,
  Uint32Array,
  BigInt64Array,
  BigUint64Array,
} as const;
type ArrayTypeName = keyof typeof arrayTypes;
type TypedArray = InstanceType<(typeof arrayTypes)[ArrayTypeName]>;

/** The one key of an object that stands for what JSON has no word for. */
const tag = '$';
/** Widest element of a typed array, in bytes: each array begins at a multiple of it. */
const alignment = 8;

/**
 * Plain data: numbers (all of them), strings, booleans, null, undefined, BigInts, arrays, plain objects and typed arrays.
 * @throws Error for anything else.
 */
export function pack(value: unknown): Packed {
  const bytes: Uint8Array[] = [];
  let length = 0;
  const addArray = (name: ArrayTypeName, array: TypedArray): unknown => {
    const at = length;
    const padding = (alignment - (array.byteLength % alignment)) % alignment;
    bytes.push(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), new Uint8Array(padding));
    length += array.byteLength + padding;
    return { [tag]: [name, at, array.length] };
  };
  const visit = (part: unknown): unknown => {
    switch (typeof part) {
      case 'string':
      case 'boolean':
        return part;
      case 'number':
        return Number.isFinite(part) && !Object.is(part, -0) ? part : { [tag]: ['number', Object.is(part, -0) ? '-0' : String(part)] };
      case 'bigint':
        return { [tag]: ['bigint', String(part)] };
      case 'undefined':
        return { [tag]: ['undefined'] };
      case 'object':
        break;
      default:
        throw new Error(`A ${typeof part} cannot be stored.`);
    }
    if (part === null) return null;
    if (Array.isArray(part)) return part.map(visit);
    const name = part.constructor?.name;
    if (isArrayType(name) && ArrayBuffer.isView(part)) return addArray(name, part as TypedArray);
    const prototype: unknown = Object.getPrototypeOf(part);
    if (prototype !== Object.prototype && prototype !== null) throw new Error(`A ${String(name)} cannot be stored.`);
    const fields = Object.fromEntries(Object.entries(part).map(([key, field]) => [key, visit(field)]));
    return tag in fields ? { [tag]: ['object', fields] } : fields;
  };
  return { json: JSON.stringify(visit(value)), bytes };
}

/** @throws Error for what {@link pack} did not make. */
export function unpack(json: string, bytes: Uint8Array): unknown {
  const fieldsOf = (part: object): object => Object.fromEntries(Object.entries(part).map(([key, field]) => [key, visit(field)]));
  const tagged = ([kind, ...values]: readonly unknown[]): unknown => {
    const [first, second] = values;
    if (isArrayType(kind)) return readArray(kind, bytes, Number(first), Number(second));
    switch (kind) {
      case 'number':
        return Number(first);
      case 'bigint':
        return BigInt(String(first));
      case 'undefined':
        return undefined;
      case 'object':
        return fieldsOf(first as object);
      default:
        throw new Error(`Not a stored value: ${String(kind)}`);
    }
  };
  const visit = (part: unknown): unknown => {
    if (typeof part !== 'object' || part === null) return part;
    if (Array.isArray(part)) return part.map(visit);
    const mark: unknown = (part as Record<string, unknown>)[tag];
    return Array.isArray(mark) ? tagged(mark) : fieldsOf(part);
  };
  return visit(JSON.parse(json));
}

function isArrayType(name: unknown): name is ArrayTypeName {
  return typeof name === 'string' && Object.hasOwn(arrayTypes, name);
}

/** A copy: the file's bytes are let go of. Every machine that Node runs on here is little-endian. */
function readArray(name: ArrayTypeName, bytes: Uint8Array, at: number, length: number): TypedArray {
  const type = arrayTypes[name];
  const end = at + length * type.BYTES_PER_ELEMENT;
  if (!(at >= 0 && length >= 0 && end <= bytes.length)) throw new Error('A stored array lies outside the file.');
  const copy = new Uint8Array(end - at);
  copy.set(bytes.subarray(at, end));
  return new type(copy.buffer);
}
