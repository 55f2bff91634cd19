"""Patients as clusters: numbering them and resampling them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float = NDArray[np.float64]
CHUNK = 1000  # draws held in memory at once


def number(patients: Sequence[str] | ArrayLike) -> tuple[NDArray[np.intp], int]:
    """Patient number (0 to G-1, by sorted name) of each case, shape (n,), and the number of patients G."""
    names, numbers = np.unique(np.asarray(patients), return_inverse=True)
    return numbers.reshape(-1), len(names)


def draw(count: int, draws: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Bootstrap samples of `count` patients, in chunks of shape (chunk, count), `draws` rows in all."""
    generator = np.random.default_rng(seed)
    for start in range(0, draws, CHUNK):
        yield generator.integers(0, count, size=(min(CHUNK, draws - start), count))


def checked(values: ArrayLike, patients: Sequence[str] | ArrayLike | None = None) -> Float:
    """The values as a float vector; raises ValueError for a value that is not finite or a length that differs."""
    vector = np.asarray(values, dtype=np.float64)
    if vector.ndim != 1 or not np.isfinite(vector).all():
        raise ValueError("statistics need a vector of finite numbers: remove unusable (nan) pairs, and count them")
    if patients is not None and np.shape(patients) != vector.shape:
        raise ValueError(f"{len(vector)} values but patients of shape {np.shape(patients)}: give one patient a case")
    return vector
