"""The command `radparity release NAME`."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable

from radparity.config import ConfigError
from radparity.plan import commit, now
from radparity.release.fixed import Row, known, path_of, read_release, rows_of, write_release
from radparity.release.numbers import keep_numbers
from radparity.study import Study
from radparity.sweep import MISSING
from radparity.terminal import read_config

PARTITIONS = ("development", "tuning", "test", "shown")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("name", help="of the new release: letters, digits and underscores, as R1 or autumn_2026")


def run(options: argparse.Namespace) -> str:
    """Write the release of what the sheets and the last sweep hold. Raises ConfigError where there is one of that name,
    or the sweep does not know all that the sheets name."""
    raw = read_config(options.config)
    study = whole_study(raw, options.config, options.name)
    kept = keep_numbers()
    before = raw.get("release")
    rows = rows_of(study, study.breasts)
    path = write_release(options.name, rows, now(), commit())
    lines = [f"{path}: {counted(rows)}"]
    gone = [path for path in study.raw_paths() if study.digests[path] == MISSING]
    if gone:
        lines.append(
            f"nothing lies at {len(gone)} of the sheets' paths, as {gone[0]}; once it does, make another release"
        )
    if isinstance(before, str) and before in known():
        old = read_release(before)
        lines.append(f"to {before} it adds {len({row.exam for row in rows} - old.exams)} exams; what differs:")
        lines.append(f"  radparity diff {before} {options.name}")
    if kept:
        lines.append(f"{kept}: the numbers of the report that stands in results/")
    lines.append(f"To have train, tune and test see it and nothing else, write in {options.config}:")
    lines.append(f"  release: {options.name}")
    return "\n".join(lines)


def whole_study(raw: dict[str, object], source: str, name: str) -> Study:
    """The study with all that its sheets hold, whatever release the configuration names."""
    from radparity.config import load
    from radparity.config.masks import is_masks
    from radparity.load import load_study

    if is_masks(raw):
        raise ConfigError("a study of masks trains nothing and has no releases")
    load(raw | {"release": name}, source)  # refuses a name that the key would not take
    if path_of(name).exists():
        read_release(name)
        raise ConfigError(f"{path_of(name)} is there already, and a release is never changed. Choose another name")
    return load_study({key: value for key, value in raw.items() if key not in ("release", "pilot")}, source)


def counted(rows: Iterable[Row]) -> str:
    """How many exams, breasts and patients, by partition."""
    rows = list(rows)
    parts = Counter(row.partition for row in rows)
    split = ", ".join(f"{parts[name]} {name}" for name in PARTITIONS if parts[name])
    exams, patients = len({row.exam for row in rows}), len({row.patient for row in rows})
    return f"{exams} exams, {len(rows)} breasts ({split}) of {patients} patients"
