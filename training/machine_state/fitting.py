"""Training and fine-tuning: Adam, early stopping on held-out windows, a learning rate that falls when nothing improves."""

import copy
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from .network import MachineState
from .windows import WindowSet

BATCH_SIZE = 64
VALIDATION_SHARE = 0.2


@dataclass(frozen=True)
class Schedule:
    learning_rate: float
    epochs: int
    stopping_patience: int = 10
    plateau_patience: int = 5
    plateau_factor: float = 0.2


INITIAL = Schedule(learning_rate=8e-4, epochs=40)
FINE_TUNING = Schedule(learning_rate=5e-5, epochs=25)


def standardised_network(training: WindowSet) -> MachineState:
    """A new network whose standardisation is fitted on these windows, once and for good."""
    mean = training.windows.mean(axis=(0, 1))
    scale = training.windows.std(axis=(0, 1))
    return MachineState(torch.from_numpy(mean), torch.from_numpy(scale))


def fit(network: MachineState, data: WindowSet, schedule: Schedule, seed: int) -> dict:
    """Trains in place and leaves the weights of the best epoch. Returns facts about the run."""
    training, validation = _split(data, seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=schedule.learning_rate)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=schedule.plateau_factor, patience=schedule.plateau_patience
    )
    shuffle = torch.Generator().manual_seed(seed)
    best_loss, best_epoch, best_state = float("inf"), 0, copy.deepcopy(network.state_dict())
    epoch = 0
    for epoch in range(1, schedule.epochs + 1):
        _train_epoch(network, training, optimizer, shuffle)
        loss = validation_loss(network, validation)
        plateau.step(loss)
        if loss < best_loss:
            best_loss, best_epoch, best_state = loss, epoch, copy.deepcopy(network.state_dict())
        if epoch - best_epoch >= schedule.stopping_patience:
            break
    network.load_state_dict(best_state)
    network.eval()
    return {"epochs": epoch, "bestEpoch": best_epoch, "validationLoss": float(f"{best_loss:.3g}"), "windows": len(data)}


def _train_epoch(network: MachineState, data: WindowSet, optimizer: torch.optim.Optimizer, shuffle: torch.Generator) -> None:
    network.train()
    windows, labels = torch.from_numpy(data.windows), torch.from_numpy(data.labels)
    for batch in torch.randperm(len(data), generator=shuffle).split(BATCH_SIZE):
        # Batch normalisation cannot learn from a single window.
        if len(batch) < 2:
            continue
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(windows[batch]), labels[batch]).backward()
        optimizer.step()


def validation_loss(network: MachineState, data: WindowSet) -> float:
    network.eval()
    with torch.no_grad():
        return nn.functional.cross_entropy(network(torch.from_numpy(data.windows)), torch.from_numpy(data.labels)).item()


def _split(data: WindowSet, seed: int) -> tuple[WindowSet, WindowSet]:
    order = np.random.default_rng(seed).permutation(len(data))
    held_out = int(len(data) * VALIDATION_SHARE)
    return data.take(order[held_out:]), data.take(order[:held_out])
