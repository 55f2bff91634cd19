"""Ask the public validator about a crate; run by the validator's own Python, see crates.py.

python check_crate.py FOLDER LEVEL [METADATA ALONE]    prints JSON: whether it passed, and what it said
"""

import json
import sys
from io import BytesIO
from pathlib import Path

import requests
import rocrate
from requests.adapters import BaseAdapter
from rocrate_validator import models, services

CONTEXT = "https://w3id.org/ro/crate/1.1/context"


class Shipped(BaseAdapter):
    """Answers with the context that lies in the package, so that the check needs no network."""

    def send(self, request, **_):
        if not request.url.startswith(CONTEXT):
            raise requests.ConnectionError(f"the check needs no network, and asked for {request.url}")
        answer = requests.Response()
        answer.status_code, answer.url, answer.request = 200, request.url, request
        answer.headers["Content-Type"] = "application/ld+json"
        answer.raw = BytesIO((Path(rocrate.__file__).parent / "data/ro-crate.jsonld").read_bytes())
        return answer

    def close(self):
        pass


requests.Session.get_adapter = lambda self, url: Shipped()
folder, level, *alone = sys.argv[1:]
found = services.validate(
    services.ValidationSettings(
        rocrate_uri=folder,
        profile_identifier="provenance-run-crate-0.5",
        requirement_severity=models.Severity[level],
        metadata_only=bool(alone),
        no_cache=True,
    )
)
issues = sorted((i.check.identifier, str(i.violatingEntity), str(i.message)) for i in found.get_issues())
print(json.dumps({"passed": found.passed(), "issues": issues}))
