"""BIND: zones that named's own checkers and a real named accept, with serials that mean change."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolkit.errors import UsageError
from toolkit_pxe.check_command import OK, check_target
from toolkit_pxe.site.model import Site
from toolkit_pxe.targets import bind, find_target
from toolkit_pxe.targets._zones import _reverse
from toolkit_pxe.targets.base import Options, Rendered

MakeSite = Callable[[str], Site]
SITE = """
name: campus
dhcp: {domain: Example.org}
dns: {name_servers: [ns1, ns.elsewhere.net], hostmaster: host.master@example.org, ttl: 2h}
subnets:
- {subnet: 10.77.0.0/24}
- {subnet: 10.80.0.0/14, domain: lab.example.org}
- {subnet: 192.0.2.0/26}
- {subnet: 192.0.2.64/26}
- {subnet: '2001:db8:77::/64'}
- {subnet: '2001:db8:78:8000::/50'}
reservations:
- {name: ns1, mac: '52:54:00:00:00:01', address: 10.77.0.2, address6: '2001:db8:77::2'}
- {name: H2, mac: '52:54:00:00:00:02', address: 10.81.3.4}
- {name: small, mac: '52:54:00:00:00:03', address: 192.0.2.70}
- {name: six, duid: '00:03:00:01:52:54:00:00:00:04', address6: '2001:db8:78:8001::abcd'}
- {name: deep.host.lab.example.org, mac: '52:54:00:00:00:05', address: 192.0.2.10}
"""
SOA_SERIAL = re.compile(r"^ +(\d+) ; serial$", re.MULTILINE)


def contents(rendered: Rendered) -> dict[str, str]:
    return {item.name: item.content for item in rendered.files}


def serials(files: dict[str, str]) -> dict[str, str]:
    return {name: SOA_SERIAL.findall(text)[0] for name, text in files.items() if "db." in name}


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="toolkit-bind-") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.bind(("127.0.0.1", 0))
        return int(channel.getsockname()[1])


def first_label(name: str) -> str:
    """Return a domain name's first label without its escapes (RFC 1035, 5.1)."""
    found, characters = "", iter(name)
    for character in characters:
        if character == ".":
            break
        found += next(characters) if character == "\\" else character
    return found


def dig(port: int, *words: str) -> str:
    argv = ["dig", "@127.0.0.1", "-p", str(port), "+short", "+norecurse", "+time=2", *words]
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()


@contextmanager
def named(folder: Path, zones: Path, more: str = "") -> Iterator[int]:
    """Run named with the rendered zones in `zones`, and yield its port once it answers."""
    port = free_port()
    (folder / "named.conf").write_text(
        f'options {{ directory "{folder}"; listen-on port {port} {{ 127.0.0.1; }}; pid-file none;'
        " listen-on-v6 { none; }; recursion no; session-keyfile none; };\ncontrols { };\n"
        f'include "{zones}/named.conf.campus";\n{more}'
    )
    argv = ["named", "-g", "-c", str(folder / "named.conf")]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            end = time.monotonic() + 30
            # Until it listens, dig prints why it got no answer.
            while "ns1." not in dig(port, "example.org", "SOA") and time.monotonic() < end:
                time.sleep(0.1)
            yield port
        finally:
            process.terminate()


def written(folder: Path, site: Site, **settings: str) -> Path:
    """Write what is rendered for a named that has its zones in a sub-folder, and return that."""
    zones = folder / "zones"
    zones.mkdir()
    rendered = bind.render(site, Options(settings={"folder": str(zones), **settings}))
    assert not rendered.limits
    for name, text in contents(rendered).items():
        (zones / name).write_text(text)
    return zones


@pytest.mark.server("named")
@pytest.mark.server("dig")
def test_a_real_named_answers_forwards_and_backwards(folder: Path, make_site: MakeSite) -> None:
    with named(folder, written(folder, make_site(SITE))) as port:
        assert dig(port, "example.org", "SOA").startswith(
            "ns1.Example.org. host\\.master.example.org. 1 7200 900 1209600"
        )
        assert set(dig(port, "example.org", "NS").lower().split()) == {
            "ns1.example.org.", "ns.elsewhere.net.",
        }  # fmt: skip
        assert dig(port, "ns1.example.org", "A") == "10.77.0.2"
        assert dig(port, "ns1.example.org", "AAAA") == "2001:db8:77::2"
        assert dig(port, "h2.lab.example.org", "A") == "10.81.3.4"
        assert dig(port, "deep.host.lab.example.org", "A") == "192.0.2.10"
        assert dig(port, "-x", "10.77.0.2") == "ns1.Example.org."
        assert dig(port, "-x", "10.81.3.4") == "H2.lab.example.org."
        assert dig(port, "-x", "192.0.2.70") == "small.Example.org."
        assert dig(port, "-x", "2001:db8:77::2") == "ns1.Example.org."
        assert dig(port, "-x", "2001:db8:78:8001::abcd") == "six.Example.org."


@pytest.mark.server("named")
@pytest.mark.server("dig")
def test_classless_zones_are_found_through_the_zone_that_somebody_else_has(
    folder: Path, make_site: MakeSite
) -> None:
    """RFC 2317: the /24's zone gets NS and CNAME records, and ours have the names."""
    zones = written(folder, make_site(SITE), reverse="classless")
    assert not (zones / "db.2.0.192.in-addr.arpa").exists()
    theirs = folder / "theirs"
    theirs.write_text(
        "$TTL 60\n@ IN SOA ns.elsewhere.net. h.elsewhere.net. (1 1 1 1 1)\n"
        "@ IN NS ns.elsewhere.net.\n200 IN PTR theirs.elsewhere.net.\n"
        f"$INCLUDE {zones}/delegation.2.0.192.in-addr.arpa\n"
    )
    more = f'zone "2.0.192.in-addr.arpa" {{ type primary; file "{theirs}"; }};\n'
    with named(folder, zones, more) as port:
        for number, host in ((10, "deep.host.lab.example.org."), (70, "small.Example.org.")):
            zone = "0-26" if number < 64 else "64-26"
            ours = f"{number}.{zone}.2.0.192.in-addr.arpa."
            assert dig(port, "-x", f"192.0.2.{number}") == ours
            assert dig(port, ours, "PTR") == host
        assert dig(port, "-x", "192.0.2.200") == "theirs.elsewhere.net."


def test_a_zone_that_answers_for_others_addresses_is_told(make_site: MakeSite) -> None:
    """Two /26 share the zone of their /24, whose other half is not the site's."""
    (told,) = [item for item in bind.render(make_site(SITE), Options()).notes if "zone" in item]
    assert "2.0.192.in-addr.arpa answers for 192.0.2.128, too" in told
    assert "--set reverse=classless" in told
    more = "- {subnet: 192.0.2.128/25}\nreservations:"
    whole = bind.render(make_site(SITE.replace("reservations:", more)), Options())
    assert not [item for item in whole.notes if "zone" in item]
    classless = Options(settings={"reverse": "classless"})
    (given,) = [item for item in bind.render(make_site(SITE), classless).notes if "zone" in item]
    assert given.startswith("give delegation.2.0.192.in-addr.arpa to whoever has that zone")


@pytest.mark.server("named-checkzone")
def test_each_zone_passes_named_checkzone(folder: Path, make_site: MakeSite) -> None:
    files = contents(bind.render(make_site(SITE), Options()))
    names = [name for name in files if name.startswith("db.")]
    assert sorted(names) == [
        "db.0.0.0.0.7.7.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
        "db.0.77.10.in-addr.arpa",
        "db.2.0.192.in-addr.arpa",
        "db.8.8.7.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
        "db.81.10.in-addr.arpa",
        "db.example.org",
        "db.lab.example.org",
    ]
    for name in names:
        (folder / name).write_text(files[name])
        done = subprocess.run(
            ["named-checkzone", name.removeprefix("db."), str(folder / name)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


def test_a_serial_moves_only_when_the_zones_content_does(make_site: MakeSite) -> None:
    first = contents(bind.render(make_site(SITE), Options(settings={"serial": "7"})))
    assert set(serials(first).values()) == {"7"}
    commented = make_site(f"# another digest\n{SITE}")
    same = contents(bind.render(commented, Options(previous=first.get)))
    assert serials(same) == serials(first)
    moved = make_site(SITE.replace("10.77.0.2,", "10.77.0.3,"))
    after = contents(bind.render(moved, Options(previous=same.get)))
    changed = {name for name, serial in serials(after).items() if serial == "8"}
    assert changed == {"db.example.org", "db.0.77.10.in-addr.arpa"}
    again = contents(bind.render(moved, Options(previous=after.get)))
    assert again == after


def test_the_highest_serial_is_followed_by_one(make_site: MakeSite) -> None:
    site = make_site(SITE)
    last = contents(bind.render(site, Options(settings={"serial": "4294967295"})))
    moved = make_site(SITE.replace("10.77.0.2,", "10.77.0.3,"))
    after = contents(bind.render(moved, Options(previous=last.get)))
    assert serials(after)["db.example.org"] == "1"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("dns: {", "menu_: {"), ""),
        (("name: ns1,", "name: ns2,"), 'name server "ns1.Example.org" is in a zone here'),
        (("deep.host.lab.example.org", "deep.elsewhere.net"), '"deep.elsewhere.net" is in no zone'),
        (("ttl: 2h", "ttl: 3000000000"), "longer than DNS can tell"),
    ],
)
def test_what_a_zone_cannot_hold_is_told(
    change: tuple[str, str], sentence: str, make_site: MakeSite
) -> None:
    if not sentence:
        text = "\n".join(line for line in SITE.splitlines() if not line.startswith("dns:"))
        sentence = "no section `dns`"
    else:
        assert change[0] in SITE
        text = SITE.replace(*change)
    limits = bind.render(make_site(text), Options()).limits
    assert any(sentence in str(limit) for limit in limits), limits


@pytest.mark.parametrize(
    "setting",
    [{"serial": "0"}, {"serial": "x"}, {"serial": "4294967296"}, {"folder": "zones"},
     {"reverse": "x"}, {"folder": '/etc/"x'}, {"folder": "/etc/../x"}, {"folder": "/a b"}],
)  # fmt: skip
def test_a_setting_that_named_cannot_be_told_is_refused(
    setting: dict[str, str], make_site: MakeSite
) -> None:
    with pytest.raises(UsageError):
        bind.render(make_site(SITE), Options(settings=setting))


@pytest.mark.server("named-checkconf")
def test_the_whole_passes_named_checkconf(make_site: MakeSite) -> None:
    verdict = check_target(make_site(SITE), find_target("bind"), Options())
    assert verdict.state == OK, verdict


@given(number=st.integers(0, 2**32 - 1), labels=st.integers(1, 3))
def test_a_reverse_name_and_its_zone_are_the_address_backwards(number: int, labels: int) -> None:
    name, origin = _reverse(number, 4, labels)
    octets = [str(octet) for octet in number.to_bytes(4, "big")]
    assert f"{name}.{origin}" == ".".join([*reversed(octets), "in-addr.arpa"])
    assert origin.count(".") == labels + 1


@given(number=st.integers(0, 2**128 - 1), labels=st.integers(1, 31))
def test_a_reverse_name_of_ipv6_is_its_digits_backwards(number: int, labels: int) -> None:
    name, origin = _reverse(number, 6, labels)
    assert f"{name}.{origin}" == ".".join([*reversed(f"{number:032x}"), "ip6.arpa"])
    assert origin.count(".") == labels + 1


@pytest.mark.server("named-checkzone")
@settings(max_examples=15)
@given(local=st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="@"),
                     min_size=1, max_size=20))  # fmt: skip
def test_any_mailbox_that_is_written_is_read_back(local: str) -> None:
    zone = (f"$TTL 60\n@ IN SOA ns.a. {bind.mailbox(f'{local}@example.org')} (1 1 1 1 1)\n"
            "@ IN NS ns.elsewhere.\n")  # fmt: skip
    done = subprocess.run(
        ["named-checkzone", "-D", "-o", "-", "example.org", "/dev/stdin"], input=zone,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    shown = next(line for line in done.stdout.splitlines() if "SOA" in line).split()[5]
    assert first_label(shown) == local


LABELS = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,20}[A-Za-z0-9])?", fullmatch=True)


@pytest.mark.server("named-checkconf")
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(LABELS, max_size=6, unique_by=str.lower),
    prefix=st.integers(8, 28),
    prefix6=st.integers(32, 120),
    reverse=st.sampled_from(["enclosing", "classless"]),
)
def test_any_names_and_sizes_of_subnets_make_zones_that_named_accepts(
    names: list[str], prefix: int, prefix6: int, reverse: str, make_site: MakeSite
) -> None:
    hosts = "".join(
        f"- {{name: '{name}', mac: '52:54:00:00:00:{at:02x}', address: 10.0.0.{at + 1},"
        f" address6: '2001:db8::{at + 1:x}'}}\n"
        for at, name in enumerate(names)
    )
    site = make_site(
        "name: any\ndhcp: {domain: example.org}\n"
        "dns: {name_servers: [ns.example.net], hostmaster: a@example.org}\n"
        f"subnets: [{{subnet: 10.0.0.0/{prefix}}}, {{subnet: '2001:db8::/{prefix6}'}}]\n"
        + (f"reservations:\n{hosts}" if hosts else "")
    )
    chosen = {"reverse": reverse}
    verdict = check_target(site, find_target("bind"), Options(settings=chosen))
    assert verdict.state == OK, verdict
    first = bind.render(site, Options(settings=chosen))
    again = bind.render(site, Options(settings=chosen, previous=contents(first).get))
    assert again.files == first.files
