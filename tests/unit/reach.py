"""Which packages a script can come to import, read from the source of the script and of the library.

An import counts where the script can reach it: at the top of a module that it imports, or inside a function or class
that is named by what it runs. Whole modules would be too coarse: a report reads one constant of the registration and
needs none of its engines.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from radparity.code import LIBRARY, SCRIPTS

# What a name stands for: a module, or a name in it.
Target = tuple[str, str | None]


@cache
def third_party(script: str) -> dict[str, str]:
    """`module` or `module:name` -> where it is imported, of all that is not ours, for `workflow/scripts/<script>.py`.

    Python's own modules are among them.
    """
    found: dict[str, str] = {}
    reached: set[Target] = set()
    waiting: list[Target] = [(f"scripts.{script}", None)]
    while waiting:
        module, name = waiting.pop()
        source = _source(module)
        if source is None or (module, name) in reached:
            continue
        reached.add((module, name))
        for node in source.executed if name is None else [source.defined[name]]:
            for imported, part in dict(_bound(node)).values():
                if _ours(imported):
                    waiting += [(package, None) for package in _packages(imported)]
                    waiting.append((f"{imported}.{part}", None))
                else:
                    found[f"{imported}:{part}" if part else imported] = f"{module}.{name}" if name else module
            waiting += _used(source, module, node)
    return found


class _Source:
    """One module: what it defines, what its names stand for, and what runs when it is imported."""

    def __init__(self, path: Path) -> None:
        self.defined: dict[str, ast.AST] = {}
        self.executed: list[ast.AST] = []
        for statement in _statements(ast.parse(path.read_text(encoding="utf-8")).body):
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self.defined[statement.name] = statement
                self.executed += [*statement.decorator_list, *getattr(statement, "bases", [])]
            elif isinstance(statement, ast.Assign | ast.AnnAssign):
                # A table of functions runs none of them, so it counts only where it is named; a call runs at once.
                targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                names = [name for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
                self.defined |= {name.id: statement for name in names}
                self.executed += [node for node in ast.walk(statement) if isinstance(node, ast.Call)]
            else:
                self.executed.append(statement)
        self.names = dict(pair for node in self.executed for pair in _bound(node))


@cache
def _source(dotted: str) -> _Source | None:
    """A module of the library or a script, by its dotted name."""
    if dotted.startswith("scripts."):
        return _Source(SCRIPTS / f"{dotted.split('.')[1]}.py")
    place = LIBRARY.parent.joinpath(*dotted.split("."))
    files = (path for path in (place / "__init__.py", place.with_suffix(".py")) if path.is_file())
    return next((_Source(path) for path in files if _ours(dotted)), None)


def _ours(dotted: str) -> bool:
    return dotted.split(".")[0] == "radparity"


def _packages(dotted: str) -> Iterator[str]:
    """A module and the packages that it lies in; importing it runs them all."""
    parts = dotted.split(".")
    return (".".join(parts[: n + 1]) for n in range(len(parts)))


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """A module's statements, in branches of `if`, `with` and `try` too, but not what only a type checker reads."""
    for statement in body:
        if isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test):
            continue
        inner = [part for part in ("body", "orelse", "finalbody") if getattr(statement, part, None)]
        if not inner or isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield statement
            continue
        yield from (ast.Expr(node) for node in ast.iter_child_nodes(statement) if isinstance(node, ast.expr))
        yield from (ast.Expr(item.context_expr) for item in getattr(statement, "items", []))
        for part in inner:
            yield from _statements(getattr(statement, part))
        for handler in getattr(statement, "handlers", []):
            yield from _statements(handler.body)


def _bound(node: ast.AST) -> Iterator[tuple[str, Target]]:
    """The names that the imports inside a node bind, and what each stands for."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import):
            for alias in inner.names:
                yield alias.asname or alias.name, (alias.name, None)
        elif isinstance(inner, ast.ImportFrom) and inner.module:
            for alias in inner.names:
                yield alias.asname or alias.name, (inner.module, alias.name)


def _used(source: _Source, module: str, node: ast.AST) -> Iterator[Target]:
    """The definitions of ours that a node names."""
    names = source.names | dict(_bound(node))
    attributes = [inner for inner in ast.walk(node) if isinstance(inner, ast.Attribute)]
    owners = {id(inner.value) for inner in attributes}
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and inner.id in source.defined:
            yield module, inner.id
        elif isinstance(inner, ast.Name) and inner.id in names and id(inner) not in owners:
            yield from _meant(*names[inner.id], None)
    for inner in attributes:
        if isinstance(inner.value, ast.Name) and inner.value.id in names:
            yield from _meant(*names[inner.value.id], inner.attr)


def _meant(module: str, name: str | None, attribute: str | None) -> Iterator[Target]:
    """The definition that an imported name stands for; of a module the attribute that is used, or else all of it."""
    inner = _source(f"{module}.{name}" if name else module)
    if inner is not None:
        place = f"{module}.{name}" if name else module
        for wanted in [attribute] if attribute else [*inner.defined, *inner.names]:
            if wanted in inner.defined:
                yield place, wanted
            elif wanted in inner.names:
                yield from _meant(*inner.names[wanted], None)
    elif name is not None and (outer := _source(module)):
        if name in outer.defined:
            yield module, name
        elif name in outer.names:
            yield from _meant(*outer.names[name], attribute)
