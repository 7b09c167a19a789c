"""One name, several addresses: and whether all of them present the same certificate."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from toolkit.errors import ToolkitError
from toolkit.text import clean
from toolkit_https.model import Result
from toolkit_https.registry import by_severity, finding
from toolkit_https.targets import Target

Key: TypeAlias = tuple[str, int]
"""Name and port: whoever answers there should have the same certificate."""


@dataclass(slots=True)
class _Group:
    """The results of one name and port; all are compared with the first that has a certificate.

    First by `order` (targets as typed), not by arrival: so each run tells the same. What comes
    before that one is known waits for it.
    """

    order: deque[str] = field(default_factory=deque)
    waiting: dict[str, Result] = field(default_factory=dict)
    first: tuple[str, str] | None = None
    """Where it is, and its SHA-256."""

    def take(self, result: Result) -> Iterator[Result]:
        """Yield what can be told now that `result` is there."""
        self.waiting[result.target] = result
        while self.first is None and self.order and self.order[0] in self.waiting:
            head = self.waiting.pop(self.order.popleft())
            if head.chain:
                self.first = (_place(head), head.chain[0].sha256)
            yield head
        if self.first is not None:
            yield from self.leave()

    def leave(self) -> Iterator[Result]:
        """Yield what waits."""
        for result in self.waiting.values():
            yield self._told(result)
        self.waiting.clear()

    def _told(self, result: Result) -> Result:
        if self.first is None or not result.chain or result.chain[0].sha256 == self.first[1]:
            return result
        message = (
            f"{clean(_place(result))} presents another certificate for {clean(result.name)} "
            f"than {clean(self.first[0])}."
        )
        found = by_severity([*result.findings, finding("addresses-differ", message)])
        return replace(result, findings=found)


def _place(result: Result) -> str:
    """Behind a proxy no address is known: the target names it."""
    return result.address or result.target


def compared(results: Iterable[Result], targets: Sequence[Target]) -> Iterator[Result]:
    """Yield `results`, with a finding where a name and port showed another certificate before.

    A result waits for at most those of its own name; where the results break off (ToolkitError),
    none is lost.
    """
    count = Counter((target.name, target.port) for target in targets)
    groups: dict[Key, _Group] = {key: _Group() for key, number in count.items() if number > 1}
    for target in targets:
        if group := groups.get((target.name, target.port)):
            group.order.append(target.text)
    try:
        for result in results:
            found = groups.get((result.name, result.port))
            yield from (result,) if found is None else found.take(result)
    except ToolkitError:
        for group in groups.values():
            yield from group.leave()
        raise
