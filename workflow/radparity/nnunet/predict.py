"""Tumour probability of a breast by the folds' nnU-Nets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from nnunetv2.utilities.label_handling.label_handling import determine_num_input_channels
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager
from numpy.typing import NDArray

from radparity.nnunet.dataset import CANCER
from radparity.nnunet.weights import About

Model = tuple[dict[str, torch.Tensor], About]


def predict(
    models: Sequence[Model],
    channels: NDArray[np.floating[Any]],
    spacing_mm: Sequence[float] | NDArray[np.float64],
    mirroring: bool = True,
    device: str = "cpu",
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation over the models of the probability of cancer, both (section, anterior, superior).

    channels: (channel, section, anterior, superior), as exported; spacing_mm: of those three axes. mirroring: nnU-Net's
    mean over mirrored inputs. Raises ValueError where there is no model.
    """
    if not models:
        raise ValueError("no network to predict with")
    maps = [_one(model, channels, spacing_mm, mirroring, device) for model in models]
    return np.mean(maps, axis=0, dtype=np.float32), np.std(maps, axis=0, dtype=np.float32)


def _one(model: Model, channels: Any, spacing_mm: Any, mirroring: bool, device: str) -> NDArray[np.float32]:
    weights, about = model
    plans = PlansManager(about.plans)
    configuration = plans.get_configuration(about.configuration)
    network = get_network_from_plans(
        configuration.network_arch_class_name,
        configuration.network_arch_init_kwargs,
        configuration.network_arch_init_kwargs_req_import,
        determine_num_input_channels(plans, configuration, about.dataset),
        plans.get_label_manager(about.dataset).num_segmentation_heads,
        allow_init=False,
        deep_supervision=False,
    )
    network.load_state_dict(weights)
    predictor = nnUNetPredictor(use_mirroring=mirroring, device=torch.device(device), allow_tqdm=False)
    predictor.manual_initialization(
        network, plans, configuration, [weights], about.dataset, "SeededTrainer", about.mirroring
    )
    # nnU-Net's files are read with the axes in the opposite order.
    image = np.ascontiguousarray(np.transpose(channels, (0, 3, 2, 1)), dtype=np.float32)
    spacing = [float(size) for size in reversed(list(spacing_mm))]
    _, found = predictor.predict_single_npy_array(image, {"spacing": spacing}, save_or_return_probabilities=True)
    return np.ascontiguousarray(np.transpose(found[CANCER], (2, 1, 0)), dtype=np.float32)
