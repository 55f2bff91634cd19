"""At a site: the rule of the volume, sizes, registration side by side, and what is refused before anything runs."""

import argparse
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from radparity.config import ConfigError
from radparity.register import Settings, register_exam
from radparity.segment_volume import NEIGHBOURS, segment_volume
from radparity.site.command import add_arguments, run
from radparity.site.extent import extent, longest
from radparity.site.registration import register_phases

MAPS = arrays(np.float32, (4, 6, 5), elements=st.sampled_from([0, 0.05, 0.2, 0.4, 0.6, 0.9, 1]).map(np.float32))
BREASTS = arrays(bool, (4, 6, 5)).filter(np.any)
SHARES = st.sampled_from([0.1, 0.5, 0.9])


@given(MAPS, BREASTS, SHARES, st.floats(0, 1))
def test_a_lesion_is_one_piece_of_the_breast_around_its_maximum(probability, breast, fraction, floor):
    found = segment_volume(probability, breast, fraction, floor)
    assert found.maximum == probability[breast].max()
    assert found.found == (found.maximum >= floor and found.maximum > 0)
    if not found.found:
        assert not found.mask.any()
        return
    above = breast & (probability >= np.float32(fraction * found.maximum))
    assert found.mask[found.peak] and not (found.mask & ~above).any()
    assert ndimage.label(found.mask, NEIGHBOURS)[1] == 1
    # Nothing that touches it was left out.
    assert not (ndimage.binary_dilation(found.mask, NEIGHBOURS) & above & ~found.mask).any()


def test_the_brightest_place_outside_the_breast_does_not_count():
    probability = np.zeros((5, 9, 9), np.float32)
    probability[2, 1:4, 1:4], probability[2, 6:8, 6:8], probability[2, 2, 2] = 0.7, 0.5, 0.8
    probability[0, 8, 0] = 1.0
    breast = np.ones(probability.shape, bool)
    breast[0] = False
    found = segment_volume(probability, breast, 0.5, 0.75)
    assert found.peak == (2, 2, 2) and found.mask.sum() == 9 and found.maximum == np.float32(0.8)
    assert not segment_volume(probability, breast, 0.5, 0.81).found
    with pytest.raises(ValueError, match="empty"):
        segment_volume(probability, np.zeros(breast.shape, bool), 0.5, 0.1)


@given(arrays(bool, (3, 5, 4)).filter(np.any))
def test_the_longest_diameter_is_that_of_all_pairs(mask):
    affine = np.diag([3.0, 0.7, 0.9, 1.0])
    affine[0, 1] = 0.4
    points = np.argwhere(mask) @ affine[:3, :3].T
    every = max(float(np.linalg.norm(a - b)) for a, b in product(points, points))
    assert longest(mask, affine) == pytest.approx(every)
    said = extent(mask, affine)
    assert said["volume_cc"] == pytest.approx(mask.sum() * 3.0 * 0.7 * 0.9 / 1000, abs=1e-4)


@pytest.mark.parametrize("method", ["deformable", "affine", "off"])
def test_phases_side_by_side_give_the_bits_of_the_chain(method):
    generator = np.random.default_rng(3)
    still = ndimage.gaussian_filter(generator.random((8, 40, 40)), 2) * 4000
    phases = np.stack([np.roll(still, shift, axis=2) * gain for shift, gain in ((1, 0.7), (0, 1), (-1, 1.1))], axis=-1)
    phases = phases.astype(np.float32)
    affine = np.diag([3.0, 1.0, 1.0, 1.0])
    settings = Settings.of({"method": method, "ants": {"iterations": [5, 3]}})
    expected = register_exam(phases.copy(), affine, settings, lambda said: None)
    made = phases.copy()
    facts = register_phases(made, affine, settings, threads=2)
    assert np.array_equal(made, expected.phases)
    assert facts == {name: expected.facts[name] for name in ("quality", "flags")}


def asked(*words):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args([str(word) for word in words])


def test_what_cannot_work_is_refused_before_anything_runs(tmp_path):
    exam = tmp_path / "exam"
    exam.mkdir()
    for words, said in (
        (["--weights", "b.zip"], "predict EXAM_FOLDER"),
        ([tmp_path / "nowhere", "--weights", "b.zip"], "not there"),
        ([exam, "--weights", "b.zip", "--output", exam], "there already"),
        ([exam, "--weights", "b.zip", "--output", exam / "made"], "the exam's own folder"),
        ([exam, "--weights", "b.zip", "--output", tmp_path / "out", "--label", "Mary Doe"], "no name"),
        ([exam, "--weights", tmp_path / "b.zip", "--output", tmp_path / "out"], "No such file"),
    ):
        with pytest.raises(ConfigError, match=said):
            run(asked(*words))
    assert list(exam.iterdir()) == [] and not (tmp_path / "out").exists()
