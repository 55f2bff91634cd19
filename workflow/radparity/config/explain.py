"""What is wrong with a configuration file: one sentence and one line to write, for one fault."""

from __future__ import annotations

import difflib
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from radparity.config.section import ConfigError

Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], raw: dict[str, Any], source: str) -> Model:
    """A parsed configuration file as its model.

    Raises ConfigError with one paragraph a fault: where it is, what is wrong, and the line to write instead.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        faults = "\n".join(f"  {explain(model, fault)}" for fault in error.errors())
        raise ConfigError(f"{source} cannot be used:\n{faults}") from None


def explain(model: type[BaseModel], fault: Any) -> str:
    """One sentence and one line to write, for one fault."""
    location = tuple(fault["loc"])
    where = ": ".join(str(part) for part in location) or "the file"
    kind, key = fault["type"], str(location[-1]) if location else ""
    if kind == "extra_forbidden":
        known = list(_fields(model, location))
        close = difflib.get_close_matches(key, known, n=1)
        mend = f"Write instead: {close[0]}: {fault['input']}" if close else f"Known keys here: {', '.join(known)}"
        return f"{where} is not a key of the configuration. {mend}"
    if kind == "missing":
        return f"{where} is missing. Add a line: {key}: ..."
    message = fault["msg"].removeprefix("Value error, ")
    if kind == "literal_error":
        options = fault["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        close = difflib.get_close_matches(str(fault["input"]), options, n=1)
        line = f"{key}: {(close or options)[0]}   # {', '.join(options)}"
        return f"{where}: {fault['input']!r} is not offered. Write instead: {line}"
    if kind == "value_error":
        return f"{where}: {message}"
    return f"{where}: {fault['input']!r} cannot be used here: {message}"


def _fields(model: type[BaseModel], location: tuple[Any, ...]) -> dict[str, Any]:
    """The fields of the block that a location lies in, to name the nearest known key."""
    here: type[BaseModel] | None = model
    for part in location[:-1]:
        if here is None:
            return {}
        known = {field.alias or name: field for name, field in here.model_fields.items()}
        if part in known:
            here = _model_in(known[part].annotation)
    return {} if here is None else {field.alias or name: field for name, field in here.model_fields.items()}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The last block named in a type, as Arm in dict[str, Arm]."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = [inner for inner in map(_model_in, get_args(annotation)) if inner]
    return found[-1] if found else None
