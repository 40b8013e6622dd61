"""Writes timm architectures as ONNX files with random weights, one per line asked for.

Reads `ARCHITECTURE PIXELS FILE` from standard input, answers each with a line of JSON: {"file": …} or {"error": …}.
The energy of a network does not depend on its weights, so none are downloaded. The exporter is the one that traces (TorchScript), opset 17,
attention written out (not fused): what the shipped predictors' table of features was made with.
"""

import json
import os
import sys
import warnings

warnings.filterwarnings("ignore")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import timm  # noqa: E402
import torch  # noqa: E402
from timm.layers import set_fused_attn  # noqa: E402


def create(architecture: str, pixels: int) -> torch.nn.Module:
    """Networks with tables of positions have to be told their input size; the others refuse the argument."""
    try:
        return timm.create_model(architecture, pretrained=False, img_size=pixels)
    except (TypeError, RuntimeError, AssertionError):
        return timm.create_model(architecture, pretrained=False)


def export(architecture: str, pixels: int, file: str) -> None:
    torch.manual_seed(0)
    model = create(architecture, pixels).eval()
    channels = model.pretrained_cfg["input_size"][0]
    with torch.no_grad():
        torch.onnx.export(model, (torch.zeros(1, channels, pixels, pixels),), file, opset_version=17, dynamo=False)


def main() -> None:
    set_fused_attn(False)
    torch.set_num_threads(1)
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # the exporter prints, and standard output holds answers only
    for line in sys.stdin:
        architecture, pixels, file = line.rstrip("\n").split(" ", 2)
        try:
            export(architecture, int(pixels), file)
            answer = {"file": file}
        except Exception as error:  # noqa: BLE001 - whatever a library throws at one architecture, the next one is tried
            answer = {"error": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300]}
        answers.write(json.dumps(answer) + "\n")


main()
