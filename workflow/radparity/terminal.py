"""What every command shares: the configuration from its file, and progress at the terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import yaml

from radparity.config import ConfigError


def read_config(path: str) -> dict[str, object]:
    """A configuration file as plain data. Raises ConfigError where it is missing or not YAML."""
    try:
        found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file. Name the study's file: --config config.yaml") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {error}. Indent with two spaces and no tabs") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{path} is empty. Begin with a copy of config.yaml")
    return found


def bar(what: str) -> Callable[[int, int], None]:
    """Progress on one line of a terminal; one line a tenth elsewhere."""
    last = [-1]

    def show(done: int, total: int) -> None:
        tenth = 10 * done // max(total, 1)
        if sys.stderr.isatty():
            print(f"\r{what}: {done} of {total}", end="\n" if done == total else "", file=sys.stderr, flush=True)
        elif tenth != last[0]:
            print(f"{what}: {done} of {total}", file=sys.stderr, flush=True)
        last[0] = tenth

    return show
