"""Whether and how to fetch what certificates name; the fetching itself is in `fetch`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from toolkit_https.connect import Resolve

if TYPE_CHECKING:
    from toolkit_https.fetch import Fetcher


@dataclass(frozen=True, slots=True)
class Fetching:
    """How things are fetched in a run: the name lookup, and the proxies as requests reads them.

    `proxy` is an explicit one, None to go by the environment.
    """

    lookup: Resolve
    environ: Mapping[str, str] = field(default_factory=dict)
    proxy: str | None = None

    def fetcher(self, address: str, seconds: float) -> Fetcher:
        """Return what fetches for the server at `address` (a name: unknown), within `seconds`."""
        from toolkit_https.fetch import make_fetcher  # http.client is for few checks only

        return make_fetcher(self, address, seconds)
