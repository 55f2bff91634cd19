"""Negatives from tumour-free sections: which sections, which voxels, and that studies without them draw as before."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from test_train import breast, located, made

from radparity.config import ConfigError, load
from radparity.load import load_study
from radparity.networks.presets import Architecture
from radparity.nnunet.dataset import BACKGROUND, CANCER, IGNORE, labels
from radparity.slab import SECTIONS, Breast, Sampling, make_slab
from radparity.train.feed import Feed
from radparity.train.sampling import BRIGHT_SHARE, Draw, Key, Plan, Pools, check_pools, draw, seed_of
from radparity.train.tumour_free import draw_negative, tumour_free

ROOT = Path(__file__).parents[2]
KEY = Key(7, "arm", 1)


def outlined(sections: list[int], fills: bool = True) -> dict[str, Any]:
    return {"fills_volume": fills, "tumour_sections": sections}


def cancer(seed: int, tumour: list[int], sections: int, margin_mm: float | None, section_mm: float = 3.0) -> Breast:
    """A breast of noise whose cancer lies on these sections, with a mask of random voxels; some sections have none."""
    generator = np.random.default_rng(seed)
    shape = (sections, 9, 11)
    mask = (generator.random(shape) < 0.3) & (generator.random(sections) < 0.8)[:, None, None]
    outline = np.zeros(shape[1:], bool)
    outline[4, 5] = True
    free = tumour_free(outlined(tumour), sections, section_mm, margin_mm)
    return made("c", "p", generator.normal(size=(3, *shape)), mask, outline, tumour[0], free=free)


TUMOUR = st.integers(1, 40).flatmap(
    lambda n: st.tuples(st.just(n), st.lists(st.integers(0, n - 1), min_size=1, max_size=6, unique=True))
)


@given(TUMOUR, st.floats(0.5, 6.0), st.floats(0.0, 30.0))
@settings(deadline=None)
def test_free_sections_are_those_beyond_the_margin_of_every_tumour_section(
    case: tuple[int, list[int]], section_mm: float, margin_mm: float
) -> None:
    sections, tumour = case
    found = tumour_free(outlined(tumour), sections, section_mm, margin_mm)
    for section in range(sections):
        nearest = min(abs(section - other) * section_mm for other in tumour)
        # A thousandth of a millimetre is left to the rounding of affines.
        if nearest > 0 and nearest >= margin_mm:
            assert section in found
        if section in found:
            assert section not in tumour and nearest >= margin_mm - 0.0011
    assert tumour_free(outlined(tumour, fills=False), sections, section_mm, margin_mm) == []
    assert tumour_free(outlined(tumour), sections, section_mm, None) == []


def test_the_rounding_of_an_affine_costs_no_section() -> None:
    assert tumour_free(outlined([5]), 10, 2.9999998, 6.0) == [0, 1, 2, 3, 7, 8, 9]
    assert tumour_free(outlined([5]), 10, 2.99, 6.0) == [0, 1, 2, 8, 9]


class Counting:
    """Instead of a random generator: every number that could be drawn, one after the other."""

    def __init__(self) -> None:
        self.number, self.most = -1, 1

    def integers(self, high: int) -> int:
        self.most = high
        self.number += 1
        return self.number


@given(st.integers(0, 2**32), TUMOUR, st.floats(0.0, 12.0))
@settings(max_examples=60, deadline=None)
def test_every_voxel_of_the_mask_on_every_free_section_is_drawn_once_and_no_other(
    seed: int, case: tuple[int, list[int]], margin_mm: float
) -> None:
    sections, tumour = case
    source = cancer(seed, tumour, sections, margin_mm)
    far = [n for n in range(sections) if n not in tumour and min(abs(n - t) for t in tumour) * 3.0 >= margin_mm - 1e-3]
    if not source.tumour_free:
        assert not any(source.mask(n).any() for n in far if source.first <= n < source.first + source.planes.shape[1])
        assert Pools.of([source]).negative == ()
        return
    assert source.first == 0 and source.planes.shape[1] == sections
    generator, drawn = Counting(), []
    while generator.number + 1 < generator.most:
        drawn.append(draw_negative(source, generator))  # type: ignore[arg-type]
    expected = {(n, *map(int, at)) for n in far for at in np.argwhere(source.mask(n))}
    assert len(drawn) == len(expected) and set(drawn) == expected


@given(st.integers(0, 2**32), st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_patches_without_tumour_never_lie_near_one_and_the_others_on_the_outline(seed: int, step: int) -> None:
    breasts = [cancer(seed, [6, 7], 16, 6.0), cancer(seed + 1, [3], 16, None), breast(5, False)]
    pools = Pools.of(breasts)
    assert (pools.malignant, pools.negative) == ((0, 1), (0, 2))
    for index in range(30):
        found = draw(breasts, pools, KEY, step, index, Plan((19, 43, 43), 0.5))
        section = found.centre[0]
        if found.breast == 0 and section != 6:
            assert section <= 4 or section >= 9
            assert breasts[0].mask(section)[found.centre[1:]]
        elif found.breast < 2:
            assert section == breasts[found.breast].section and found.centre[1:] == (4, 5)


def test_the_share_of_patches_with_tumour_is_kept_and_the_others_have_none() -> None:
    shape = (30, 60, 60)
    mask = np.ones(shape, bool)
    outline = np.zeros(shape[1:], bool)
    outline[20:40, 20:40] = True
    free = tumour_free(outlined([14, 15, 16]), shape[0], 3.0, 6.0)
    channels = np.random.default_rng(0).normal(size=(3, *shape)).astype(np.float32)
    source = made("c", "p", channels, mask, outline, 15, free=free)
    plan = Plan((19, 43, 43), 0.3)
    feed = Feed([source], KEY, plan, 50, Architecture.of("paper", width=2))
    marked = feed.make(0).tumour.flatten(1).any(1).numpy()
    sections = [draw([source], feed.pools, KEY, 0, index, plan).centre[0] for index in range(50)]
    np.testing.assert_array_equal(marked, np.array(sections) == 15)
    many = [draw([source], feed.pools, KEY, step, 0, plan).centre[0] == 15 for step in range(2000)]
    assert np.mean(many) == pytest.approx(0.3, abs=0.035)


def as_before(breasts: list[Breast], key: Key, step: int, index: int, plan: Plan) -> Draw:
    """The draw as it was when benign breasts were the only source of negatives, written out once more."""
    generator = np.random.default_rng(seed_of(*key, step, index))
    wanted = bool(generator.random() < plan.malignant_share)
    pool = [n for n, one in enumerate(breasts) if one.malignant == wanted]
    position = pool[generator.integers(len(pool))]
    one = breasts[position]
    if wanted or plan.sampling == "paper":
        candidates = np.argwhere(one.outline if wanted else one.mask(one.section))
        anterior, superior = candidates[generator.integers(len(candidates))]
        centre = (one.section, int(anterior), int(superior))
    elif generator.random() < BRIGHT_SHARE:
        while True:
            voxels = generator.integers(np.array(one.shape)[:, None], size=(3, 64))
            if one.is_bright(voxels).any():
                centre = tuple(voxels[:, one.is_bright(voxels).argmax()].tolist())
                break
    else:
        total = one.shape[0]
        section = int(np.clip(np.rint(generator.normal(total / 2, total / 5)), 0, total - 1))
        edges = [
            min(length // 2, (extent - 1) // 2) for extent, length in zip(one.shape[1:], plan.patch[1:], strict=True)
        ]
        inside = [int(generator.integers(e, extent - e)) for e, extent in zip(edges, one.shape[1:], strict=True)]
        centre = (section, *inside)
    flip = int(generator.integers(3)) if generator.random() < plan.flip_share else None
    return Draw(position, centre, flip)  # type: ignore[arg-type]


@given(st.integers(0, 2**40), st.integers(0, 10**6), st.sampled_from(["paper", "code"]), st.floats(0.05, 0.95))
@settings(max_examples=40, deadline=None)
def test_with_benign_breasts_every_draw_is_what_it_was(seed: int, step: int, sampling: Sampling, share: float) -> None:
    breasts = [breast(n, n % 2 == 0, sampling=sampling) for n in range(5)]
    plan, key = Plan((19, 43, 43), share, 0.5, sampling), Key(seed, "arm", 2)
    pools = Pools.of(breasts)
    for index in range(20):
        assert draw(breasts, pools, key, step, index, plan) == as_before(breasts, key, step, index, plan)


def test_a_slab_without_tumour_free_sections_is_the_slab_of_before() -> None:
    source = located(True)
    assert source.tumour_free == () and source.first == 0 and source.planes.shape[1] == 7 + SECTIONS // 2 + 1
    channels, mask = np.ones((3, 40, 5, 5), np.float32), np.ones((40, 5, 5))
    planes, facts = make_slab(channels, mask, np.ones((5, 5)), 20)
    assert planes.shape[1] == SECTIONS and facts["first_section"] == 11 and facts["tumour_free"] == []
    whole, more = make_slab(channels, mask, np.ones((5, 5)), 20, tumour_free=[0, 39])
    assert whole.shape[1] == 40 and more["tumour_free"] == [[0, 25], [39, 25]] and more["bright"] is None
    np.testing.assert_array_equal(whole[:, 11:30], planes)


def test_a_training_that_has_nothing_to_draw_is_refused() -> None:
    pools = Pools.of([cancer(1, [3], 12, None)])
    with pytest.raises(ValueError, match="write negatives: tumour_free_sections where outlines fill the volume"):
        check_pools(pools, 0.5)
    check_pools(pools, 1.0)
    check_pools(Pools.of([cancer(1, [3], 12, 6.0)]), 0.5)


def test_nnunet_gets_tumour_free_sections_as_background_and_ignores_the_rest() -> None:
    outline = np.zeros((6, 7), bool)
    outline[2, 3] = True
    found = labels((10, 6, 7), 4, outline, tumour_free(outlined([3, 4]), 10, 3.0, 6.0))
    assert [n for n in range(10) if (found[n] == BACKGROUND).all()] == [0, 1, 6, 7, 8, 9]
    assert [n for n in range(10) if (found[n] == IGNORE).all()] == [2, 3, 5]
    assert (found == CANCER).sum() == 1 and found[4, 2, 3] == CANCER


# The configuration


@pytest.fixture
def cancers_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The demo's configuration with a breasts sheet that has no benign row."""
    monkeypatch.chdir(ROOT)
    raw: dict[str, Any] = yaml.safe_load((ROOT / "config.yaml").read_text())
    with Path(raw["sheets"]["breasts"]).open(newline="") as stream:
        rows = [row for row in csv.reader(stream, delimiter="\t") if row[3] != "benign"]
    sheet = tmp_path / "breasts.tsv"
    sheet.write_text("".join("\t".join(row) + "\n" for row in rows))
    raw["sheets"]["breasts"], raw["learning_curve"] = str(sheet), None
    return raw


def test_without_benign_breasts_the_default_is_refused_with_the_mend(cancers_only: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="write instead: negatives: tumour_free_sections"):
        load_study(cancers_only)
    cancers_only["train"]["negatives"] = "tumour_free_sections"
    study = load_study(cancers_only)
    assert study.benign_sample == [] and study.config.train.tumour_free_margin == 6.0
    del cancers_only["train"]["negatives"]
    cancers_only["train"]["malignant_share"] = 1.0
    assert load_study(cancers_only).config.train.tumour_free_margin is None


def test_points_of_a_curve_that_would_be_one_training_are_refused(cancers_only: dict[str, Any]) -> None:
    cancers_only["train"]["negatives"] = "tumour_free_sections"
    curve = {"arm": "unet", "curves": {"fixed_ratio": [[0.5, 0.5], [1.0, 1.0]]}, "repeats": 3}
    load_study(cancers_only | {"learning_curve": curve})
    curve["curves"] = {"paper": [[0.25, 0.2], [1.0, 0.4], [1.0, 1.0]]}
    with pytest.raises(ConfigError, match=r"learning_curve: paper: .* Write every share twice, as paper: \[\[0.5, 0.5"):
        load_study(cancers_only | {"learning_curve": curve})


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("malignant_share", 1.0, "malignant_share: 0.5"),
        ("sampling", "code", "write: sampling: paper"),
        ("negatives_margin_mm", -1.0, "negatives_margin_mm"),
    ],
)
def test_what_cannot_go_with_tumour_free_sections(key: str, value: Any, said: str) -> None:
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    raw["train"] |= {"negatives": "tumour_free_sections", key: value}
    with pytest.raises(ConfigError, match=said):
        load(raw)
