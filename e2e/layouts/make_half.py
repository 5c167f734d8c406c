"""The tiny SD model in half precision throughout, as optimum's --dtype fp16 leaves one: weights, inputs and outputs are float16.

    python e2e/layouts/make_half.py

Needs onnx and onnxruntime (the versions of e2e/parity/requirements.txt). The same input gives the same bytes.
"""

import pathlib

import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.transformers.float16 import convert_float_to_float16

HERE = pathlib.Path(__file__).parent
PARTS = HERE.parent / "fixtures/tiny/parts"


def plain(graph):
    """The tiny parts keep weights as float16 with a Cast to float32: here they are float32 again, for the converter to see."""
    halves = {weight.name: weight for weight in graph.initializer}
    for node in [node for node in graph.node if node.op_type == "Cast" and node.input[0] in halves]:
        weight = halves[node.input[0]]
        if weight.data_type != TensorProto.FLOAT16:
            continue
        value = numpy_helper.to_array(weight).astype("float32")
        graph.initializer.remove(weight)
        graph.initializer.append(numpy_helper.from_array(value, node.output[0]))
        graph.node.remove(node)


def in_order(graph):
    """The converter appends its Casts: every node after those it needs."""
    known = {value.name for value in [*graph.input, *graph.initializer]} | {""}
    waiting, ordered = list(graph.node), []
    while waiting:
        ready = [node for node in waiting if all(name in known for name in node.input)]
        if not ready:
            raise SystemExit("nodes that need one another")
        first = ready[0]
        waiting.remove(first)
        ordered.append(first)
        known |= set(first.output)
    del graph.node[:]
    graph.node.extend(ordered)


def main():
    for part in ("unet_sd", "text_encoder", "vae_decoder", "vae_encoder"):
        model = onnx.load(str(PARTS / part / "model.onnx"))
        plain(model.graph)
        half = convert_float_to_float16(model, keep_io_types=False, disable_shape_infer=False)
        in_order(half.graph)
        types = {value.name: value.type.tensor_type.elem_type for value in [*half.graph.input, *half.graph.output]}
        wrong = {name: kind for name, kind in types.items() if kind == TensorProto.FLOAT}
        if wrong:
            raise SystemExit(f"{part}: still float32: {wrong}")
        onnx.checker.check_model(half)
        out = HERE / "half" / part.removesuffix("_sd") / "model.onnx"
        out.parent.mkdir(parents=True, exist_ok=True)
        del half.graph.value_info[:]
        onnx.save(half, str(out))
        print(out.relative_to(HERE), out.stat().st_size, helper.printable_type(half.graph.input[0].type))


if __name__ == "__main__":
    main()
