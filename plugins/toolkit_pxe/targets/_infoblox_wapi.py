"""Infoblox's WAPI: objects → the list that one POST to `request` takes.

"request : WAPI handler object" and "Examples using object body requests" of the WAPI documentation
(https://ipam.illinois.edu/wapidoc/). A POST makes an object and fails where there is one; what is
there is found by GET, whose `_ref` becomes the object of a PUT. There is no request for either.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Fields = Mapping[str, Any]
_KEYS: Mapping[str, Sequence[str]] = {
    "dhcpoptiondefinition": ("code", "space"),
    "filteroption": ("name",),
    "network": ("network", "network_view"),
    "range": ("network", "network_view", "start_addr", "end_addr"),
    "fixedaddress": ("ipv4addr", "network_view"),
}
"""What an object is found by."""


def create(objects: Iterable[tuple[str, Fields]], *, fragment: bool) -> Iterator[Fields]:
    """Yield requests that make objects; with `fragment` networks are there, and changed."""
    for kind, fields in objects:
        if fragment and kind == "network":
            yield from _change(kind, fields)
        else:
            yield {"method": "POST", "object": kind, "data": fields}


def change(objects: Iterable[tuple[str, Fields]]) -> Iterator[Fields]:
    """Yield requests that give objects which are there these fields."""
    for kind, fields in objects:
        yield from _change(kind, fields)


def _change(kind: str, fields: Fields) -> Iterator[Fields]:
    key = {name: fields[name] for name in _KEYS[kind]}
    rest = {name: value for name, value in fields.items() if name not in key}
    if not rest:
        return
    yield {"method": "GET", "object": kind, "data": key, "assign_state": {"ref": "_ref"},
           "discard": True}  # fmt: skip
    yield {"method": "PUT", "object": "##STATE:ref:##", "enable_substitution": True,
           "data": rest}  # fmt: skip


def body(head: Sequence[str], requests: Iterable[Fields]) -> str:
    """Return the request's body, an item a line. JSON has no comments: `head` is a state of it."""
    first: Fields = {"method": "STATE:ASSIGN", "data": {"made_by": "; ".join(head)}}
    lines = ",\n".join(json.dumps(item, ensure_ascii=False) for item in (first, *requests))
    return f"[\n{lines}\n]\n"
