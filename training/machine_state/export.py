"""Writes a trained network as ONNX and proves that it answers as the original does."""

import io
import warnings

import numpy as np
import onnx
import onnxruntime
import torch

from .network import MachineState, Probabilities
from .windows import FEATURES, STEPS

INPUT_NAME = "window"
OUTPUT_NAME = "probabilities"
OPSET = 17
#: Between PyTorch and ONNX Runtime, of a probability.
TOLERANCE = 1e-5


def to_onnx(network: MachineState) -> bytes:
    """Input `window` float32 [batch, 60, 4] in physical units, output `probabilities` float32 [batch, 4]."""
    network.eval()
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The tracing exporter is deprecated but needs no further package, and this network has no control flow to lose.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Probabilities(network).eval(),
            (torch.zeros(1, STEPS, len(FEATURES)),),
            buffer,
            input_names=[INPUT_NAME],
            output_names=[OUTPUT_NAME],
            dynamic_axes={INPUT_NAME: {0: "batch"}, OUTPUT_NAME: {0: "batch"}},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load_from_string(buffer.getvalue())
    onnx.checker.check_model(model, full_check=True)
    return buffer.getvalue()


def run(model: bytes, windows: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run([OUTPUT_NAME], {INPUT_NAME: windows})[0]


def verify(network: MachineState, model: bytes, windows: np.ndarray) -> float:
    """The largest difference of a probability. Raises when it is above TOLERANCE."""
    network.eval()
    with torch.no_grad():
        original = Probabilities(network)(torch.from_numpy(windows)).numpy()
    difference = float(np.abs(run(model, windows) - original).max())
    if not difference <= TOLERANCE:
        raise ValueError(f"the exported model differs from the original by {difference:.2g}, more than {TOLERANCE:.2g}")
    return difference
