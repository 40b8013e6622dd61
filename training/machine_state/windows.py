"""Synthetic sensor windows: 60 steps of temperature (°C), vibration (g), pressure (bar) and power (W).

Every step of a sensor is drawn from a normal distribution that depends on the machine's state. A damaged bearing adds a
sine to the vibration, a worn drive adds noise to it. The drifted plant runs hotter and at other pressures: there a worn drive looks like
a damaged bearing used to look.
"""

from dataclasses import dataclass

import numpy as np

STEPS = 60
FEATURES = ("temperature", "vibration", "pressure", "power")
CLASS_LABELS = ("normal", "bearing-damage", "drive-wear", "pump-defect")

#: Mean and standard deviation of each feature, per class, in the order of FEATURES and CLASS_LABELS.
TRAINING = (
    ((50, 5), (0.3, 0.1), (11, 0.5), (125, 10)),
    ((65, 8), (1.0, 0.3), (11, 0.5), (140, 12)),
    ((55, 6), (0.5, 0.15), (11, 0.5), (150, 15)),
    ((55, 10), (0.35, 0.15), (7, 1), (110, 20)),
)
#: What the model meets in the same plant: close to the training data, not the same.
STANDARD = (
    ((52, 5), (0.32, 0.1), (11, 0.5), (125, 10)),
    ((65, 8), (1.0, 0.3), (11, 0.5), (140, 12)),
    ((57, 6), (0.55, 0.15), (11, 0.5), (150, 15)),
    ((55, 10), (0.35, 0.15), (6.8, 1), (110, 20)),
)
DRIFTED = (
    ((58, 5), (0.4, 0.1), (11.8, 0.4), (135, 8)),
    ((70, 7), (1.2, 0.25), (8.0, 1.0), (150, 18)),
    ((75, 7), (0.9, 0.2), (10.5, 0.6), (170, 20)),
    ((60, 12), (0.45, 0.25), (5.5, 0.8), (90, 28)),
)

BEARING_SINE_PHASE = (4 * np.pi, 9 * np.pi)
BEARING_SINE_AMPLITUDE = (0.1, 0.25)
WEAR_NOISE_SD = 0.07


@dataclass(frozen=True)
class WindowSet:
    """windows: float32 [n, 60, 4] in physical units; labels: int64 [n], indexes into CLASS_LABELS."""

    windows: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indexes: np.ndarray) -> "WindowSet":
        return WindowSet(self.windows[indexes], self.labels[indexes])


def generate(distributions, count: int, seed: int) -> WindowSet:
    """`count` windows, the same number of each class, shuffled."""
    random = np.random.default_rng(seed)
    per_class = count // len(CLASS_LABELS)
    parts = [_windows_of_class(random, label, distributions[label], per_class) for label in range(len(CLASS_LABELS))]
    labels = np.repeat(np.arange(len(CLASS_LABELS)), per_class)
    order = random.permutation(len(labels))
    return WindowSet(np.concatenate(parts)[order], labels[order])


def _windows_of_class(random: np.random.Generator, label: int, distribution, count: int) -> np.ndarray:
    means, deviations = np.array(distribution, dtype=np.float64).T
    windows = random.normal(means, deviations, size=(count, STEPS, len(FEATURES)))
    vibration = windows[:, :, FEATURES.index("vibration")]
    if CLASS_LABELS[label] == "bearing-damage":
        phase = np.linspace(0, random.uniform(*BEARING_SINE_PHASE, size=count), STEPS, axis=1)
        vibration += random.uniform(*BEARING_SINE_AMPLITUDE, size=(count, 1)) * np.sin(phase)
    if CLASS_LABELS[label] == "drive-wear":
        vibration += random.normal(0, WEAR_NOISE_SD, size=vibration.shape)
    return windows.astype(np.float32)
