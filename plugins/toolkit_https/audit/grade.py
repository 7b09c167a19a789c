"""From single trials to a verdict, and the remedy for what was accepted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from toolkit.errors import ExitStatus
from toolkit_https.audit.cases import Case
from toolkit_https.audit.model import Audit, Grade, Outcome, Trial, Verdict

LAX_REMEDIES: Mapping[str, str] = {
    "name": "match names in subjectAltName alone, as RFC 9525 says: in Python by "
    "SSLContext.hostname_checks_common_name = False; else by a newer client",
    "chain": "have paths validated strictly: by VERIFY_X509_STRICT in Python (3.13's default), "
    "X509_V_FLAG_X509_STRICT in OpenSSL",
    "purpose": "have the purpose checked: in GnuTLS by naming GNUTLS_KP_TLS_WWW_SERVER",
    "http": "follow no redirect to http: curl --proto-redir =https, else by looking at each URL",
}
REMEDIES: Mapping[str, str] = {
    "validity": "switch certificate verification on; mend the clock if that is why it is off",
    "name": "have the host name verified too: verifying the chain alone proves nothing about who "
    "answers",
    "trust": "switch verification on, and give the client the authority's certificate (a CA file) "
    "instead of trusting everybody",
    "chain": "use a TLS library that validates paths by RFC 5280, in a current version",
    "purpose": "use a TLS library that checks the purpose (extended key usage), or ask it to",
    "strength": "raise the library's security level, or use a current version",
    "protocol": "set the lowest protocol to TLS 1.2",
    "http": "never go on without TLS: demand STARTTLS, and refuse redirects that leave https",
}


def judged(
    client: str, cases: Sequence[Case], trials: Sequence[Trial], limits: Collection[str] = ()
) -> Audit:
    """Return the audit that these trials make, without what the runner knows of itself.

    `limits` are the lax traps that nothing in this client can be told to refuse.
    """
    outcomes = {trial.case: trial.outcome for trial in trials}
    graded = [
        _within(limits, _graded(case, trial, outcomes))
        for case, trial in zip(cases, trials, strict=True)
    ]
    worst = _worst(graded)
    by_id = {case.id: case for case in cases}
    return Audit(
        client=client,
        command=(),
        version="",
        verdict=_verdict(graded),
        trials=tuple(graded),
        explanation=f"{worst.case}: {by_id[worst.case].danger}" if worst else "",
        remedy=_remedy(worst) if worst else "",
    )


def _remedy(worst: Trial) -> str:
    lax = LAX_REMEDIES if worst.grade is Grade.LAX else {}
    return lax.get(worst.group, REMEDIES[worst.group])


def _graded(case: Case, trial: Trial, outcomes: Mapping[str, Outcome]) -> Trial:
    """Grade an acceptance; a refusal proves nothing where its control is refused as well."""
    if trial.outcome is Outcome.ACCEPTED:
        return replace(trial, grade=case.grade)
    control = outcomes.get(case.control, Outcome.ACCEPTED)
    if case.accept or trial.outcome is not Outcome.REFUSED or control is Outcome.ACCEPTED:
        return trial
    reason = f"it did not accept the sound server ({case.control}) either"
    return replace(trial, outcome=Outcome.NOT_TESTED, reason=reason)


def _within(limits: Collection[str], trial: Trial) -> Trial:
    """Mark what is lax by the client's limits. What is dangerous stays so for everybody."""
    lax = trial.grade is Grade.LAX
    return replace(trial, grade=Grade.LIMIT) if lax and trial.case in limits else trial


def _worst(trials: Sequence[Trial]) -> Trial | None:
    for grade in (Grade.DANGEROUS, Grade.LAX):
        for trial in trials:
            if trial.grade is grade:
                return trial
    return None


def _verdict(trials: Sequence[Trial]) -> Verdict:
    worst = _worst(trials)
    if worst and worst.grade is Grade.DANGEROUS:
        return Verdict.DANGEROUS
    followed = {Outcome.NOT_FOLLOWED}
    controls = [trial.outcome for trial in trials if trial.accept and trial.outcome not in followed]
    if controls and Outcome.ACCEPTED not in controls:
        refused = Outcome.REFUSED in controls
        return Verdict.REFUSES_ALL if refused else Verdict.NOT_TESTED
    if not any(trial.right for trial in trials):
        return Verdict.LAX if worst else Verdict.NOT_TESTED
    return Verdict.LAX if worst else Verdict.VERIFIES


def status_of(audits: Sequence[Audit], fail_on: str = "dangerous") -> ExitStatus:
    """Return 1 for a dangerous client (or a lax one, if asked), else 4 for unknowns, else 0.

    An absent client is no fault; if none is there at all, nothing was checked.
    """
    present = [found for found in audits if found.verdict is not Verdict.ABSENT]
    faults = {Verdict.DANGEROUS} | ({Verdict.LAX} if fail_on == str(Grade.LAX) else set())
    if any(found.verdict in faults for found in present):
        return ExitStatus.NOT_OK
    vague = {Verdict.REFUSES_ALL, Verdict.NOT_TESTED}
    unknown = any(found.verdict in vague or found.unknown for found in present)
    return ExitStatus.UNCHECKED if unknown or not present else ExitStatus.OK
