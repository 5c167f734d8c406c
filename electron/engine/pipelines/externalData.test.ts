import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyFixtures } from '../../../e2e/parity/tiny/folder.ts';
import { StopbathError } from '../../../shared/errors.ts';
import { onnxModel } from '../graph/onnx/model.ts';
import { bytesField, numberField } from '../graph/onnx/protobuf.ts';
import { checkOnnxFile, locationFault } from './externalData.ts';
import { ModelFault } from './modelFault.ts';
import { readOnnxFile } from './onnxFile.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stopbath-onnx-'));
  await mkdir(join(folder, 'unet'));
});
afterAll(() => rm(folder, { recursive: true }));

const write = async (bytes: Buffer): Promise<string> => {
  const file = join(folder, 'unet/model.onnx');
  await writeFile(file, bytes);
  return file;
};

const entry = (key: string, value: string): Buffer => bytesField(13, Buffer.concat([bytesField(1, key), bytesField(2, value)]));
/** A float32 tensor [4] whose bytes lie at `location`. */
const outside = (location: string, ...more: readonly Buffer[]): Buffer =>
  Buffer.concat([numberField(1, 4), numberField(2, 1), bytesField(8, 'w'), entry('location', location), ...more]);
const external = numberField(14, 1);
const model = (graph: Buffer, ...more: readonly Buffer[]): Buffer =>
  Buffer.concat([numberField(1, 8), bytesField(7, graph), bytesField(8, Buffer.concat([bytesField(1, ''), numberField(2, 17)])), ...more]);

describe('a place of weights', () => {
  it.each(['model.onnx_data', 'weights.pb', 'model.onnx.data', 'data/part 1.bin', '..weights', 'a..b/c', 'Konstante_ä.bin'])('%s is inside', (location) => {
    expect(locationFault(location)).toBeNull();
  });
  it.each(['', '..', '../x', 'a/../../x', 'a\\..\\..\\x', '/x', '\\x', '\\\\server\\share', 'C:x', 'c:\\x', 'a\0b', '*/_ORT_MEM_ADDR_/*'])('%j is not', (location) => {
    expect(locationFault(location)).not.toBeNull();
  });
});

describe('weights outside are found wherever a graph can hold them', () => {
  const tensorOf = outside('../secret', external);
  const attribute = (field: number, content: Buffer): Buffer => bytesField(5, Buffer.concat([bytesField(1, 'value'), bytesField(field, content)]));
  const node = (content: Buffer): Buffer => bytesField(1, Buffer.concat([bytesField(4, 'Constant'), content]));
  const inner = bytesField(5, tensorOf);
  it.each<[string, Buffer]>([
    ['an initializer', model(bytesField(5, tensorOf))],
    ['one that says it is not outside', model(bytesField(5, outside('../secret', bytesField(9, Buffer.alloc(16)))))],
    ['the attribute of a node', model(node(attribute(5, tensorOf)))],
    ['a list of tensors in an attribute', model(node(attribute(10, tensorOf)))],
    ['the graph of an attribute', model(node(attribute(6, inner)))],
    ['a list of graphs in an attribute', model(node(attribute(11, inner)))],
    ['a sparse initializer', model(bytesField(15, bytesField(1, tensorOf)))],
    ['the places of a sparse one', model(bytesField(15, bytesField(2, tensorOf)))],
    ['a function of the model', model(Buffer.alloc(0), bytesField(25, bytesField(7, Buffer.concat([bytesField(4, 'Constant'), attribute(5, tensorOf)]))))],
    ['a second graph', model(Buffer.alloc(0), bytesField(7, inner))],
    ['its training graph', model(Buffer.alloc(0), bytesField(20, bytesField(1, inner)))],
    ['the second of two places', model(bytesField(5, outside('harmless', entry('location', '../secret'), external)))],
  ])('%s', async (_, bytes) => {
    await writeFile(join(folder, 'unet/harmless'), Buffer.alloc(64));
    await expect(checkOnnxFile(await write(bytes), folder)).rejects.toMatchObject({ code: 'UNSAFE_FILE', finding: 'UNSAFE_PATH', part: 'unet' });
  });
});

describe('bounds', () => {
  const check = async (...fields: readonly Buffer[]) => checkOnnxFile(await write(model(bytesField(5, outside('weights', ...fields, external)))), folder);
  beforeAll(() => writeFile(join(folder, 'unet/weights'), Buffer.alloc(32)));

  it('are the file, to the byte', async () => {
    const { size } = await stat(await write(model(bytesField(5, outside('weights', external)))));
    expect(await check()).toMatchObject({ dataFiles: [join(folder, 'unet/weights')], bytes: size + 32 });
    expect(await check(entry('offset', '16'), entry('length', '16'))).toMatchObject({ external: [{ offset: 16, length: 16 }] });
    await expect(check(entry('offset', '17'), entry('length', '16'))).rejects.toMatchObject({ code: 'MODEL_PARTS', message: 'unet/weights is cut off: it has 32 bytes of at least 33.' });
    // Without a length its sides tell: four floats.
    await expect(check(entry('offset', '24'))).rejects.toMatchObject({ finding: 'DATA_SHORT' });
  });

  it.each(['-1', '1e9', '0x10', ' 4', '99999999999999999999', '4.5', 'four'])('are whole numbers: not %j', async (offset) => {
    await expect(check(entry('offset', offset))).rejects.toMatchObject({ code: 'UNSAFE_FILE' });
  });

  it('an external tensor without a place is none', async () => {
    const bytes = model(bytesField(5, Buffer.concat([numberField(1, 4), numberField(2, 1), bytesField(8, 'w'), external])));
    await expect(checkOnnxFile(await write(bytes), folder)).rejects.toMatchObject({ code: 'UNSAFE_FILE' });
  });
});

it('reads what an export says of itself, and no weights', async () => {
  const file = join(tinyFixtures, 'parts/unet_sd/model.onnx');
  const facts = readOnnxFile(file);
  expect(facts).toMatchObject({ irVersion: 8, opset: 18, producer: 'pytorch', external: [], computesInHalf: false });
  expect(facts.inlineBytes).toBeLessThan((await stat(file)).size);
  expect(readOnnxFile(join(tinyFixtures, '../../layouts/half/unet/model.onnx')).computesInHalf).toBe(true);
});

it('whatever is in a file, reading it ends with facts or with a fault that names it', async () => {
  const source = await readFile(join(tinyFixtures, 'parts/text_encoder/model.onnx'));
  let word = 1;
  const random = (below: number): number => {
    word = (Math.imul(word, 1_103_515_245) + 12_345) >>> 0;
    return (word >>> 8) % below;
  };
  const outcomes = { whole: 0, fault: 0 };
  for (let round = 0; round < 600; round++) {
    const bytes = Buffer.from(source.subarray(0, round % 3 === 0 ? random(source.length) : source.length));
    // The structure, not only the weights: most of it lies in the first kilobytes.
    for (let flips = 1 + random(4); flips > 0; flips--) bytes[random(Math.min(bytes.length, round % 2 === 0 ? 4096 : bytes.length))] = random(256);
    const file = await write(bytes);
    try {
      await checkOnnxFile(file, folder);
      outcomes.whole++;
    } catch (error) {
      expect(error).toBeInstanceOf(ModelFault);
      expect(error instanceof StopbathError ? error.message : '').toContain('unet/model.onnx');
      outcomes.fault++;
    }
  }
  expect(outcomes.whole).toBeGreaterThan(20);
  expect(outcomes.fault).toBeGreaterThan(200);
});

it('graphs in graphs without end are refused, not followed', async () => {
  let graph = Buffer.alloc(0);
  for (let depth = 0; depth < 400; depth++) graph = Buffer.from(bytesField(1, bytesField(5, bytesField(6, graph))));
  await expect(checkOnnxFile(await write(model(graph)), folder)).rejects.toMatchObject({ finding: 'FILE_DAMAGED' });
});

it('our own writer is read back', async () => {
  const bytes = onnxModel({
    inputs: [{ name: 'x', type: 'float32', dims: ['n'] }],
    outputs: [{ name: 'y', type: 'float32', dims: ['n'] }],
    initializers: [{ name: 'w', dims: [2, 3], data: new Float32Array(6) }, { name: 'far', dims: [4], type: 'float16', location: 'weights', offset: 8, length: 8 }],
    nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
  });
  await writeFile(join(folder, 'unet/weights'), Buffer.alloc(16));
  expect(await checkOnnxFile(await write(bytes), folder)).toMatchObject({ opset: 17, inlineBytes: 24, external: [{ name: 'far', location: 'weights', offset: 8, length: 8 }] });
});
