"""One breast of a registered exam: input channels, mask, probability of the whole volume, lesion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.bundle.method import Method
from radparity.bundle.opened import Bundle
from radparity.channels import channel_positions
from radparity.grid import BreastGrid, breast_grid
from radparity.harmonize import harmonize_breast
from radparity.image import spacing
from radparity.networks.device import choose_device
from radparity.record import DataFault
from radparity.register import TARGET
from radparity.scaling import scanner_name
from radparity.segment_volume import VolumeLesion, segment_volume
from radparity.site.exam import SIDES, SiteExam


@dataclass(frozen=True)
class SiteBreast:
    """What was found in one breast. Axes (section, anterior, superior[, channel]) of its grid.

    channels: all that the breast has, `names` in order. disagreement: standard deviation over the networks.
    """

    side: str
    channels: NDArray[np.float32]
    names: list[str]
    affine: NDArray[np.float64]
    mask: NDArray[np.bool_]
    probability: NDArray[np.float32]
    disagreement: NDArray[np.float32]
    lesion: VolumeLesion
    facts: dict[str, Any]


def sides_of(exam: SiteExam, method: Method) -> list[str]:
    """The breasts that an exam shows, by where its volume lies and what its headers say.

    Raises DataFault `side_disagrees` where position and headers name different breasts. Another fault of a breast is
    raised when it is read.
    """
    found = []
    for side in SIDES if exam.side is None else (exam.side,):
        try:
            breast_grid(exam.phases[..., TARGET], exam.affine, side, method.grid)
        except DataFault as fault:
            if fault.code == "side_disagrees":
                continue
        found.append(side)
    said = exam.intake["laterality"]
    if not found or (said in SIDES and said not in found):
        raise DataFault(
            "side_disagrees",
            f"the headers say that the {said or 'breast of an unknown'} side is shown"
            f" (by {exam.intake['laterality_from']}), and the images lie on the other side of the patient."
            " Have laterality and position in the export corrected",
        )
    # A volume of one breast is taken whole, also where it reaches over the midline.
    return [said] if said in SIDES else found


def read_breast(
    exam: SiteExam, phases: NDArray[np.float32], side: str, bundle: Bundle, device: str, threads: int
) -> SiteBreast:
    """One breast of an exam. phases: registered, (section, anterior, superior, phase); device: auto, cpu or cuda.

    Raises DataFault as the stages of a study do.
    """
    from radparity.predict import predict_volume

    method = bundle.method
    converted = exam.convert
    channels, affine, facts = harmonize_breast(
        phases,
        exam.affine,
        converted["times_s"],
        side,
        scanner_name(exam.intake),
        method.arm.harmonization,
        method.harmonizing,
        exam.t2,
        converted["t2_reason"],
    )
    grid = breast_grid(phases[..., TARGET], exam.affine, side, method.grid)
    found, mask_facts = _mask(grid, phases[..., TARGET], bundle, threads)
    mask = grid.resample(found.astype(np.float32)) > 0.5
    record = facts | {"case": side}
    inputs = np.moveaxis(channels, -1, 0)[channel_positions(record, method.arm.channels)]
    maps = predict_volume(
        [(network, scaling.of(record)) for network, scaling in bundle.networks],
        inputs,
        mask,
        memory_mb=method.predict.memory_mb,
        precision=method.predict.precision,
        device=choose_device(device),
        threads=threads,
    )
    lesion = segment_volume(maps.probability, mask, method.threshold.fraction, method.threshold.floor.probability)
    strange = sum(not scaling.knows(facts["scanner"]) for _, scaling in bundle.networks)
    kept = {name: facts[name] for name in ("times_assumed", "native_mm", "spacing_mm", "shape", "reformatted")}
    kept |= {"breast_ml": mask_facts["volume_ml"], "networks": len(bundle.networks), "without_landmarks": strange}
    kept |= {"flags": facts["flags"] + mask_facts["flags"]}
    return SiteBreast(
        side, channels, facts["channels"], affine, mask, maps.probability, maps.disagreement, lesion, kept
    )


def _mask(
    grid: BreastGrid, target: NDArray[np.float32], bundle: Bundle, threads: int
) -> tuple[NDArray[np.bool_], Mapping[str, Any]]:
    """The mask of a breast on its native part, by the method that the study used."""
    image, step = grid.cut(target), spacing(grid.native)
    if bundle.mask_network is None:
        from radparity.mask import classical

        return classical.breast_mask(image, step, bundle.method.mask.fat)
    from radparity.mask import network

    return network.breast_mask(bundle.mask_network, image, step, threads=threads)
