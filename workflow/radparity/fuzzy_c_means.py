"""Fuzzy c-means: the baseline without a network, on one section or on a box around the lesion.

Source: Bezdek, Ehrlich, Full, Computers & Geosciences 1984;10:191-203. The study applied it in its supplement
without publishing the settings; the defaults here are this project's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

CLUSTERS = {"section": 4, "readers_box": 2}
"""How many clusters a whole section of the breast is divided into, and how many the box around the lesion."""


@dataclass(frozen=True)
class Clustering:
    """Result of fuzzy c-means.

    `membership` (anterior, superior) is the membership in the cluster with the highest mean DCE-in, 0 outside the
    mask. `memberships` (cluster, voxel) and `centres` (cluster, channel, in standard deviations) describe all
    clusters, the voxels of the mask in C order. `objective` is the sum of squared distances weighted by
    membership^fuzziness, after each iteration.
    """

    membership: NDArray[np.float32]
    memberships: NDArray[np.float64]
    centres: NDArray[np.float64]
    tumour_cluster: int
    objective: tuple[float, ...]
    converged: bool


def cluster_section(
    channels: NDArray[np.floating[Any]],
    mask: NDArray[np.bool_],
    dce_in: int = 1,
    clusters: int = 4,
    fuzziness: float = 2.0,
    tolerance: float = 1e-5,
    iterations: int = 300,
) -> Clustering:
    """Cluster the voxels of one section and give the membership in the cluster with the highest mean DCE-in.

    `channels` is (channel, anterior, superior), harmonized; `mask` (anterior, superior) is the breast (4 clusters),
    or a box around the lesion (2 clusters). `dce_in` is the position of DCE-in among the channels. Each channel is
    scaled to unit standard deviation in the mask. Cluster k starts at the (k + 1/2) / clusters quantile of every
    channel. It ends when no membership changes by more than `tolerance`, or after `iterations`; `converged` says
    which.
    Raises ValueError for shapes that do not fit, values that are not finite, a constant channel, or fewer voxels
    than clusters.
    """
    if channels.ndim != 3 or mask.shape != channels.shape[1:]:
        raise ValueError(f"channels {channels.shape} and mask {mask.shape} do not have the same voxels")
    if fuzziness <= 1 or clusters < 2 or not 0 <= dce_in < channels.shape[0]:
        raise ValueError(
            f"fuzziness {fuzziness} must be over 1, clusters {clusters} at least 2, DCE-in ({dce_in}) a channel"
        )
    features = channels[:, mask].T.astype(np.float64)
    if features.shape[0] < clusters:
        raise ValueError(f"the mask holds {features.shape[0]} voxels, fewer than {clusters} clusters")
    if not np.all(np.isfinite(features)):
        raise ValueError("the channels hold values in the mask that are not finite")
    spread = features.std(axis=0)
    # Rounding leaves a constant channel a spread of about one part in 1e16 of its size.
    constant = np.flatnonzero(spread <= 1e-12 * np.abs(features).max(axis=0))
    if constant.size:
        raise ValueError(f"channel {constant[0]} is constant in the mask, so it cannot be scaled to unit deviation")
    features = features / spread

    centres = np.quantile(features, (np.arange(clusters) + 0.5) / clusters, axis=0)
    memberships = _memberships(_squared_distances(features, centres), fuzziness)
    objective: list[float] = []
    converged = False
    while not converged and len(objective) < iterations:
        weights = memberships**fuzziness
        centres = (weights @ features) / weights.sum(axis=1, keepdims=True)
        distances = _squared_distances(features, centres)
        updated = _memberships(distances, fuzziness)
        objective.append(float((updated**fuzziness * distances).sum()))
        converged = bool(np.abs(updated - memberships).max() <= tolerance)
        memberships = updated

    weights = memberships**fuzziness
    uptake = (weights @ features[:, dce_in]) / weights.sum(axis=1)
    tumour = int(np.argmax(uptake))
    membership = np.zeros(mask.shape, dtype=np.float32)
    membership[mask] = memberships[tumour]
    return Clustering(membership, memberships, centres, tumour, tuple(objective), converged)


def tumour_map(
    channels: NDArray[np.floating[Any]], where: NDArray[np.bool_], dce_in: int, region: str
) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """The membership of a section's voxels (anterior, superior) in the tumour's cluster, and facts for its record.

    `region` says what `where` is: the breast on the section (`section`) or the box around the readers' outlines
    (`readers_box`), which decides on the number of clusters. Fewer voxels than clusters give a map of zeros: a breast
    mask that misses the section costs the baseline this case, not the study.
    Raises ValueError as `cluster_section` does.
    """
    voxels, clusters = int(np.count_nonzero(where)), CLUSTERS[region]
    if voxels < clusters:
        return np.zeros(where.shape, dtype=np.float32), {"clustered_voxels": voxels, "converged": False}
    found = cluster_section(channels, where, dce_in, clusters)
    return found.membership, {"clustered_voxels": voxels, "converged": found.converged}


def _squared_distances(features: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared distance of every centre from every voxel, (cluster, voxel)."""
    return np.stack([np.square(features - centre).sum(axis=1) for centre in centres])


def _memberships(distances: NDArray[np.float64], fuzziness: float) -> NDArray[np.float64]:
    """Memberships (cluster, voxel) that sum to 1 for each voxel; a voxel on centres belongs to those alone."""
    on_centre = distances == 0
    nearest = distances.min(axis=0)
    # Relative to the nearest centre, so that no power over- or underflows.
    ratio = np.divide(nearest, distances, out=np.zeros_like(distances), where=~on_centre)
    closeness = np.where(on_centre.any(axis=0), on_centre.astype(np.float64), ratio ** (1 / (fuzziness - 1)))
    total: NDArray[np.float64] = closeness.sum(axis=0)
    return closeness / total
