"""Small applications, put into a user's home."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.testing import Home, Run

Application = Callable[..., Path]


@pytest.fixture
def application(toolkit_home: Home, toolkit_run: Run) -> Application:
    """A function that writes app.py (and other files) and puts error reporting into it."""

    def make(text: str, *, put_in: bool = True, **files: str) -> Path:
        toolkit_home.write("existing/app.py", text)
        for name, content in files.items():
            toolkit_home.write(f"existing/{name}.py", content)
        if put_in:
            ended = toolkit_run("flask", "scaffold", "--into", "existing", "--apply")
            assert ended.status == 0, ended.stderr
        return toolkit_home.folder / "existing"

    return make
