"""Print time and peak memory of rendering many reservations, beside the servers' own checkers.

python tests/benchmarks/pxe_scale.py [RUNS [HOSTS …]]     (default: 3 runs of 1000 10000 100000)

The hosts are in a CSV list. Each row runs `toolkit pxe render` as a user does, interpreter and all,
and the server's checker on that very output, in turn; each figure is the least of the runs, in CPU
seconds (user and system), so that what else the machine does weighs little. dnsmasq's checker is
left out above 20,000 hosts: it takes the square of their number.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SITE = """
name: large
boot_servers: {{tftp: 10.255.0.9}}
subnets:
{subnets}
targets:
  bios: {{kind: pxelinux, file: pxelinux.0}}
  uefi: {{kind: grub, file: grubx64.efi}}
profiles: {{all: {{default: bios, rules: [{{arch: x64, boot: uefi}}]}}}}
reservation_files: [hosts.csv]
"""
PER_SUBNET = 250
FILES = {"isc-dhcp": "dhcpd.conf", "kea": "kea-dhcp4.conf", "dnsmasq": "large.conf"}
SLOW = 20_000
"""Hosts above which dnsmasq's checker is left out: 100,000 take it a minute and a half."""


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds and peak resident MiB of one process."""

    seconds: float
    mebibytes: float


def write_site(folder: Path, hosts: int) -> Path:
    """Write a site of so many hosts, 250 a subnet, and return its file."""
    count = -(-hosts // PER_SUBNET)
    lines = [f"- {{subnet: 10.{at >> 8}.{at & 255}.0/24}}" for at in range(count)]
    with (folder / "hosts.csv").open("w", encoding="utf-8") as rows:
        rows.write("name,mac,address\n")
        for number in range(hosts):
            at, host = divmod(number, PER_SUBNET)
            mac = (0x525400000000 + number).to_bytes(6, "big").hex(":")
            rows.write(f"host{number},{mac},10.{at >> 8}.{at & 255}.{host + 1}\n")
    site = folder / "site.yaml"
    site.write_text(SITE.format(subnets="\n".join(lines)), "utf-8")
    return site


def run(argv: list[str], log: Path) -> Cost:
    """Run a command to its good end and return what it cost; exit with its words if it fails."""
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    child = os.posix_spawnp(
        argv[0], argv, os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, out, 2)],
    )  # fmt: skip
    os.close(out)
    _, status, usage = os.wait4(child, 0)
    if status:
        sys.exit(f"{' '.join(argv)}: {log.read_text('utf-8', 'replace')[-500:]}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def checker(target: str, file: Path) -> list[str]:
    """Return the command that checks a target's output."""
    if target == "isc-dhcp":
        leases = file.parents[2] / "leases"
        leases.touch()
        return ["dhcpd", "-t", "-4", "-cf", str(file), "-lf", str(leases)]
    if target == "kea":
        return ["kea-dhcp4", "-t", str(file)]
    return ["dnsmasq", "--test", "-C", str(file)]


def least(costs: Sequence[Cost]) -> Cost:
    """Return the least of each figure: what else the machine does only adds."""
    return Cost(min(item.seconds for item in costs), min(item.mebibytes for item in costs))


def measured(site: Path, target: str, hosts: int, runs: int) -> tuple[Cost, Cost | None]:
    """Return the cost of rendering, and that of checking (None: left out)."""
    out, log = site.parent / target, site.parent / "log"
    render = [str(Path(sys.executable).with_name("toolkit")), "pxe", "render", str(site), "--for",
              target, "--output", str(out)]  # fmt: skip
    check = checker(target, out / target / FILES[target])
    left_out = shutil.which(check[0]) is None or (target == "dnsmasq" and hosts > SLOW)
    rendered, checked = [], []
    for _ in range(runs):
        shutil.rmtree(out, ignore_errors=True)
        rendered.append(run(render, log))
        if not left_out:
            checked.append(run(check, log))
    return least(rendered), least(checked) if checked else None


def shown(cost: Cost | None) -> str:
    """Return a cost as two columns."""
    return f"{cost.seconds:8.2f} {cost.mebibytes:6.0f}" if cost else f"{'-':>8} {'-':>6}"


def main() -> None:
    """Print a row for each target and number of hosts."""
    runs, *sizes = (int(word) for word in sys.argv[1:] or ["3"])
    print(f"{'hosts':>7} {'':8}   render s    MiB    check s    MiB   ratio")
    for hosts in sizes or [1_000, 10_000, 100_000]:
        with tempfile.TemporaryDirectory() as name:
            site = write_site(Path(name), hosts)
            for target in FILES:
                render, check = measured(site, target, hosts, runs)
                ratio = f"{render.seconds / check.seconds:6.2f}" if check else ""
                print(f"{hosts:>7} {target:8}   {shown(render)}   {shown(check)} {ratio}")


if __name__ == "__main__":
    main()
