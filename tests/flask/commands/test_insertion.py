"""The two lines go in by position and come out to the byte, whatever the file looks like."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.errors import UsageError
from toolkit_flask.constructors import survey
from toolkit_flask.insertion import (
    Neighbourhood,
    import_line,
    neighbourhood,
    present,
    put_in,
    take_out,
)
from toolkit_flask.source import parse

PATH = Path("app.py")
IMPORT = "from error_reporting import init_app as init_error_reporting"


def inserted(raw: bytes, folder: Path) -> bytes:
    (folder / "app.py").write_bytes(raw)
    found = survey(folder)
    source = found.sources["app.py"]
    return put_in(source, found.constructors, import_line(source, Neighbourhood("", frozenset())))


def removed(raw: bytes) -> bytes:
    return take_out(parse(PATH, raw), ())


SHAPES = {
    name: text if isinstance(text, bytes) else str(text).replace("|", "\n").encode()
    for name, text in {
        "global": "from flask import Flask|app = Flask(__name__)|",
        "factory": "from flask import Flask||def create_app():|    app = Flask('a')|"
        "    return app|",
        "tabs": "import flask|def make():|\tapp = flask.Flask(__name__)|\treturn app|",
        "crlf": b"from flask import Flask\r\napp = Flask(__name__)\r\n",
        "cr": b"from flask import Flask\rapp = Flask(__name__)\r",
        "no final line end": "from flask import Flask|app = Flask(__name__)",
        "crlf, no final line end": b"from flask import Flask\r\napp = Flask(__name__)",
        "byte-order mark": "\ufefffrom flask import Flask|app = Flask(__name__)|",
        "latin-1": b"# -*- coding: latin-1 -*-\nfrom flask import Flask\nt = '\xe9'; u = '\xe9'\n"
                   b"app = Flask('\xe9')  # \xe9\n",
        "form feed": "from flask import Flask|\x0c|app = Flask(__name__)|",
        "line separator": "from flask import Flask|x = '\u2028'|app = Flask('\x0b')|",
        "many lines": "from flask import Flask|app = Flask(|    __name__,|)  # the app|x = 1|",
        "annotated": "from flask import Flask|app: Flask = Flask(__name__)|",
        "chained": "from flask import Flask|application = app = Flask(__name__)|",
        "attribute": "import flask|class S:|    def __init__(self):|"
                     "        self.app = flask.Flask('s')|",
        "renamed": "from flask import Flask as F|app = F(__name__)|",
        "branches": "from flask import Flask|if 1:|    app = Flask('a')|"
        "else:|    app = Flask('b')|",
        "try": "from flask import Flask|try:|    app = Flask('a')|except OSError:|    raise|",
        "docstring and future": "'Doc.'|from __future__ import annotations|from flask import Flask|"
                                "app = Flask('a')|",
        "imports in the function": "#!/usr/bin/python3|# coding: utf-8|def make():|"
                                   "    from flask import Flask|    app = Flask('a')|"
        "    return app|",
        "subclass": "from flask import Flask|class Mine(Flask):|    pass|app = Mine(__name__)|",
        "two imports in a line": "import os; import sys|from flask import Flask|app = Flask('a')|",
        "semicolon at its end": "from flask import Flask|app = Flask('a');|",
    }.items()
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_insertion_adds_lines_only_and_removal_restores_every_byte(
    shape: str, tmp_path: Path
) -> None:
    raw = SHAPES[shape]
    after = inserted(raw, tmp_path)
    found = present(parse(PATH, after).tree)
    assert len(found.imports) == 1
    assert len(found.calls) == (2 if shape == "branches" else 1)
    kept = [line for line in after.split() if b"error_reporting" not in line]
    assert [word for word in raw.split() if word not in kept] == []
    assert removed(after) == raw


def test_a_factory_gets_the_import_on_top_and_the_call_before_its_return(tmp_path: Path) -> None:
    assert inserted(SHAPES["factory"], tmp_path).decode() == (
        f"from flask import Flask\n{IMPORT}\n\ndef create_app():\n    app = Flask('a')\n"
        "    init_error_reporting(app)\n    return app\n"
    )


def test_a_file_with_crlf_gets_crlf_and_no_other_line_end(tmp_path: Path) -> None:
    after = inserted(SHAPES["crlf"], tmp_path)
    assert after.count(b"\n") == after.count(b"\r\n") == 4


def test_a_byte_order_mark_stays_the_first_bytes_alone(tmp_path: Path) -> None:
    raw = "\ufeffx = 1\nfrom flask import Flask\nb = Flask('b')\n".encode()
    after = inserted(raw, tmp_path)
    assert after.startswith(b"\xef\xbb\xbf")
    assert after.count(b"\xef\xbb\xbf") == 1
    assert removed(after) == raw


@given(
    end=st.sampled_from([b"\n", b"\r\n", b"\r"]),
    indent=st.sampled_from([b"    ", b"\t", b"  ", b" \t"]),
    final=st.booleans(),
    mark=st.sampled_from([b"", b"\xef\xbb\xbf"]),
    before=st.lists(st.sampled_from([b"import os", b"", b"# note", b"x = 1", b"'t'"]), max_size=4),
    after=st.lists(st.sampled_from([b"", b"# note", b"y = app"]), max_size=3),
)  # fmt: skip
def test_any_layout_is_restored(
    end: bytes, indent: bytes, final: bool, mark: bytes, before: list[bytes], after: list[bytes],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    body = [indent + line for line in (b"app = Flask('a')", *(line for line in after if line))]
    lines = [*before, b"from flask import Flask", b"def make():", *body]
    raw = mark + end.join(lines) + (end if final else b"")
    changed = inserted(raw, tmp_path_factory.mktemp("layout"))
    assert changed != raw
    assert removed(changed) == raw


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("from flask import Flask\ndef make():\n    return Flask('a')\n", "not assigned to a name"),
        ("from flask import Flask\nx = 1; app = Flask('a')\n", "shares its line"),
        ("from flask import Flask\napp = Flask('a'); x = 1\n", "shares its line"),
        ("from flask import Flask\nif 1: app = Flask('a')\n", "shares its line"),
        ("from flask import Flask\napp = wrap(Flask('a'))\n", "not assigned to a name"),
        ("from flask import Flask\na\u00fcp = Flask('a')\n", "not ASCII"),
    ],
)
def test_where_no_line_can_be_put_it_says_why(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words):
        inserted(text.encode(), tmp_path)


def test_removal_refuses_a_line_that_holds_other_statements() -> None:
    raw = f"from flask import Flask\n{IMPORT}\napp = Flask('a')\ninit_error_reporting(app); x = 1\n"
    with pytest.raises(UsageError, match="holds other statements"):
        removed(raw.encode())


def test_removal_refuses_to_leave_an_empty_block() -> None:
    raw = f"{IMPORT}\nif 1:\n    init_error_reporting(app)\n"
    with pytest.raises(UsageError, match="compile"):
        removed(raw.encode())


def test_removal_finds_the_lines_where_the_user_moved_them() -> None:
    raw = f"import os\ndef late(a):\n    {IMPORT}\n    init_error_reporting(a)\n    return a\n"
    assert removed(raw.encode()) == b"import os\ndef late(a):\n    return a\n"


@pytest.mark.parametrize(
    ("text", "package", "prefix"),
    [
        ("from flask import Flask\n", "shop", "."),
        ("from flask import Flask\n", "", ""),
        ("from . import models\n", "shop", "."),
        ("from shop.models import User\n", "shop", "shop."),
        ("import shop.web.models\n", "shop.web", "shop.web."),
        ("from shop.models import User\nfrom . import models\n", "shop", "."),
        ("import models\n", "shop", ""),
        ("from .utilities import x\n", "", "."),
    ],
)
def test_the_import_is_as_the_module_imports_its_neighbours(
    text: str, package: str, prefix: str
) -> None:
    near = Neighbourhood(package, frozenset({"__init__", "models"}))
    line = import_line(parse(PATH, text.encode()), near)
    assert line == f"from {prefix}error_reporting import init_app as init_error_reporting"


def test_the_package_of_a_folder_reaches_up_to_the_last_init(tmp_path: Path) -> None:
    web = tmp_path / "shop" / "web"
    web.mkdir(parents=True)
    for folder in (web, web.parent):
        (folder / "__init__.py").touch()
    assert neighbourhood(web) == Neighbourhood("shop.web", frozenset({"__init__"}))
