"""Opening a bundle: nothing of it is used before all of it is found whole and of one piece."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from radparity.bundle.archive import BundleError, contents
from radparity.bundle.manifest import CARD_TEXT, MASK_WEIGHTS, SETTINGS, WEIGHTS, verified
from radparity.bundle.method import Method

if TYPE_CHECKING:
    from radparity.networks.mask_unet import MaskUNet
    from radparity.networks.network import Network
    from radparity.scaling import Scaling


@dataclass(frozen=True)
class Bundle:
    """A bundle that was found whole. digest: SHA-256 of the file, as sha256sum prints it; networks: of each fold, with
    what makes its input; mask_network: None where the mask needs none; card: the model card's text."""

    digest: str
    manifest: dict[str, Any]
    method: Method
    networks: list[tuple[Network, Scaling]]
    mask_network: MaskUNet | None
    card: str


def open_bundle(path: Path, digest: str | None = None) -> Bundle:
    """The bundle of a file. digest: that the sender has published, where the site was told it.

    Raises BundleError where the file is not there, is not the one that was published, is not whole, or where its parts
    do not fit each other.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}. Name the bundle that you were sent") from error
    found = hashlib.sha256(data).hexdigest()
    if digest is not None and digest.strip().lower() != found:
        raise BundleError(
            f"{path} has the digest {found}, and not {digest}, which you were told. Do not use it: ask who made it"
        )
    files = contents(data, str(path))
    manifest = verified(files, str(path))
    try:
        method = Method.model_validate_json(files[SETTINGS])
    except (KeyError, ValidationError) as error:
        raise BundleError(
            f"{path}: {SETTINGS} says something that this radparity does not know ({_first(error)})."
            f" Install the radparity that made it: {manifest.get('radparity', 'unknown')}"
        ) from error
    networks = [_network(path, name, files[name], method) for name in sorted(files) if name.startswith(WEIGHTS)]
    if not networks:
        raise BundleError(f"{path} holds no weights. Ask who made it")
    return Bundle(found, manifest, method, networks, _mask_network(path, files, method), files[CARD_TEXT].decode())


def _network(path: Path, name: str, data: bytes, method: Method) -> tuple[Network, Scaling]:
    """A network that is what the settings say. Raises BundleError where it is another."""
    from radparity.networks.presets import Architecture
    from radparity.train import weights

    do = "Weights and settings of two studies are mixed: ask who made the bundle"
    try:
        network, about = weights.load(data)
    except ValueError as error:
        raise BundleError(f"{path}: {name}: {error}") from error
    arm = method.arm
    wanted = Architecture.of(arm.network, len(arm.channels), arm.width, arm.mask_prior, arm.coordinates)
    if about.architecture != wanted:
        raise BundleError(f"{path}: {name} holds {about.architecture}, and {SETTINGS} says {wanted}. {do}")
    scaling = about.scaling
    for what, own, other in (
        ("channels", list(scaling.channels), list(method.arm.channels)),
        ("harmonization", scaling.harmonization, method.arm.harmonization),
        ("dce_in", scaling.dce_in, method.harmonize.dce_in),
    ):
        if own != other:
            raise BundleError(f"{path}: {name} was trained with {what} {own}, and {SETTINGS} says {other}. {do}")
    return network, scaling


def _mask_network(path: Path, files: dict[str, bytes], method: Method) -> MaskUNet | None:
    if method.mask.method != "network":
        return None
    from tempfile import NamedTemporaryFile

    from radparity.train.mask_weights import load

    if MASK_WEIGHTS not in files:
        raise BundleError(f"{path}: {SETTINGS} asks for a mask network and {MASK_WEIGHTS} is missing. Ask who made it")
    with NamedTemporaryFile(suffix=".pt") as file:
        file.write(files[MASK_WEIGHTS])
        file.flush()
        try:
            return load(Path(file.name))[0]
        except ValueError as error:
            raise BundleError(f"{path}: {MASK_WEIGHTS}: {error}") from error


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        found = error.errors()[0]
        return f"{': '.join(map(str, found['loc']))}: {found['msg']}"
    return f"{json.dumps(str(error))} is missing"
