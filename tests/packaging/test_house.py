"""The rules of the house that a reader of one file cannot see."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "toolkit"
PLUGINS = sorted(path for path in (ROOT / "plugins").iterdir() if (path / "__init__.py").exists())
MODULES = sorted([*CORE.rglob("*.py"), *(ROOT / "plugins").rglob("*.py")])
TLS = {"OpenSSL", "certifi", "cryptography", "ssl", "truststore"}
LONGEST_FUNCTION = 60


def imported(path: Path) -> set[str]:
    """Return the top-level names of all that a module imports, at its head or inside."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("module", sorted(CORE.rglob("*.py")), ids=name)
def test_the_core_imports_no_plugin_and_no_tls(module: Path) -> None:
    assert imported(module) & ({plugin.name for plugin in PLUGINS} | TLS) == set()


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_no_plugin_imports_another(plugin: Path) -> None:
    others = {other.name for other in PLUGINS} - {plugin.name}
    for module in plugin.rglob("*.py"):
        assert imported(module) & others == set(), name(module)


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_no_function_is_longer_than_a_screen(module: Path) -> None:
    functions = [
        node
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    long = [f.name for f in functions if (f.end_lineno or 0) - f.lineno >= LONGEST_FUNCTION]
    assert long == []


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_every_module_postpones_its_annotations(module: Path) -> None:
    text = module.read_text()
    assert "from __future__ import annotations" in text or "def " not in text
