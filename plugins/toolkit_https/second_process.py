"""The second verifier in a process of its own, which is ended when its time is over."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from toolkit.text import clean
from toolkit_https.second import Abstained, Opinion, Question, verdict


def ask(question: Question, seconds: float) -> Opinion:
    """Return what the verifier says within `seconds`. Raises Abstained."""
    asked = json.dumps(
        {
            "leaf": _texts([question.leaf]),
            "intermediates": _texts(question.intermediates),
            "anchors": _texts(question.anchors),
            "name": question.name,
            "at": question.at.isoformat(),
            "depth": question.depth,
        }
    )
    command = [sys.executable, "-P", "-m", "toolkit_https.second_process"]
    try:
        done = subprocess.run(
            command, input=asked, capture_output=True, text=True, timeout=seconds, check=True
        )
        answer = json.loads(done.stdout)
        if "abstained" in answer:
            raise Abstained(answer["abstained"])
        return Opinion(answer["refusal"], _certificates(answer["path"]))
    except subprocess.TimeoutExpired as error:
        raise Abstained(f"it gave no verdict within {seconds:g} s") from error
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        reason = clean(str(error), limit=120)
        raise Abstained(f"its process failed: {reason}") from error


def _texts(certificates: Sequence[x509.Certificate]) -> list[str]:
    return [
        base64.b64encode(item.public_bytes(Encoding.DER)).decode("ascii") for item in certificates
    ]


def _certificates(texts: Sequence[str]) -> tuple[x509.Certificate, ...]:
    return tuple(x509.load_der_x509_certificate(base64.b64decode(text)) for text in texts)


def answer(asked: str) -> str:
    """Return the answer to a question, both as JSON: what the process does."""
    found = json.loads(asked)
    question = Question(
        leaf=_certificates(found["leaf"])[0],
        intermediates=_certificates(found["intermediates"]),
        anchors=_certificates(found["anchors"]),
        name=found["name"],
        at=datetime.fromisoformat(found["at"]),
        depth=found["depth"],
    )
    try:
        opinion = verdict(question)
    except Abstained as error:
        return json.dumps({"abstained": str(error)})
    return json.dumps({"refusal": opinion.refusal, "path": _texts(opinion.path)})


if __name__ == "__main__":
    sys.stdout.write(answer(sys.stdin.read()))
