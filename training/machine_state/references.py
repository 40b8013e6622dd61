"""What a device checks itself against: a golden set with reference outputs, and the distribution of the training data."""

import gzip
import json

import numpy as np

from .export import INPUT_NAME, OUTPUT_NAME, run
from .windows import CLASS_LABELS, FEATURES, WindowSet

#: Sensor values keep three decimals, probabilities six: small files, and what is written is exactly what was run.
WINDOW_DECIMALS = 3
PROBABILITY_DECIMALS = 6
BINS = 20


def golden_set(model: bytes, samples: WindowSet) -> bytes:
    """gzip JSON lines, one sample each: Open Inference Protocol tensors in and out, and the true label."""
    windows = np.round(samples.windows.astype(np.float64), WINDOW_DECIMALS).astype(np.float32)
    lines = []
    for window, label in zip(windows, samples.labels):
        probabilities = run(model, window[None])[0]
        sample = {
            "inputs": [_tensor(INPUT_NAME, window[None], WINDOW_DECIMALS)],
            "outputs": [_tensor(OUTPUT_NAME, probabilities[None], PROBABILITY_DECIMALS)],
            "label": int(label),
        }
        lines.append(json.dumps(sample, separators=(",", ":")))
    return gzip.compress("".join(f"{line}\n" for line in lines).encode(), compresslevel=9, mtime=0)


def balanced(data: WindowSet, per_class: int) -> WindowSet:
    """The first `per_class` windows of every class."""
    indexes = np.concatenate([np.flatnonzero(data.labels == label)[:per_class] for label in range(len(CLASS_LABELS))])
    return data.take(np.sort(indexes))


def concatenate(*parts: WindowSet) -> WindowSet:
    return WindowSet(np.concatenate([part.windows for part in parts]), np.concatenate([part.labels for part in parts]))


def drift_reference(model: bytes, training: WindowSet) -> bytes:
    """JSON: per feature mean, standard deviation, range and bins of single steps, and the same of window means."""
    features = []
    for index, name in enumerate(FEATURES):
        steps = training.windows[:, :, index].astype(np.float64)
        features.append({"name": name, "index": index, "steps": _summary(steps.ravel()), "windowMeans": _summary(steps.mean(axis=1))})
    confidence = run(model, training.windows).max(axis=1).astype(np.float64)
    reference = {
        "input": INPUT_NAME,
        "featureAxis": 2,
        "windows": len(training),
        "features": features,
        "confidence": {"output": OUTPUT_NAME, **_summary(confidence)},
    }
    return (json.dumps(reference, indent=1) + "\n").encode()


def _summary(values: np.ndarray) -> dict:
    counts, edges = np.histogram(values, bins=BINS)
    return {
        "mean": _significant(values.mean()),
        "sd": _significant(values.std()),
        "range": [_significant(values.min()), _significant(values.max())],
        "bins": {"edges": [_significant(edge) for edge in edges], "counts": counts.tolist()},
    }


def _significant(value: float) -> float:
    return float(f"{value:.6g}")


def _tensor(name: str, values: np.ndarray, decimals: int) -> dict:
    data = [round(float(value), decimals) for value in values.ravel()]
    return {"name": name, "datatype": "FP32", "shape": list(values.shape), "data": data}
