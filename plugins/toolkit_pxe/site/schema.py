"""The JSON Schema of the site file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from toolkit.documents import json_schema
from toolkit.documents.schema import DIALECT
from toolkit.output import Look, View
from toolkit.terminal import Line
from toolkit_pxe.site.described import SiteFile

IDENTIFIER = "toolkit.pxe.site/1"


def site_schema() -> Mapping[str, object]:
    """Return the schema of the site file, JSON-ready."""
    head = {"$schema": DIALECT, "$id": IDENTIFIER, "title": "A site of toolkit pxe"}
    plain: Mapping[str, object] = json.loads(json.dumps(head | json_schema(SiteFile), default=vars))
    return plain


def _lines(schemas: Iterable[Mapping[str, object]], _look: Look) -> Iterator[Line]:
    for item in schemas:
        yield from (((line, ""),) for line in json.dumps(item, indent=2).splitlines())


VIEW: View[Mapping[str, object]] = View(
    schema="toolkit.pxe.schema/1", record=dict, lines=_lines, columns=("$id",)
)
