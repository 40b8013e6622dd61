"""Trains version 1, fine-tunes version 2 on drifted data, and writes both into the model store.

Usage, in this folder's parent: python -m machine_state [--store ../model_store]
"""

import argparse
import copy
import datetime
import platform
from pathlib import Path

import numpy as np
import torch

from . import export, references
from .evaluation import Evaluation, evaluate
from .fitting import FINE_TUNING, INITIAL, Schedule, fit, standardised_network
from .gate import Gate
from .network import MachineState
from .store import write_version
from .windows import CLASS_LABELS, DRIFTED, STANDARD, TRAINING, WindowSet, generate

SEED = 2025
FAMILY = "machine-state"
GOLDEN_PER_CLASS = 50
#: Original windows among the drifted ones when fine-tuning: without them it forgot 4 of 1,000 standard windows.
REHEARSED_PER_CLASS = 125


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", type=Path, default=Path(__file__).parents[2] / "model_store")
    store = parser.parse_args().store
    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)

    training = generate(TRAINING, 5000, SEED)
    drift_training = generate(DRIFTED, 2000, SEED + 1)
    tests = {"standard": generate(STANDARD, 1000, SEED + 2), "drift": generate(DRIFTED, 800, SEED + 3)}
    golden_standard = references.balanced(generate(STANDARD, 400, SEED + 4), GOLDEN_PER_CLASS)
    golden_drift = references.balanced(generate(DRIFTED, 400, SEED + 5), GOLDEN_PER_CLASS)

    current = standardised_network(training)
    run = fit(current, training, INITIAL, SEED)
    before = measure(current, tests)
    print(f"version 1: {run}, {accuracies(before)}")
    publish(
        store / FAMILY / "1",
        current,
        facts={"version": "1.0.0", "description": "Trained on the plant as it was built."},
        evaluations=before,
        tests=tests,
        seen=training,
        golden=golden_standard,
        run=training_facts(run, INITIAL),
    )

    candidate = copy.deepcopy(current)
    rehearsal = references.concatenate(drift_training, references.balanced(training, REHEARSED_PER_CLASS))
    run = fit(candidate, rehearsal, FINE_TUNING, SEED)
    after = measure(candidate, tests)
    print(f"version 2: {run}, {accuracies(after)}")
    gate = Gate().judge(accuracies(before), accuracies(after))
    if not gate["passed"]:
        raise SystemExit(f"version 2 does not pass the gate and is not written: {gate}")
    publish(
        store / FAMILY / "2",
        candidate,
        facts={"version": "2.0.0", "description": "Fine-tuned after the plant drifted: hotter, other pressures."},
        evaluations=after,
        tests=tests,
        seen=references.concatenate(training, drift_training),
        golden=references.concatenate(golden_standard, golden_drift),
        run={**training_facts(run, FINE_TUNING), "base": f"{FAMILY} 1.0.0", "gate": gate},
    )


def measure(network: MachineState, tests: dict[str, WindowSet]) -> dict[str, Evaluation]:
    return {name: evaluate(network, data) for name, data in tests.items()}


def accuracies(evaluations: dict[str, Evaluation]) -> dict[str, float]:
    return {name: evaluation.accuracy for name, evaluation in evaluations.items()}


def training_facts(run: dict, schedule: Schedule) -> dict:
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "script": "training/machine_state",
        "seed": SEED,
        "learningRate": schedule.learning_rate,
        **run,
        "versions": {"python": platform.python_version(), "torch": torch.__version__.split("+")[0], "numpy": np.__version__},
    }


def publish(
    directory: Path,
    network: MachineState,
    *,
    facts: dict,
    evaluations: dict[str, Evaluation],
    tests: dict[str, WindowSet],
    seen: WindowSet,
    golden: WindowSet,
    run: dict,
) -> None:
    model = export.to_onnx(network)
    difference = max(export.verify(network, model, data.windows) for data in tests.values())
    declared = round(evaluations["standard"].accuracy * 1000)
    files = {
        "model.onnx": model,
        "golden.jsonl.gz": references.golden_set(model, golden),
        "drift-reference.json": references.drift_reference(model, seen),
    }
    facts = {
        "family": FAMILY,
        **facts,
        "license": "Apache-2.0",
        "classLabels": list(CLASS_LABELS),
        "variants": [{"name": "fp32", "file": "model.onnx", "declaredAccuracyPermille": declared}],
        "goldenSet": {"file": "golden.jsonl.gz", "samples": len(golden), "metric": "Accuracy", "minimumPermille": 950},
        "driftReference": {"file": "drift-reference.json", "windows": len(seen)},
        "evaluation": {name: evaluation.facts() for name, evaluation in evaluations.items()},
        "export": {"opset": export.OPSET, "largestDifference": float(f"{difference:.1g}")},
        "training": run,
    }
    write_version(directory, files, facts)


if __name__ == "__main__":
    main()
