import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openSession } from '../../ort/session.ts';
import { float32ToFloat16 } from '../../tensor/float16.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { GraphBuilder, type Value } from './graphBuilder.ts';
import { onnxModel } from './model.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'stopbath-onnx-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const x: Tensor = { dims: [3], data: Float32Array.of(1, 2, 3) };

async function run(model: Buffer, feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>> {
  const file = path.join(folder, 'model.onnx');
  writeFileSync(file, model);
  const session = await openSession(file, 'cpu');
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

/** x + what `constant` gives. */
function sum(constant: (graph: GraphBuilder) => Value): Buffer {
  const graph = new GraphBuilder();
  const value = graph.op('Add', [graph.input('x', 'float32', [3]), constant(graph)]);
  graph.output('y', value, 'float32', [3]);
  return graph.build();
}

describe('weights in another file', () => {
  const values = Float32Array.of(0.5, -1.25, 3);
  const float32 = Buffer.from(values.buffer);
  const float16 = Buffer.from(float32ToFloat16(values).buffer);
  const bfloat16 = Buffer.from(Uint16Array.from(new Uint32Array(values.buffer), (bits) => bits >>> 16).buffer);

  it.each([
    ['float32', float32, 8],
    ['float32', float32, 2],
    ['float32', float32, 4099],
    ['float16', float16, 70_000],
    ['float16', float16, 13],
    ['bfloat16', bfloat16, 2],
  ] as const)('%s is read at byte %#', async (type, bytes, offset) => {
    const location = `weights-${offset}.safetensors`;
    writeFileSync(path.join(folder, location), Buffer.concat([Buffer.alloc(offset, 0xff), bytes, Buffer.alloc(5, 0xff)]));
    const model = sum((graph) =>
      graph.cast(graph.external({ name: 'w', dims: [3], type, location, offset, length: bytes.length }), 'float32'),
    );
    expect((await run(model, { x }))['y']?.data).toEqual(Float32Array.of(1.5, 0.75, 6));
  });

  it('is refused outside the folder of the graph', async () => {
    const outside = mkdtempSync(path.join(tmpdir(), 'stopbath-onnx-outside-'));
    try {
      writeFileSync(path.join(outside, 'weights.safetensors'), float32);
      for (const location of [path.join(outside, 'weights.safetensors'), `../${path.basename(outside)}/weights.safetensors`]) {
        const model = sum((graph) => graph.external({ name: 'w', dims: [3], type: 'float32', location, offset: 0, length: 12 }));
        await expect(run(model, { x }), location).rejects.toThrow();
      }
    } finally {
      rmSync(outside, { recursive: true });
    }
  });
});

describe('what a graph is written of', () => {
  it('negative numbers, floats, words and no value at all', async () => {
    const graph = new GraphBuilder();
    const image = graph.op('Reshape', [graph.input('x', 'float32', [3]), graph.ints(1, 1, 1, -1)]);
    const modes = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
    const wide = graph.op('Resize', [image, '', graph.floats([1, 1, 1, 2])], modes);
    const leaky = graph.op('LeakyRelu', [graph.op('Sub', [wide, graph.scalar(2)])], { alpha: { float: 0.25 } });
    graph.output('y', graph.op('Flatten', [leaky], { axis: -1 }), 'float32', ['rows', 'columns']);
    const { y } = await run(graph.build(), { x });
    expect(y).toEqual({ dims: [1, 6], data: Float32Array.of(-0.25, -0.25, 0, 0, 1, 1) });
  });

  it('a constant asked for twice is there once', () => {
    const twice = sum((graph) => graph.op('Add', [graph.floats([1, 2, 3]), graph.floats([1, 2, 3])]));
    const two = sum((graph) => graph.op('Add', [graph.floats([1, 2, 3]), graph.floats([1, 2, 4])]));
    expect(two.length - twice.length).toBeGreaterThan(12);
  });

  it("the runtime's own operators only where they are used", () => {
    const plain = onnxModel({ nodes: [], inputs: [], outputs: [] }).toString('latin1');
    expect(plain).not.toContain('com.microsoft');
    expect(sum((graph) => graph.microsoft('QuickGelu', [graph.floats([1, 2, 3])])).toString('latin1')).toContain('com.microsoft');
  });
});
