"""JSON Schema (draft 2020-12) of the dataclasses that documents are bound to."""

from __future__ import annotations

import dataclasses
import types
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from toolkit.documents.binding import Parser

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def json_schema(kind: Any) -> dict[str, object]:
    """Return the schema of `kind`; a field's metadata "doc" is its description."""
    origin = get_origin(kind)
    if origin is Annotated:
        return _annotated(kind)
    if origin in {Union, types.UnionType}:
        return {"anyOf": [json_schema(item) for item in get_args(kind)]}
    if origin is Literal:
        return {"enum": list(get_args(kind))}
    if origin in {list, tuple}:
        return {"type": "array", "items": json_schema(get_args(kind)[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": json_schema(get_args(kind)[1])}
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [item.value for item in kind]}
    if kind is datetime:
        return {"type": "string", "format": "date-time"}
    return {"type": _SCALARS[kind]} if kind in _SCALARS else {}


def _annotated(kind: Any) -> dict[str, object]:
    inner, *extras = get_args(kind)
    parsers = [extra for extra in extras if isinstance(extra, Parser)]
    return dict(parsers[0].schema) if parsers else json_schema(inner)


def _dataclass(kind: Any) -> dict[str, object]:
    hints = get_type_hints(kind, include_extras=True)
    properties = {item.name: _property(item, hints[item.name]) for item in dataclasses.fields(kind)}
    missing = dataclasses.MISSING
    required = [
        item.name
        for item in dataclasses.fields(kind)
        if item.default is missing and item.default_factory is missing
    ]
    schema: dict[str, object] = {
        "type": "object", "properties": properties, "additionalProperties": False,
    }  # fmt: skip
    return {**schema, "required": required} if required else schema


def _property(item: dataclasses.Field[Any], kind: Any) -> dict[str, object]:
    schema = json_schema(kind)
    schema |= {
        name: item.metadata[name] for name in ("minimum", "maximum") if name in item.metadata
    }
    if "doc" in item.metadata:
        schema["description"] = item.metadata["doc"]
    if item.default is not dataclasses.MISSING:
        default = item.default
        schema["default"] = list(default) if isinstance(default, tuple) else default
    return schema
