"""
The standard ONNX export of a UNet that full_size.py wrote, by optimum, for bench.ts to compare with:

    python e2e/graphs/export.py FOLDER NAME        (packages: ../bench/peers.requirements.txt)

FOLDER/NAME.export/model.onnx, float32, from the float16 values of FOLDER/NAME.safetensors.
"""
import sys
from pathlib import Path

from diffusers import UNet2DConditionModel
from optimum.exporters.onnx import export
from optimum.exporters.onnx.model_configs import UNetOnnxConfig
from safetensors.torch import load_file

import configs

folder, name = Path(sys.argv[1]), sys.argv[2]
model = UNet2DConditionModel(**configs.FULL_UNETS[name])
model.load_state_dict({key: value.float() for key, value in load_file(folder / f"{name}.safetensors").items()})
out = folder / f"{name}.export"
out.mkdir(exist_ok=True)
config = UNetOnnxConfig(model.config, task="semantic-segmentation")
config._config.requires_aesthetics_score = False
export(model.eval(), config, out / "model.onnx", opset=config.DEFAULT_ONNX_OPSET)
print(*out.iterdir())
