"""Host lists: the plain way and the careful way agree, whatever the list."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.documents import DocumentError
from toolkit_pxe.site import lists
from toolkit_pxe.site.faults import Faults
from toolkit_pxe.site.hosts import Hosts, Lookup
from toolkit_pxe.site.lists import read_list
from toolkit_pxe.site.model import Reservation, Subnet
from toolkit_pxe.site.resolve import load_site

SITE = """\
name: campus
boot_servers: {tftp: 10.77.0.9}
subnets:
- {subnet: 10.77.0.0/24, pools: [10.77.0.100-10.77.0.199]}
- {subnet: 10.78.0.0/16}
- {subnet: '2001:db8::/64'}
targets: {p: {kind: pxelinux, file: pxelinux.0}}
profiles: {standard: {default: p}}
groups: [lab]
"""
MAC = "52:54:00:00:00:01"
HOST = '{"name": "a", "mac": "52:54:00:00:00:01", "address": "10.77.0.1", "group": "lab"}'
CELLS = {
    "name": ["a", "b-1", "c.example", "", "x y", "../x", "é"],
    "mac": ["52:54:00:00:00:01", "525400000002", "52-54-00-00-00-03", "", "zz",
            "52:54:00:00:00:0A"],
    "address": ["10.77.0.1", "10.77.0.150", "10.77.0.255", "10.78.255.255", "10.1.1.1", "",
                "010.0.0.1"],
    "address6": ["2001:db8::1", "2001:DB8:0::2", "", "::1", "x"],
    "client_id": ["01:52", "text", "", " "],
    "circuit_id": ["eth0/1", "", "'q'"],
    "duid": ["00:03:00:01", "", "0", "00" * 131],
    "group": ["lab", "", "other"],
}  # fmt: skip


def subnets(tmp_path: Path) -> tuple[Subnet, ...]:
    path = tmp_path / "site.yaml"
    path.write_text(SITE, "utf-8")
    return load_site(path).subnets


def read(
    path: Path, ours: tuple[Subnet, ...], *, plainly: bool
) -> tuple[list[Reservation], Faults]:
    """Read a list by both ways, or by the careful one alone."""
    hosts = Hosts(frozenset({"lab"}), Lookup.of(ours, 4), Lookup.of(ours, 6))
    faults = Faults()
    with pytest.MonkeyPatch.context() as patch:
        if not plainly:
            patch.setattr(lists, "read_plain", lambda *_: None)
        read_list(hosts, path, path.read_bytes(), 0, faults)
    return hosts.found, faults


@st.composite
def tables(draw: st.DrawFn) -> str:
    header = draw(st.lists(st.sampled_from([*CELLS]), min_size=1, max_size=8, unique=True))
    rows = draw(st.lists(st.tuples(*(st.sampled_from(CELLS[name]) for name in header)), max_size=6))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    return end.join([",".join(header), *(",".join(row) for row in rows), ""])


@given(text=tables())
def test_the_plain_way_and_the_careful_way_agree(
    text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("hosts")
    path = folder / "hosts.csv"
    path.write_bytes(text.encode())
    ours = subnets(folder)
    plain, told = read(path, ours, plainly=True)
    careful, told_careful = read(path, ours, plainly=False)
    assert told.elsewhere == told_careful.elsewhere
    if not told.elsewhere:
        assert plain == careful


def test_a_plain_list_is_read_by_columns(tmp_path: Path) -> None:
    """Were the plain way never taken, the property above would say nothing."""
    path = tmp_path / "hosts.csv"
    rows = [f"h{i},52:54:00:00:{i >> 8:02x}:{i & 255:02x},10.78.{i >> 8}.{i % 255 + 1}"
            for i in range(1, 20000)]  # fmt: skip
    path.write_text("\n".join(["name,mac,address", *rows, ""]), "utf-8")
    ours = subnets(tmp_path)
    start = time.process_time()
    plain, _ = read(path, ours, plainly=True)
    middle = time.process_time()
    careful, _ = read(path, ours, plainly=False)
    assert plain == careful
    assert middle - start < time.process_time() - middle


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json"])
def test_the_three_kinds_of_lists_say_the_same(kind: str, tmp_path: Path) -> None:
    texts = {
        "csv": "name,mac,address,group\na,52:54:00:00:00:01,10.77.0.1,lab\n",
        "jsonl": f"{HOST}\n",
        "json": f"[{HOST.replace('52:54:00:00:00:01', '52-54-00-00-00-01')}]",
    }
    (tmp_path / f"hosts.{kind}").write_text(texts[kind], "utf-8")
    path = tmp_path / "site.yaml"
    path.write_text(f"{SITE}reservation_files: [hosts.{kind}]\n", "utf-8")
    (host,) = load_site(path).reservations
    assert host[:8] == ("a", "52:54:00:00:00:01", "10.77.0.1", "", b"", b"", b"", "lab")
    assert host.subnet == 0


def test_a_list_of_the_wrong_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(f"{SITE}reservation_files: [hosts.json]\n", "utf-8")
    (tmp_path / "hosts.json").write_text('[{"name": 5}]', "utf-8")
    with pytest.raises(DocumentError, match="name: is read as a number"):
        load_site(path)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json"])
def test_a_list_is_read_once_so_that_it_may_be_a_pipe(kind: str, tmp_path: Path) -> None:
    texts = {"csv": f'name,mac\n"a",{MAC}\n', "jsonl": HOST, "json": f"[{HOST}]"}
    pipe = tmp_path / f"hosts.{kind}"
    os.mkfifo(pipe)
    path = tmp_path / "site.yaml"
    path.write_text(f"{SITE}reservation_files: [hosts.{kind}]\n", "utf-8")
    writer = threading.Thread(target=pipe.write_text, args=(texts[kind],))
    writer.start()
    (host,) = load_site(path).reservations
    writer.join()
    assert host.mac == MAC
