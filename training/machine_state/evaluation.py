"""How well a network answers: confusion matrix, accuracy, F1."""

from dataclasses import dataclass

import numpy as np
import torch

from .network import MachineState
from .windows import CLASS_LABELS, WindowSet


@dataclass(frozen=True)
class Evaluation:
    """confusion[truth][answer] counts windows, in the order of CLASS_LABELS."""

    confusion: np.ndarray

    @property
    def accuracy(self) -> float:
        return float(np.trace(self.confusion) / self.confusion.sum())

    @property
    def macro_f1(self) -> float:
        """The mean over classes of 2TP / (2TP + FP + FN); 0 for a class that is never answered and never right."""
        right = np.diag(self.confusion)
        return float(np.mean(2 * right / (self.confusion.sum(axis=0) + self.confusion.sum(axis=1))))

    def facts(self) -> dict:
        return {
            "windows": int(self.confusion.sum()),
            "accuracyPermille": round(self.accuracy * 1000),
            "macroF1Permille": round(self.macro_f1 * 1000),
            "confusion": self.confusion.tolist(),
        }


def evaluate(network: MachineState, data: WindowSet) -> Evaluation:
    network.eval()
    with torch.no_grad():
        answers = network(torch.from_numpy(data.windows)).argmax(dim=-1).numpy()
    confusion = np.zeros((len(CLASS_LABELS), len(CLASS_LABELS)), dtype=np.int64)
    np.add.at(confusion, (data.labels, answers), 1)
    return Evaluation(confusion)
