"""Where applications are constructed, found without running anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolkit.errors import UsageError
from toolkit_flask.constructors import survey
from toolkit_flask.hazards import hazards
from toolkit_flask.into import choose, plan


def tree(folder: Path, **files: str) -> Path:
    """Write `a__b` to a/b.py."""
    for name, text in files.items():
        path = folder / (name.replace("__", "/").replace("INIT", "__init__") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def labels(folder: Path) -> list[str]:
    return [item.label for item in survey(folder).constructors]


def test_a_subclass_in_another_module_is_followed(tmp_path: Path) -> None:
    tree(
        tmp_path,
        shop__INIT="",
        shop__core="from flask import Flask\nclass Base(Flask): pass\n",
        shop__more="from .core import Base as B\nclass Shop(B): pass\n",
        shop__web="from shop.more import Shop\ndef make():\n    shop = Shop('s')\n",
    )
    assert labels(tmp_path) == ["shop/web.py:make.shop"]


def test_a_src_layout_imports_its_own_package_by_name(tmp_path: Path) -> None:
    tree(
        tmp_path,
        src__shop__INIT="",
        src__shop__core="import flask\nclass Shop(flask.Flask): pass\n",
        src__shop__web="import shop.core\napp = shop.core.Shop('s')\n",
    )
    assert labels(tmp_path) == ["src/shop/web.py:app"]


def test_a_subclass_that_nothing_here_constructs_is_met_in_its_init(tmp_path: Path) -> None:
    text = (
        "import flask\nclass Grip(flask.Flask):\n    def __init__(self):\n"
        "        super(Grip, self).__init__(\n            'grip')\n        self.x = 1\n"
        "def make(kind=None):\n    return (kind or Grip)()\n"
    )
    tree(tmp_path, app=text)
    assert labels(tmp_path) == ["app.py:Grip.__init__.self"]
    change = next(item for item in plan(tmp_path, []).changes if item.path == "app.py")
    assert change.after is not None
    assert b"'grip')\n        init_error_reporting(self)\n        self.x = 1" in change.after


def test_known_descendants_of_flask_count(tmp_path: Path) -> None:
    tree(tmp_path, api="from apiflask import APIFlask\napp = APIFlask('a')\n")
    assert labels(tmp_path) == ["api.py:app"]


def test_another_class_of_that_name_does_not_count(tmp_path: Path) -> None:
    tree(tmp_path, bottle="from kitchen import Flask\napp = Flask('a')\nclass Flask: pass\n")
    assert labels(tmp_path) == []


def test_nothing_is_executed(tmp_path: Path) -> None:
    tree(tmp_path, app="raise SystemExit\nfrom flask import Flask\napp = Flask('a')\n")
    assert labels(tmp_path) == ["app.py:app"]


def test_virtual_environments_and_hidden_folders_are_passed_by(tmp_path: Path) -> None:
    text = "from flask import Flask\napp = Flask('a')\n"
    tree(tmp_path, app=text, env__lib__x=text, node_modules__y=text)
    (tmp_path / "env" / "pyvenv.cfg").touch()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "z.py").write_text(text)
    assert labels(tmp_path) == ["app.py:app"]


def test_a_module_of_another_python_is_passed_by_and_named(tmp_path: Path) -> None:
    tree(
        tmp_path, old="import flask\nprint 'python 2'\n", app="import flask\na = flask.Flask('')\n"
    )
    found = survey(tmp_path)
    assert [item.label for item in found.constructors] == ["app.py:a"]
    assert [(item.path, item.line) for item in found.unread] == [("old.py", 2)]


def test_tests_and_examples_are_left_out_where_there_is_another(tmp_path: Path) -> None:
    text = "from flask import Flask\napp = Flask('a')\n"
    tree(tmp_path, app=text, tests__conftest=text, examples__hello=text)
    chosen, left_out = choose(survey(tmp_path), [], tmp_path)
    assert [item.path for item in chosen] == ["app.py"]
    assert len(left_out) == 2


SEVERAL = (
    "from flask import Flask\ndef admin():\n    app = Flask('a')\n"
    "def shop():\n    app = Flask('b')\n"
)


def test_several_applications_are_listed_and_none_is_guessed(tmp_path: Path) -> None:
    tree(tmp_path, app=SEVERAL)
    with pytest.raises(UsageError, match="several applications") as caught:
        choose(survey(tmp_path), [], tmp_path)
    assert "--app app.py:admin.app  (line 3: Flask)" in caught.value.hint
    assert "--app app.py:shop.app  (line 5: Flask)" in caught.value.hint


@pytest.mark.parametrize("wanted", ["app.py:shop.app", "app.py:shop", "app.py:5", "shop"])
def test_one_is_chosen_by_its_name_function_or_line(wanted: str, tmp_path: Path) -> None:
    tree(tmp_path, app=SEVERAL)
    chosen, _ = choose(survey(tmp_path), [wanted], tmp_path)
    assert [item.line for item in chosen] == [5]


@pytest.mark.parametrize("wanted", ["app.py:app", "app.py:basket", "other.py:shop"])
def test_a_name_that_is_not_one_applications_is_refused(wanted: str, tmp_path: Path) -> None:
    tree(tmp_path, app=SEVERAL)
    with pytest.raises(UsageError, match="names no one application"):
        choose(survey(tmp_path), [wanted], tmp_path)


def test_both_branches_that_make_one_application_get_the_call(tmp_path: Path) -> None:
    tree(
        tmp_path,
        app="from flask import Flask\nif 1:\n    a = Flask('a')\nelse:\n    a = Flask('b')\n",
    )
    made = plan(tmp_path, [])
    change = next(item for item in made.changes if item.path == "app.py")
    assert change.after is not None
    assert change.after.count(b"init_error_reporting(a)") == 2


def test_a_folder_without_an_application_says_so(tmp_path: Path) -> None:
    tree(tmp_path, app="x = 1\n")
    with pytest.raises(UsageError, match="no Flask application is constructed here"):
        plan(tmp_path, [])


def test_an_error_reporting_of_somebody_else_is_a_collision(tmp_path: Path) -> None:
    tree(
        tmp_path,
        app="from flask import Flask\napp = Flask('a')\n",
        error_reporting__INIT="mine = True\n",
    )
    changes = plan(tmp_path, []).changes
    assert [item.path for item in changes if item.action == "collision"] == [
        "error_reporting/__init__.py"
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("h = logging.handlers.SMTPHandler('h', 'a', 'b', 's')", "mailed twice"),
        ("h = RotatingFileHandler('x')", "loses lines"),
        ("c = {'class': 'logging.handlers.SMTPHandler'}", "mailed twice"),
        ("@app.errorhandler(Exception)\ndef every(e): return 'x'", "answers every exception"),
        ("try:\n    f()\nexcept Exception:\n    pass", "swallows every exception"),
        ("try:\n    f()\nexcept:\n    ...", "swallows every exception"),
    ],
)
def test_what_will_surprise_is_warned_of(text: str, words: str, tmp_path: Path) -> None:
    tree(tmp_path, app=f"import flask\n{text}\n")
    (found,) = hazards(survey(tmp_path).sources)
    assert words in found.message


@pytest.mark.parametrize(
    "text",
    ["try:\n    f()\nexcept KeyError:\n    pass", "try:\n    f()\nexcept Exception:\n    g()"],
)
def test_what_is_handled_on_purpose_is_not_warned_of(text: str, tmp_path: Path) -> None:
    tree(tmp_path, app=f"import flask\n{text}\n")
    assert hazards(survey(tmp_path).sources) == []
