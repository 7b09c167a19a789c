"""Does a client verify? Real runs of it against trap servers, and what each acceptance means.

    with prepared(environ) as ground:
        found = audit(Way("mine", ("mycommand", "{url}", "{ca}")), ground)

*Accepted* means that the laboratory decrypted the client's application data. A client that made no
connection was not tested, never refused.
"""

from __future__ import annotations

from toolkit_https.audit.cases import CASES, Case
from toolkit_https.audit.ground import Ground, prepared
from toolkit_https.audit.model import Audit, Grade, Outcome, Trial, Verdict
from toolkit_https.audit.run import audit
from toolkit_https.clients import Way

__all__ = [
           "CASES",
           "Audit",
           "Case",
           "Grade",
           "Ground",
           "Outcome",
           "Trial",
           "Verdict",
           "Way",
           "audit",
           "prepared",
]  # fmt: skip
