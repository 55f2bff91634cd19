"""Scaling: what a fold learns from its training breasts, and how it makes network input."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from radparity.channels import DEFAULT_CHANNELS
from radparity.config import ConfigError, load
from radparity.harmonize import Settings, harmonize_breast
from radparity.ledger import dump
from radparity.scaling import PERCENTILES, PUBLISHED, Scaling, exam_landmarks, learn, scanner_name

AFFINE = np.array([[3.0, 0, 0, -70], [0, 0.5, 0, -20], [0, 0, 0.5, -30], [0, 0, 0, 1]])
TIMES = [0.0, 90.0, 180.0, 270.0]


def phases_of(seed, gain=1.0, power=1.0):
    """The same kind of tissue from a scanner with this gain and this curve of contrast."""
    generator = np.random.default_rng(seed)
    tissue = generator.choice([2.0, 20.0, 60.0, 90.0], p=[0.5, 0.3, 0.15, 0.05], size=(8, 24, 24))
    rise = np.array([1.0, 1.6, 1.5, 1.4])
    signal = tissue[..., None] * np.where(tissue[..., None] > 50, rise, 1.0)
    signal = signal * (1 + 0.05 * generator.normal(size=signal.shape))
    return (gain * 100 * (np.abs(signal) / 100) ** power).astype(np.float32)


def breast(case, seed, scanner="A", harmonization="histogram", **look):
    channels, _, facts = harmonize_breast(
        phases_of(seed, **look), AFFINE, TIMES, "left", scanner, harmonization, Settings()
    )
    return np.moveaxis(channels, -1, 0), {"case": case, "status": "ok", **facts}


def record(case, p95, scanner="A", harmonization="pre_p95", landmarks=None):
    return {
        "case": case,
        "channels": list(DEFAULT_CHANNELS[: len(p95)]),
        "p95": list(p95),
        "scanner": scanner,
        "harmonization": harmonization,
        "dce_in": "difference",
        "landmarks": list(landmarks or [1.0] * len(PERCENTILES)),
    }


# Divisors


def test_divisors_are_a_percentile_over_training_breasts_and_need_some():
    two = [record("B1", [1.0, 2.0]), record("B2", [3.0, 4.0])]
    assert learn(two, DEFAULT_CHANNELS[:2]).divisors == pytest.approx([2.9, 3.9])
    with pytest.raises(ValueError, match="no training breast is left"):
        learn([], DEFAULT_CHANNELS)
    with pytest.raises(ValueError, match="empty in every training breast"):
        learn([record("B1", [1.0, 0.0])], DEFAULT_CHANNELS[:2])
    with pytest.raises(ValueError, match="harmonized in several ways"):
        learn([record("B1", [1.0, 1.0]), record("B2", [1.0, 1.0], harmonization="zscore")], DEFAULT_CHANNELS[:2])


def test_the_published_divisors_are_offered():
    made = learn([record("B1", [1.0, 2.0, 3.0])], DEFAULT_CHANNELS, "published")
    assert made.divisors == (40.0, 0.3, 0.12) == tuple(PUBLISHED[name] for name in DEFAULT_CHANNELS)


def test_an_arm_takes_its_channels_in_its_order():
    whole = Scaling("pre_p95", "difference", DEFAULT_CHANNELS, (2.0, 4.0, 8.0))
    own = whole.only(["dce_out", "t1c"])
    assert own.apply(np.ones((2, 3)), "any").tolist() == [[0.125] * 3, [0.5] * 3]
    with pytest.raises(ValueError, match="3 channels, but this scales dce_out, t1c"):
        own.apply(np.ones((3, 3)), "any")
    with pytest.raises(ValueError, match="3 positive numbers, one per channel"):
        replace(whole, divisors=(1.0, 0.0, 1.0))


def test_channels_made_another_way_are_refused():
    made = Scaling("pre_p95", "difference", DEFAULT_CHANNELS, (1.0, 1.0, 1.0))
    assert made.of(record("B1", [1.0] * 3))(np.ones((3, 2), np.float16)).dtype == np.float32
    with pytest.raises(ValueError, match="B1: channels with dce_in rate, but the network was trained on difference"):
        made.of(record("B1", [1.0] * 3) | {"dce_in": "rate"})
    with pytest.raises(ValueError, match="harmonization zscore"):
        made.of(record("B1", [1.0] * 3, harmonization="zscore"))


# Landmarks


@pytest.fixture(scope="module")
def two_scanners():
    """Training breasts of two scanners whose contrast differs, and what is learned from them."""
    looks = {"A": {"gain": 1.0, "power": 1.0}, "B": {"gain": 6.0, "power": 0.7}}
    records = [breast(f"{s}{n}", 10 * ord(s) + n, s, **look)[1] for s, look in looks.items() for n in range(4)]
    return looks, learn(records, DEFAULT_CHANNELS)


def test_landmarks_bring_two_scanners_of_another_contrast_together(two_scanners):
    looks, made = two_scanners
    assert set(made.landmarks) == {"A", "B"} and made.knows("B") and not made.knows("C")
    gland, apart = phases_of(777)[..., 0] > 50, []
    for matched in (False, True):
        seen = []
        for scanner, look in looks.items():
            channels, facts = breast("T1", 777, scanner, **look)
            seen.append(float(made.apply(channels, facts["scanner"] if matched else "neither")[0][gland].mean()))
        apart.append(abs(seen[0] - seen[1]) / seen[0])
    assert apart[0] > 0.1 and apart[1] < 0.25 * apart[0]


def test_matching_follows_the_landmarks_and_goes_on_along_the_last_ratio(two_scanners):
    _, made = two_scanners
    own, pooled = np.array(made.landmarks["B"]), np.array(made.pooled)
    last = pooled[-1] / own[-1]
    plain = replace(made, divisors=(1.0, 1.0, 1.0))
    values = np.array([*own, 20 * own[-1], -1.0, 0.0])
    t1c, dce_in, dce_out = plain.apply(np.stack([values, values, -values]), "B")
    assert np.allclose(t1c, [*pooled, 20 * own[-1] * last, 0, 0], rtol=1e-5)
    assert np.allclose(dce_in, values * last, rtol=1e-5) and np.allclose(dce_out, -values * last, rtol=1e-5)


@given(st.lists(st.floats(-5, 500), min_size=2, max_size=30))
@settings(max_examples=50, deadline=None)
def test_matching_keeps_the_order_of_intensities(values):
    made = Scaling(
        "histogram",
        "difference",
        ("t1c",),
        (1.0,),
        {"A": tuple(float(n) for n in range(1, 13))},
        tuple(float(n**1.5) for n in range(1, 13)),
    )
    found = made.apply(np.sort(np.array([values])), "A")[0]
    assert (np.diff(found) >= -1e-4).all() and (found >= 0).all()


def test_an_unseen_scanner_passes_with_the_pooled_landmarks(two_scanners):
    """Pooled to pooled is no change; the exam's own scale has removed its gain before."""
    _, made = two_scanners
    channels = breast("T1", 5, "C", gain=40.0)[0]
    unchanged = channels / np.array(made.divisors, np.float32).reshape(-1, 1, 1, 1)
    assert np.array_equal(made.apply(channels, "C"), unchanged)
    assert not np.allclose(made.apply(channels, "B"), unchanged, rtol=0.01)


def test_a_scanner_of_two_women_has_no_landmarks_of_its_own():
    records = [breast(f"A{n}", n)[1] for n in range(3)] + [breast(f"B{n}", 50 + n, "B")[1] for n in range(2)]
    assert set(learn(records, DEFAULT_CHANNELS).landmarks) == {"A"}


def test_the_divisor_of_matched_channels_is_the_percentile_of_matched_channels(two_scanners):
    """Learning reads records, not images; both ways must agree."""
    looks, made = two_scanners
    plain = replace(made, divisors=(1.0, 1.0, 1.0))
    rows = []
    for scanner, look in looks.items():
        for n in range(4):
            channels, facts = breast(f"{scanner}{n}", 10 * ord(scanner) + n, scanner, **look)
            rows.append([np.percentile(np.abs(channel), 95) for channel in plain.of(facts)(channels)])
    assert np.allclose(np.percentile(rows, 95, axis=0), made.divisors, rtol=1e-3)


def test_the_order_of_the_records_does_not_matter_and_the_file_gives_it_back(two_scanners):
    _, made = two_scanners
    records = [breast(f"A{n}", n)[1] for n in range(5)]
    assert dump(learn(records, DEFAULT_CHANNELS).to_json()) == dump(learn(records[::-1], DEFAULT_CHANNELS).to_json())
    assert Scaling.from_json(json.loads(dump(made.to_json()))) == made


def test_landmarks_are_of_tissue_not_of_air():
    """The field of view around the breast does not move them, nor does noise in it."""
    generator = np.random.default_rng(0)
    tissue = generator.uniform(50, 100, (12, 30, 30)).astype(np.float32)
    for air in (20, 60):
        around = np.abs(generator.normal(0, 4, (12, 30 + air, 30))).astype(np.float32)
        around[:, :30] = tissue
        assert exam_landmarks(around) == pytest.approx(np.percentile(tissue, PERCENTILES), rel=0.05)
    assert exam_landmarks(np.zeros((4, 4, 4), np.float32)) == [0.0] * len(PERCENTILES)


def test_the_scanners_name():
    full = {"scanner": {"manufacturer": "GE", "model": "Signa", "tesla": 1.5}}
    assert scanner_name(full) == "GE Signa 1.5 T"
    assert scanner_name({"scanner": {"manufacturer": None}}) == "not stated not stated field not stated"


# The configuration


@pytest.mark.parametrize(
    ("block", "harmonization", "said"),
    [
        ({"divisors": "published"}, "pre_p95", "Write instead: dce_in: rate"),
        ({"divisors": "published", "dce_in": "rate"}, "zscore", "arms: unet: harmonization: zscore: the published"),
        ({"times_unknown": "assume"}, "pre_p95", "Add a line: assumed_interval_s: 120"),
        ({"divisors": "publised"}, "pre_p95", "Write instead: divisors: published"),
        ({"divisors": "published", "dce_in": "rate"}, "pre_p95", None),
        ({"times_unknown": "assume", "assumed_interval_s": 120.0}, "histogram", None),
    ],
)
def test_what_does_not_fit_together_is_refused_with_the_line_to_write(block, harmonization, said):
    raw = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())
    raw["harmonize"] = raw["harmonize"] | block
    for arm in raw["arms"].values():
        arm["harmonization"] = harmonization
    if said is None:
        assert load(raw).arms["unet"].harmonization == harmonization
        return
    with pytest.raises(ConfigError) as error:
        load(raw)
    assert said in str(error.value)
