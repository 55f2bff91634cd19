"""Slabs: what training keeps of a breast is what the volume holds, within the error that half precision allows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from radparity.networks.grid import slab_of
from radparity.record import DataFault
from radparity.scaling import Scaling
from radparity.slab import Breast, Label, Sampling, make_slab, open_breast
from radparity.train.patches import Tables

SHAPE = (30, 22, 26)
NAMES = ("t1c", "dce_in", "dce_out")


def volume(seed: int = 0, shape: tuple[int, int, int] = SHAPE) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Channels of very different sizes, a mask, and an outline of one section."""
    made = np.random.default_rng(seed)
    sizes = np.float32([900.0, 3.0, 1e-3])[:, None, None, None]
    channels = (made.normal(size=(3, *shape)) * sizes).astype(np.float32)
    mask = np.zeros(shape, np.uint8)
    mask[:, 3:-3, 3:-3] = 1
    outline = np.zeros(shape[1:], np.uint8)
    outline[8:12, 9:15] = 1
    outline[0, 0] = 1  # outlined outside the mask
    return channels, mask, outline


def opened(
    folder: Path, channels: Any, mask: Any, outline: Any, section: int | None, sampling: Sampling = "paper",
    wanted: tuple[str, ...] = NAMES,
) -> Breast:  # fmt: skip
    """A slab through its file, as training meets it."""
    planes, facts = make_slab(channels, mask, outline, section, sampling)
    folder.mkdir(exist_ok=True)
    np.save(folder / "slab.npy", planes)
    way = {"harmonization": "pre_p95", "dce_in": "difference", "scanner": "any", "channels": list(NAMES)}
    record = json.loads(json.dumps({"case": "B1", **facts, **way}))
    scaling = Scaling("pre_p95", "difference", NAMES, (300.0, 2.0, 1e-3)).only(wanted)
    label: Label = "benign" if outline is None else "malignant"
    return open_breast(record, folder / "slab.npy", "P1", label, wanted, scaling)


@pytest.mark.parametrize("section", [0, 2, 14, 28, 29, None])
@pytest.mark.parametrize("sections", [1, 3, 13, 19])
def test_a_slab_is_the_volumes_own_sections(tmp_path: Path, section: int | None, sections: int) -> None:
    channels, mask, outline = volume()
    breast = opened(tmp_path, channels, mask, None if section is None else outline, section)
    here = 15 if section is None else section
    assert (breast.section, breast.shape) == (here, SHAPE)
    found, prior = breast.slab(sections)
    truth = slab_of(channels, here, sections)
    largest = np.abs(truth).max(axis=(1, 2, 3), keepdims=True)
    assert (np.abs(found - truth) <= np.maximum(2.0**-11 * np.abs(truth), largest * 2.0**-30)).all()
    np.testing.assert_array_equal(prior, slab_of(mask, here, sections) > 0)
    np.testing.assert_array_equal(breast.outline, outline > 0 if section is not None else np.zeros_like(outline) > 0)
    np.testing.assert_array_equal(breast.mask(here), mask[here] > 0)


@given(
    arrays.arrays(np.float32, (2, 3, 4, 5), elements=st.floats(-(2.0**100), 2.0**100, width=32, allow_subnormal=False)),
)
@settings(max_examples=60, deadline=None)
def test_half_precision_costs_one_part_in_two_thousand(channels: np.ndarray) -> None:
    planes, facts = make_slab(channels, np.ones((3, 4, 5)), None, None)
    assert np.isfinite(planes).all()
    back = np.stack([np.ldexp(p.astype(np.float64), -e) for p, e in zip(planes[:-1], facts["exponents"], strict=True)])
    largest = np.abs(channels.astype(np.float64)).max(axis=(1, 2, 3), keepdims=True)
    bound = np.maximum(2.0**-11 * np.abs(channels.astype(np.float64)), largest * 2.0**-39)
    assert (np.abs(back - channels) <= bound).all()


def test_a_slab_holds_a_third_of_the_sections_and_the_same_bytes_each_time(tmp_path: Path) -> None:
    channels, mask, outline = volume(shape=(60, 32, 32))
    planes, facts = make_slab(channels, mask, outline, 30)
    again, _ = make_slab(channels.copy(), mask, outline, 30)
    assert planes.tobytes() == again.tobytes()
    assert planes.shape == (4, 19, 32, 32) and facts["bytes"] == planes.nbytes
    # 19 of 60 sections, half of the bytes, and a plane of marks.
    assert facts["share_of_volume"] == pytest.approx(19 / 60 * 8 / 13, abs=1e-3)
    assert make_slab(channels, mask, outline, 30, "code")[0].shape[1] == 19
    assert make_slab(channels, mask, None, None, "code")[0].shape[1] == 60


def test_the_table_gives_the_bits_of_the_folds_scaling(tmp_path: Path) -> None:
    channels, mask, outline = volume(3)
    breast = opened(tmp_path, channels, mask, outline, 14, wanted=("dce_out", "t1c"))
    expected = breast.prepare(breast.slab()[0])
    tables = Tables("cpu").of(breast)
    for number, position in enumerate(breast.positions):
        bits = np.ascontiguousarray(breast.planes[position]).view(np.uint16).astype(np.int64)
        np.testing.assert_array_equal(tables[number].numpy()[bits], expected[number])


def test_bright_voxels_are_those_over_the_percentile_of_the_whole_volume(tmp_path: Path) -> None:
    channels, mask, _ = volume(5)
    breast = opened(tmp_path, channels, mask, None, None, "code")
    everywhere = np.indices(SHAPE).reshape(3, -1)
    bright = breast.is_bright(everywhere).reshape(SHAPE)
    assert bright.mean() == pytest.approx(0.1, abs=0.002)
    clear = np.abs(channels[0] - np.percentile(channels[0], 90)) > 1e-3 * 900
    np.testing.assert_array_equal(bright[clear], (channels[0] > np.percentile(channels[0], 90))[clear])
    paper = opened(tmp_path / "paper", channels, mask, None, None)
    with pytest.raises(ValueError, match="made for the paper's sampling"):
        paper.is_bright(everywhere)


@pytest.mark.parametrize("case", ["mask", "outline", "flat"])
def test_where_no_patch_can_be_centred_the_breast_leaves(case: str) -> None:
    channels, mask, outline = volume()
    if case == "mask":
        mask[15] = 0
        given_values: tuple[Any, ...] = (channels, mask, None, None)
    elif case == "outline":
        given_values = (channels, mask, outline * 0, 4)
    else:
        given_values = (channels * 0, mask, None, None, "code")
    with pytest.raises(DataFault) as fault:
        make_slab(*given_values)
    assert fault.value.code == "nothing_to_draw"


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    channels, mask, outline = volume()
    for message, arguments in {
        "same voxels": (channels, mask[1:], outline, 4),
        "needs the outline": (channels, mask, outline, None),
        "outline of one section": (channels, mask, outline[1:], 4),
        "not finite": (np.where(channels > 2000, np.inf, channels), mask, outline, 4),
        "outside": (channels, mask, outline, 30),
    }.items():
        with pytest.raises(ValueError, match=message):
            make_slab(*arguments)
    breast = opened(tmp_path, channels, mask, outline, 4)
    assert breast.digest == opened(tmp_path, channels, mask, outline, 4).digest
    assert breast.digest != opened(tmp_path, channels, mask, outline, 5).digest
    other = channels.copy()
    other[0, 4, 3, 3] *= 1.5
    assert breast.digest != opened(tmp_path, other, mask, outline, 4).digest
    with pytest.raises(DataFault, match="no_t2"):
        record = {"case": "B1", "channels": NAMES, "t2_reason": "no series", "exponents": [0] * 3, "bytes": 0}
        slab, _ = make_slab(channels, mask, outline, 4)
        np.save(tmp_path / "slab.npy", slab)
        scaling = Scaling("pre_p95", "difference", ("t2",), (1.0,))
        facts = record | {"bytes": slab.nbytes}
        open_breast(facts, tmp_path / "slab.npy", "P1", "malignant", ("t2",), scaling)
    whole = (tmp_path / "slab.npy").read_bytes()
    for damaged in (whole[:-100], whole[:40], b""):
        (tmp_path / "slab.npy").write_bytes(damaged)
        with pytest.raises(ValueError, match="B1: .*cannot be read"):
            open_breast(facts, tmp_path / "slab.npy", "P1", "malignant", NAMES, scaling)
