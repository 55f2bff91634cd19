"""How tissues take up contrast: fractions of the pre-contrast signal as functions of time from injection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ARRIVAL_S = 15.0


@dataclass(frozen=True)
class Curve:
    """Uptake with one time constant and washout with another (s); no washout where `washout_s` is infinite."""

    amplitude: float
    uptake_s: float
    washout_s: float = float("inf")

    def at(self, time_s: float) -> float:
        """Enhancement as a fraction of the baseline, 0 before the contrast arrives."""
        t = max(time_s - ARRIVAL_S, 0.0)
        return float(self.amplitude * (1 - np.exp(-t / self.uptake_s)) * np.exp(-t / self.washout_s))


BACKGROUND = Curve(1.0, 160.0)
VESSEL = Curve(1.0, 14.0, 1100.0)


def benign(rng: np.random.Generator) -> Curve:
    """Persistent: slow steady uptake."""
    return Curve(rng.uniform(1.3, 2.6), rng.uniform(70.0, 160.0))


def cancer(rng: np.random.Generator) -> Curve:
    """Fast uptake and washout."""
    return Curve(rng.uniform(0.75, 1.4), rng.uniform(20.0, 45.0), rng.uniform(600.0, 1600.0))


def phase_times(rng: np.random.Generator, phases: int) -> list[float]:
    """Phase times in whole s from injection: one before it, the first after 60 to 110 s, then every 60 to 120 s."""
    step = rng.uniform(60.0, 120.0)
    first = rng.uniform(60.0, 110.0)
    after = first + step * np.arange(phases - 1) + rng.uniform(-4, 4, phases - 1)
    return [float(round(t)) for t in [rng.uniform(-100.0, -60.0), *np.maximum(after, 60.0)]]
