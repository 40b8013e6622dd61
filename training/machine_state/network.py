"""A one-dimensional CNN of three convolutions; the standardisation is part of the graph, so callers send raw sensor values."""

import torch
from torch import nn

from .windows import CLASS_LABELS, FEATURES, STEPS

#: As in Keras: slower statistics than PyTorch's defaults, so that a short fine-tuning does not forget them.
NORMALISATION = {"eps": 1e-3, "momentum": 0.01}


class MachineState(nn.Module):
    """Raw windows [batch, 60, 4] to logits [batch, 4]."""

    def __init__(self, mean: torch.Tensor, scale: torch.Tensor):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)
        self.layers = nn.Sequential(
            *_stage(len(FEATURES), 64, kernel=5, dropout=0.3),
            *_stage(64, 128, kernel=5, dropout=0.4),
            *_stage(128, 256, kernel=3, dropout=0.5),
            nn.Flatten(),
            nn.Linear(256 * (STEPS // 8), 256),
            nn.ReLU(),
            nn.BatchNorm1d(256, **NORMALISATION),
            nn.Dropout(0.5),
            nn.Linear(256, len(CLASS_LABELS)),
        )

    def forward(self, window: torch.Tensor) -> torch.Tensor:
        return self.layers(((window - self.mean) / self.scale).transpose(1, 2))


class Probabilities(nn.Module):
    """What is exported: the network with its softmax."""

    def __init__(self, network: MachineState):
        super().__init__()
        self.network = network

    def forward(self, window: torch.Tensor) -> torch.Tensor:
        return torch.softmax(self.network(window), dim=-1)


def _stage(channels: int, filters: int, kernel: int, dropout: float) -> list[nn.Module]:
    return [
        nn.Conv1d(channels, filters, kernel, padding=kernel // 2),
        nn.ReLU(),
        nn.BatchNorm1d(filters, **NORMALISATION),
        nn.MaxPool1d(2),
        nn.Dropout(dropout),
    ]
