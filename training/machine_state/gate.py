"""The two-by-two gate: {current, candidate} x {standard, drift}. A candidate may not pay for the new with the old."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Gate:
    minimum_drift_accuracy: float = 0.95
    maximum_standard_loss: float = 0.01

    def judge(self, current: dict, candidate: dict) -> dict:
        """`current` and `candidate` hold accuracies under `standard` and `drift`."""
        learned = candidate["drift"] >= self.minimum_drift_accuracy
        kept = candidate["standard"] >= current["standard"] - self.maximum_standard_loss
        return {
            "passed": learned and kept,
            "minimumDriftPermille": round(self.minimum_drift_accuracy * 1000),
            "maximumStandardLossPermille": round(self.maximum_standard_loss * 1000),
            "current": permille(current),
            "candidate": permille(candidate),
        }


def permille(accuracies: dict) -> dict:
    return {f"{name}Permille": round(value * 1000) for name, value in accuracies.items()}
