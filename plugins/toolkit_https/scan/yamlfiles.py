"""YAML read for the commands of CI systems, and for settings that switch verification off.

GitHub Actions, GitLab CI, CircleCI, Azure Pipelines, Travis, Compose, Ansible: what they run is
under a few names, and nothing else of them is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from toolkit_https.scan import shell
from toolkit_https.scan.model import Hit, words_of
from toolkit_https.scan.reading import UnreadableError
from toolkit_https.scan.variables import VARIABLES, switched_off

RUNNING = words_of(
    "run script before_script after_script install before_install before_deploy after_success "
    "command commands cmd shell bash entrypoint args raw environment env test inlineScript"
)
"""Keys whose text is a command, or a list of them."""
SETTINGS: Mapping[str, tuple[frozenset[str], str]] = {
    "validate_certs": (frozenset({"no", "false", "off"}), "true, and ca_path: FILE"),
    "sslverify": (frozenset({"no", "false", "off", "0"}), "true, and sslcacert: FILE"),
    "insecure_skip_verify": (frozenset({"true", "yes", "on"}), "false, and ca_file: FILE"),
    "insecureSkipVerify": (frozenset({"true"}), "false, and the authority's certificate"),
    "insecureSkipTLSVerify": (frozenset({"true"}), "false, and caBundle"),
    "insecure-skip-tls-verify": (frozenset({"true"}), "false, and certificate-authority"),
    "tlsSkipVerify": (frozenset({"true"}), "false, and tlsAuthWithCACert"),
}
"""Ansible, Prometheus, Traefik, Kubernetes, Grafana: key → values that switch it off, remedy."""


def hits(text: str) -> list[Hit]:
    """Return what is found in a stream of YAML. Raises UnreadableError for what is none."""
    lines = text.split("\n")
    try:
        documents = list(YAML(typ="safe", pure=True).compose_all(text))
    except (YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}: " if mark else ""
        raise UnreadableError(f"{place}not YAML") from error
    return [hit for document in documents if document for hit in _of(document, lines)]


def _of(document: Node, lines: list[str]) -> Iterator[Hit]:
    seen: set[int] = set()
    waiting: list[tuple[Node, str]] = [(document, "")]
    while waiting:
        node, key = waiting.pop()
        if id(node) in seen:
            continue  # an alias
        seen.add(id(node))
        if isinstance(node, MappingNode):
            for name, value in node.value:
                yield from _entry(str(name.value), value)
                waiting.append((value, str(name.value)))
        elif isinstance(node, SequenceNode):
            waiting += [(child, key) for child in node.value]
        elif isinstance(node, ScalarNode) and key in RUNNING:
            yield from _command(node, lines)


def _entry(name: str, value: Node) -> Iterator[Hit]:
    if not isinstance(value, ScalarNode):
        return
    text, line, column = str(value.value), value.start_mark.line + 1, value.start_mark.column + 1
    if switched_off(name, text):
        shown = text or "''"
        yield Hit("environment-off", line, column, f"{name}: {shown}", VARIABLES[name].remedy)
    elif name in SETTINGS and text.lower() in SETTINGS[name][0]:
        yield Hit("verification-off", line, column, f"{name}: {text}", SETTINGS[name][1])


def _command(node: ScalarNode, lines: list[str]) -> Iterator[Hit]:
    """Read a scalar as shell, with the places of the file."""
    first, last = node.start_mark.line, node.end_mark.line
    if node.style in {"|", ">"}:
        body = lines[first + 1 : last]
        text = (" \\\n" if node.style == ">" else "\n").join(body)
        yield from (replace(hit, line=hit.line + first + 1, end_line=hit.end_line + first + 1)
                    for hit in shell.hits(text))  # fmt: skip
        return
    column = node.start_mark.column + (1 if node.style else 0)
    for hit in shell.hits(str(node.value)):
        line = min(first + hit.line, last + 1)
        at = hit.column + column if hit.line == 1 else 1
        width = max(hit.end_column - hit.column, 0)
        yield replace(hit, line=line, end_line=line, column=at, end_column=at + width)
