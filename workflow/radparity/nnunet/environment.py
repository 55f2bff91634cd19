"""What nnU-Net reads from its surroundings: environment variables, and the script that its worker processes import."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def set_environment(folder: Path, threads: int) -> None:
    """Point nnU-Net at subfolders of `folder`; to be called before anything of it is imported.

    threads: processes that preprocess.
    """
    folder = folder.absolute()
    os.environ.update(
        nnUNet_raw=str(folder / "raw"),
        nnUNet_preprocessed=str(folder / "preprocessed"),
        nnUNet_results=str(folder / "results"),
        nnUNet_def_n_proc=str(threads),
        nnUNet_n_proc_DA=str(threads),
        nnUNet_compile="false",
        nnUNet_wandb_enabled="0",
    )


@contextmanager
def no_main_script() -> Iterator[None]:
    """Worker processes that are spawned import the main script again; a rule's script would run its whole job again."""
    main = sys.modules["__main__"]
    kept = {name: getattr(main, name) for name in ("__file__", "__spec__") if hasattr(main, name)}
    main.__dict__.pop("__file__", None)
    main.__spec__ = None
    try:
        yield
    finally:
        for name, value in kept.items():
            setattr(main, name, value)
