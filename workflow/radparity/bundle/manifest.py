"""The manifest of a bundle: what it is, and the digest of every other file in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from radparity.bundle.archive import BundleError
from radparity.ledger import dump
from radparity.root import root

FORMAT = 1
"""Of the bundle: grows when a bundle says something that older programs would not heed."""
KIND = "radparity weights bundle"
MANIFEST, SETTINGS = "manifest.json", "settings.json"
CARD_TEXT, CARD_PAGE = "model_card.md", "model_card.html"
WEIGHTS, MASK_WEIGHTS = "weights/", "mask/weights.pt"


def sealed(files: Mapping[str, bytes], about: Mapping[str, Any]) -> dict[str, bytes]:
    """The files with their manifest. about: plain facts of who made it: arm, study, versions, code."""
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    facts = {**about, "kind": KIND, "format": FORMAT, "files": digests, "network": network_digest(digests)}
    facts["digest"] = _own(facts)
    return {**files, MANIFEST: dump(facts).encode()}


def network_digest(digests: Mapping[str, str]) -> str:
    """One digest over what computes: weights and settings, whatever the card says of them."""
    return root({name: digest for name, digest in digests.items() if name not in (CARD_TEXT, CARD_PAGE)})


def verified(files: Mapping[str, bytes], name: str) -> dict[str, Any]:
    """The manifest of a bundle's files, each of them as it says. name: of the bundle, for messages.

    Raises BundleError for a newer format, a manifest that was changed, a missing, additional or changed file.
    """
    again = "Fetch the bundle again from who made it"
    try:
        facts: dict[str, Any] = json.loads(files[MANIFEST])
        kind, version, listed = facts["kind"], facts["format"], dict(facts["files"])
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{name} has no {MANIFEST} that can be read ({error!r}). {again}") from error
    if kind != KIND:
        raise BundleError(f"{name} says that it is a {kind}, and not a {KIND}. Name another file")
    if version != FORMAT:
        raise BundleError(
            f"{name} has the format {version}, and this radparity reads format {FORMAT}."
            f" Install the radparity that made it: {facts.get('radparity', 'unknown')}"
        )
    if facts.get("digest") != _own(facts):
        raise BundleError(f"{name}: {MANIFEST} was changed after it was made: its digest is another. {again}")
    held = {each: hashlib.sha256(content).hexdigest() for each, content in files.items() if each != MANIFEST}
    for what, names in (
        ("is missing", listed.keys() - held.keys()),
        ("is no part of the bundle", held.keys() - listed.keys()),
        ("was changed: its digest is not the manifest's", {n for n in held if listed.get(n) != held[n]}),
    ):
        if names:
            raise BundleError(f"{name}: {min(names)} {what}. {again}")
    if facts.get("network") != network_digest(listed):
        raise BundleError(f"{name}: the manifest's digest of the network is not that of its files. {again}")
    return facts


def _own(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(dump({k: v for k, v in facts.items() if k != "digest"}).encode()).hexdigest()
