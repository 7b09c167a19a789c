"""Print how many path validation cases each verifier, and `--policy strict`, judges right.

    X509_LIMBO=limbo-cases.json.xz python tests/benchmarks/path_validation.py [--wrong]

The cases are those of C2SP/x509-limbo, with BetterTLS among them. `--wrong` lists each case that
strict judges wrong, and whose false refusal or acceptance it is.
"""

from __future__ import annotations

import json
import lzma
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509

from toolkit_https import policy
from toolkit_https.offline import Judged, judge
from toolkit_https.second import Question

MEMBERS = ("own", "bettertls")


@dataclass(frozen=True, slots=True)
class Scored:
    """One case judged."""

    case: str
    expected: bool
    judged: Judged | None
    seconds: float

    @property
    def strict(self) -> bool:
        """What strict says; a certificate that can't be parsed is refused."""
        return self.judged is not None and self.judged.strictly_accepted


def applicable(case: Mapping[str, Any]) -> bool:
    """Tell whether a case asks what we answer: a TLS server of a given name."""
    usages = [usage for usage in case["extended_key_usage"] if usage != "serverAuth"]
    named = case["expected_peer_name"] and case["validation_kind"] == "SERVER"
    return bool(named) and not case["signature_algorithms"] and not usages


def score(case: Mapping[str, Any]) -> Scored:
    """Judge one case."""
    started = time.monotonic()
    try:
        judged: Judged | None = judge(
            question(case),
            flags=policy.LAX | policy.STRICT,
            crls=[crl.encode() for crl in case["crls"]],
        )
    except ValueError:
        judged = None
    expected = case["expected_result"] == "SUCCESS"
    return Scored(case["id"], expected, judged, time.monotonic() - started)


def question(case: Mapping[str, Any]) -> Question:
    """Return a case as a question. Raises ValueError for a certificate that can't be parsed."""
    at = case["validation_time"]
    return Question(
        leaf=x509.load_pem_x509_certificate(case["peer_certificate"].encode()),
        intermediates=_all(case["untrusted_intermediates"]),
        anchors=_all(case["trusted_certs"]),
        name=case["expected_peer_name"]["value"],
        at=datetime.fromisoformat(at) if at else datetime.now(UTC),
        depth=case["max_chain_depth"],
    )


def _all(pems: Iterable[str]) -> tuple[x509.Certificate, ...]:
    return tuple(x509.load_pem_x509_certificate(pem.encode()) for pem in pems)


def opinions(scored: Scored) -> Iterator[tuple[str, bool]]:
    """Yield (who, accepted)."""
    judged = scored.judged
    yield "OpenSSL", judged is not None and judged.accepted
    yield "cryptography", judged is not None and judged.other == ""
    yield "strict", scored.strict


def main() -> None:
    """Score all cases and print a table."""
    source = os.environ.get("X509_LIMBO")
    if not source:
        sys.exit("set X509_LIMBO to the file of cases (xz): see the head of this file")
    cases = json.loads(lzma.decompress(Path(source).read_bytes()))["testcases"]
    scored = [score(case) for case in cases if applicable(case)]
    totals: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for item in scored:
        member = MEMBERS["bettertls" in item.case]
        for who, accepted in opinions(item):
            totals[member, who].append(accepted == item.expected)
    for (member, who), right in sorted(totals.items()):
        share = 100 * sum(right) / len(right)
        print(f"{member:10} {who:14} {sum(right):5} of {len(right):5} right {share:6.1f} %")
    slowest = max(scored, key=lambda item: item.seconds)
    print(f"slowest: {slowest.seconds:.2f} s ({slowest.case})")
    wrong = [item for item in scored if item.strict != item.expected]
    too_lax = sum(item.strict for item in wrong)
    print(f"strict is wrong on {len(wrong)}: {too_lax} accepted, {len(wrong) - too_lax} refused")
    if "--wrong" in sys.argv:
        for item in wrong:
            print(f"  {'accepts' if item.strict else 'refuses'} {item.case}: {_why(item)}")


def _why(item: Scored) -> str:
    if item.judged is None:
        return "a certificate can't be parsed"
    rules = {breach.rule for breach in item.judged.breaches}
    return f"OpenSSL {item.judged.openssl!r}, cryptography {item.judged.other!r}, rules {rules}"


if __name__ == "__main__":
    main()
