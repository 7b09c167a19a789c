"""Each way in which an exception can pass is reported exactly once, with all its fields."""

from __future__ import annotations

import re
from typing import Any

import pytest

from reporting_lab.served import FIREFOX, Site
from reporting_lab.situations import SITUATIONS, Situation

FORWARDED = {
    "X-Request-ID": "req-1",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
}


def new_reports(
    site: Site, path: str, headers: dict[str, str] | None = None
) -> list[dict[str, Any]]:
    before = len(site.reports())
    site.get(path, headers)
    site.get("/plain/fine")  # a worker that has answered this has finished with the other
    return site.reports()[before:]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_is_reported_once_with_all_fields(site: Site, situation: Situation) -> None:
    reports = new_reports(site, situation.path, FORWARDED)
    if not situation.kind:
        assert reports == []
        return
    assert [report["type"] for report in reports] == [situation.kind]
    report = reports[0]
    assert report["message"].startswith(situation.text)
    assert report["raised"]["line"] > 0
    assert report["own"]["file"].endswith(("shop/__init__.py", "shop\\__init__.py"))
    assert report["process"] > 1
    assert re.fullmatch("[0-9a-f]{32}", report["id"])
    if not situation.in_request:
        assert report["path"] == "-"
        assert report.get("logger") == "library" or report["thread"].startswith("Thread-")
        return
    script, _, path = situation.path[1:].partition("/")
    assert report["path"] == f"/{script}/{path}"
    assert report["application"] == f"shop-{script}"
    assert (report["endpoint"] or "-") == situation.endpoint
    assert report["method"] == "GET"
    assert report["client_address"] == "127.0.0.1"
    assert report["user_agent"] == FIREFOX
    assert (report["platform"], report["browser"]) == ("Linux", "Firefox")
    assert report["browser_version"].startswith("128")
    assert report["user_name"] == "ann"
    assert report["request_id"] == "req-1"
    assert report["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert report["status"] == situation.status
    assert 0 <= report["duration"] < 60
