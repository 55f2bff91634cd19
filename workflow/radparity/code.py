"""Digests of the code that makes a result, and of the environment that it runs in.

Snakemake does not see edits to imported modules and reruns when a script is merely touched. So each rule carries, in
its params, the digest of its script and of every library module that the script reaches. Comments, docstrings and
layout do not count: the digest is taken over the syntax tree. The environment's is taken over its pins.
"""

from __future__ import annotations

import ast
import hashlib
import json
from functools import cache
from pathlib import Path

import yaml

LIBRARY = Path(__file__).parent
SCRIPTS = LIBRARY.parent / "scripts"


@cache
def digest(script: str) -> str:
    """The first 16 hexadecimal digits of the digest of `workflow/scripts/<script>.py` and all it reaches."""
    start = SCRIPTS / f"{script}.py"
    if not start.is_file():
        raise FileNotFoundError(f"{start}: a rule names this script but it does not exist")
    reached: dict[str, Path] = {}
    waiting = [start]
    while waiting:
        path = waiting.pop()
        key = path.relative_to(LIBRARY.parent).as_posix()
        if key not in reached:
            reached[key] = path
            waiting.extend(_module(path)[1])
    together = "\n".join(f"{key} {_module(path)[0]}" for key, path in sorted(reached.items()))
    return hashlib.sha256(together.encode()).hexdigest()[:16]


@cache
def environment(path: Path) -> str:
    """The first 16 hexadecimal digits of the digest of what an environment file asks for; comments do not count."""
    asked = yaml.safe_load(path.read_text(encoding="utf-8"))["dependencies"]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


@cache
def _module(path: Path) -> tuple[str, tuple[Path, ...]]:
    """Digest of one module without its docstrings, and the library modules that it imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    needed: list[Path] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "radparity":
            needed += [p for name in node.names for p in _files(f"{node.module}.{name.name}")]
        elif isinstance(node, ast.Import):
            needed += [p for name in node.names if name.name.split(".")[0] == "radparity" for p in _files(name.name)]
        body = getattr(node, "body", None)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and body:
            if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
                node.body = body[1:] or [ast.Pass()]
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest(), tuple(dict.fromkeys(needed))


def _files(dotted: str) -> list[Path]:
    """The files that importing a dotted name reads: the module and its packages' __init__."""
    found: list[Path] = []
    folder = LIBRARY.parent
    for part in dotted.split("."):
        if (folder / part / "__init__.py").is_file():
            folder = folder / part
            found.append(folder / "__init__.py")
        elif (folder / f"{part}.py").is_file():
            found.append(folder / f"{part}.py")
            break
        else:
            break
    return found
