"""The built-in model with a second graph of its UNet's outermost layer: python two_branches.py FOLDER (needs onnx)

Where features are handed over is where `unetGraph` (electron/engine/graph/architectures/unet.ts) does it with one outer layer: before the
last layer of the last up block. A trained model in two branches, to measure what steps that reuse deep features cost in quality:
`node e2e/attributes/steering.ts --features FOLDER`.
"""

import pathlib
import shutil
import sys

import onnx

STARTER = pathlib.Path(__file__).resolve().parents[2] / "assets/starter"
# up_near_text's end: [B, 64, h, w]
HANDED_OVER = "/up_near_text/Add_7_output_0"
NAME = "deep_features"
SIDES = ["batch", 64, "height", "width"]


def renamed(model):
    for node in model.graph.node:
        node.input[:] = [NAME if name == HANDED_OVER else name for name in node.input]
        node.output[:] = [NAME if name == HANDED_OVER else name for name in node.output]
    return model


def with_features(model):
    model.graph.output.append(onnx.helper.make_tensor_value_info(NAME, onnx.TensorProto.FLOAT, SIDES))
    return model


def shallow(model):
    """What the output takes beside the features."""
    graph = model.graph
    makers = {name: node for node in graph.node for name in node.output}
    wanted, seen = [output.name for output in graph.output], {NAME}
    kept = set()
    while wanted:
        name = wanted.pop()
        if name in seen or name not in makers:
            continue
        seen.add(name)
        kept.add(id(makers[name]))
        wanted.extend(makers[name].input)
    nodes = [node for node in graph.node if id(node) in kept]
    used = {name for node in nodes for name in node.input}
    weights = [weight for weight in graph.initializer if weight.name in used]
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(weights)
    graph.input.append(onnx.helper.make_tensor_value_info(NAME, onnx.TensorProto.FLOAT, SIDES))
    return model


def main():
    folder = pathlib.Path(sys.argv[1])
    shutil.copytree(STARTER, folder, ignore=shutil.ignore_patterns("recipe"))
    file = STARTER / "unet/model.onnx"
    onnx.save(with_features(renamed(onnx.load(file))), folder / "unet/model.onnx")
    (folder / "unet_shallow").mkdir()
    onnx.save(shallow(renamed(onnx.load(file))), folder / "unet_shallow/model.onnx")


if __name__ == "__main__":
    main()
