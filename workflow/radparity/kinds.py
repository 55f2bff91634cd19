"""The two kinds of study: of exams, from DICOM on, and of masks that were made elsewhere."""

from __future__ import annotations

from typing import Any

from radparity.config.masks import is_masks
from radparity.load import load_study
from radparity.masks.study import MasksStudy, load_masks_study
from radparity.study import Study


def open_whole(raw: dict[str, Any], source: str = "config.yaml") -> Study | MasksStudy:
    """A study of either kind; its sheets tell which (`sheets: masks`). Raises ConfigError as the loaders do."""
    return load_masks_study(raw, source) if is_masks(raw) else load_study(raw, source)


def open_study(raw: dict[str, Any], source: str = "config.yaml") -> Study | MasksStudy:
    """The same, or its pilot where the configuration asks for one."""
    study = open_whole(raw, source)
    if isinstance(study, MasksStudy) or study.config.pilot is None:
        return study
    from radparity.pilot import sample

    return sample(study, study.config.pilot)
