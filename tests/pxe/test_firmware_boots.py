"""Real firmware boots what was rendered: DHCP's answer, the loader, its menu, the kernel's line.

Each boot takes seconds, most of them waiting, so some machines boot at the same time; together they
stay below 120 s on two cores.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from toolkit_pxe.site.resolve import load_site
from toolkit_pxe.targets import find_target
from toolkit_pxe.targets.base import Options

from .firmware import DISK, Booted, Machine, boot, telling_kernel, telling_sector, texts

pytestmark = [
    pytest.mark.server("qemu-system-x86_64"),
    pytest.mark.server("dhcpd"),
    pytest.mark.server("dnsmasq"),
    pytest.mark.server("ip"),
    pytest.mark.timeout(300),
]
CHOSEN, OTHER = "52:54:00:12:34:56", "52:54:00:12:34:57"
MODULES = Path("/usr/lib/syslinux/modules/bios")
SIGNED = Path("/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed")
SHIM = Path("/usr/lib/shim/shimx64.efi.signed")
PXELINUX: Mapping[str, Path] = {
    "bios/pxelinux.0": Path("/usr/lib/PXELINUX/pxelinux.0"),
    **{f"bios/{name}": MODULES / name for name in ("ldlinux.c32", "menu.c32", "libutil.c32")},
}
SITE = r"""
name: boots
boot_servers: {tftp: 10.77.0.9, http: http://10.77.0.9/}
subnets:
- {subnet: 10.77.0.0/24, pools: [10.77.0.100-10.77.0.199]}
targets:
  boot: {TARGET}
profiles:
  standard: PROFILE
groups: [now]
menu:
  title: The "menu" || of   all
  timeout: 1
  default: DEFAULT
  by_group: {now: one}
  entries:
  - {name: one, kind: linux, title: "It's & one", kernel: /k/kernel, initrd: [a.img, k/b b.img],
     append: 'a="b  c" d # || x;y $z `q` é'}
  - {name: two, kind: linux, title: '# two', kernel: k/kernel, append: 'console=ttyS0 second'}
  - {name: far, kind: local, arch: arm64-uefi}
  MORE
reservations:
- {name: h1, mac: '52:54:00:12:34:56', address: 10.77.0.10, group: now}
- {name: h2, mac: '52:54:00:12:34:57', address: 10.77.0.11}
"""
APPEND = 'a="b  c" d # || x;y $z `q` é'

Job = Callable[[], Booted]
Jobs = Callable[..., Job]
LOCAL = ("disk", "- {name: disk, kind: local}")
CHAIN = ("next", "- {name: next, kind: chain, file: sub/next.0, arch: bios}")
CHAIN_UEFI = ("next", "- {name: next, kind: chain, file: sub/next.efi, arch: uefi}")
SYSLINUX = Path("/usr/lib/SYSLINUX.EFI/efi64/syslinux.efi")
MODULES_EFI = Path("/usr/lib/syslinux/modules/efi64")
IPXE_EFI = Path("/usr/lib/ipxe/ipxe.efi")
SNPONLY = Path("/usr/lib/ipxe/snponly.efi")
"""iPXE on the firmware's own driver; the other one of 2019 doesn't come back from any `exit`."""
NEXT = ">>Start HTTP Boot over IPv4"


def prepared(
    folder: Path,
    target: str,
    loader: str,
    mac: str,
    files: Mapping[str, Path | bytes],
    machine: Machine | None = None,
    *,
    until: str = "",
    initrd: str = "k/b b.img",
    profile: str = "{default: boot}",
    menu: tuple[str, str] = ("two", ""),
) -> Job:
    """Render a site whose one target is this, for dhcpd and for a loader; return its boot.

    `menu` is the entry that is the menu's default, and a further entry.
    """
    for path in files.values():
        if isinstance(path, Path) and not path.exists():
            pytest.skip(f"{path} is not there: tests/servers.txt names its package")
    text = SITE.replace("TARGET", target).replace("k/b b.img", initrd)
    text = text.replace("PROFILE", profile).replace("DEFAULT", menu[0]).replace("MORE", menu[1])
    described = folder / "site.yaml"
    described.write_text(text, "utf-8")
    site = load_site(described)
    dhcpd = find_target("isc-dhcp").render(site, Options(4))
    rendered = find_target(loader).render(site, Options())
    assert not dhcpd.limits
    assert not rendered.limits
    served: dict[str, bytes | str | Path] = {**texts(rendered.files), **files}
    served |= {"k/kernel": telling_kernel(), "a.img": b"A", initrd: b"B"}
    config = dhcpd.files[0].content
    return partial(boot, machine or Machine(), config, served, mac=mac, until=until)


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return partial(prepared, tmp_path)


@pytest.fixture
def boots(jobs: Jobs) -> Callable[..., Booted]:
    return lambda *args, **named: jobs(*args, **named)()


Boots = Callable[..., Booted]


def together(*several: Job) -> list[Booted]:
    """Boot machines at the same time."""
    with ThreadPoolExecutor(len(several)) as pool:
        return [*pool.map(lambda job: job(), several)]


@pytest.fixture(scope="module")
def grub_modules(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """GRUB for BIOS, from the network: its core and its modules."""
    where = tmp_path_factory.mktemp("grub") / "net"
    modules = "/usr/lib/grub/i386-pc"
    if not Path(modules).exists():
        pytest.skip("grub-pc-bin is not installed")
    argv = ["grub-mknetdir", f"--net-directory={where}", "--subdir=grub", "-d", modules]
    subprocess.run(argv, check=True, capture_output=True)
    return {
        str(path.relative_to(where)): path
        for path in where.rglob("*")
        if path.is_file() and path.name != "grub.cfg"
    }


def test_bios_pxelinux_boots_a_hosts_own_entry_with_its_very_command_line(boots: Boots) -> None:
    seen = boots(
        "kind: pxelinux, file: bios/pxelinux.0", "pxelinux", CHOSEN, PXELINUX, initrd="k/b.img"
    )
    assert f"[BOOT_IMAGE=::k/kernel {APPEND} initrd=::a.img,::k/b.img]" in seen.serial, seen
    assert "bios/pxelinux.cfg/01-52-54-00-12-34-56" in seen.sent, seen
    assert seen.sent[-3:] == ("k/kernel", "a.img", "k/b.img"), seen


def test_bios_pxelinux_shows_the_menu_to_others_and_boots_its_default(boots: Boots) -> None:
    seen = boots(
        "kind: pxelinux, file: bios/pxelinux.0", "pxelinux", OTHER, PXELINUX, initrd="k/b.img"
    )
    assert 'The "menu" || of   all' in seen.serial, seen
    assert "It's & one" in seen.serial, seen
    assert "[BOOT_IMAGE=::k/kernel console=ttyS0 second]" in seen.serial, seen


def test_bios_ipxe_boots_a_hosts_own_entry_by_http(boots: Boots) -> None:
    target = "kind: ipxe, file: undionly.kpxe, script: 'http://10.77.0.9/scripts/boot.ipxe'"
    seen = boots(target, "ipxe", CHOSEN, {})
    assert f"[initrd=ramdisk0 initrd=ramdisk1 {APPEND}]" in seen.serial, seen
    assert seen.sent[:2] == ("scripts/boot.ipxe", "hosts/52-54-00-12-34-56.ipxe"), seen
    assert seen.sent[2:4] == ("k/kernel", "a.img"), seen
    assert seen.sent[4] in {"k/b b.img", "k/b%20b.img"}, seen


def test_bios_ipxe_shows_the_menu_to_others_and_boots_its_default_by_tftp(boots: Boots) -> None:
    seen = boots("kind: ipxe, file: undionly.kpxe, script: boot.ipxe", "ipxe", OTHER, {})
    assert 'The "menu" || of   all' in seen.serial, seen
    assert "# two" in seen.serial, seen
    assert "far" not in seen.serial, seen
    assert "[console=ttyS0 second]" in seen.serial, seen
    assert seen.missing == ("hosts/52-54-00-12-34-57.ipxe",), seen


def test_bios_grub_boots_a_hosts_own_entry_with_its_command_line(
    boots: Boots, grub_modules: Mapping[str, Path]
) -> None:
    seen = boots("kind: grub, file: grub/i386-pc/core.0", "grub", CHOSEN, grub_modules)
    expected = APPEND.replace('a="b  c"', '"a=b  c"')  # the kernel reads these alike
    assert f"[BOOT_IMAGE=/k/kernel {expected}]" in seen.serial, seen
    assert "grub/hosts/52:54:00:12:34:56.cfg" in seen.sent, seen


def test_a_local_entry_boots_the_disk_from_every_loader_under_bios(
    jobs: Jobs, grub_modules: Mapping[str, Path]
) -> None:
    made = {
        "pxelinux": ("kind: pxelinux, file: bios/pxelinux.0", PXELINUX),
        "ipxe": ("kind: ipxe, file: undionly.kpxe, script: boot.ipxe", {}),
        "grub": ("kind: grub, file: grub/i386-pc/core.0", grub_modules),
    }
    several = [
        jobs(target, loader, OTHER, files, Machine(disk=True), menu=LOCAL, initrd="k/b.img")
        for loader, (target, files) in made.items()
    ]
    for seen in together(*several):
        assert DISK in seen.serial, seen


def test_who_is_not_to_boot_goes_on_to_the_disk(jobs: Jobs) -> None:
    machine = Machine(disk=True)
    seen = jobs("kind: pxelinux, file: p.0", "pxelinux", OTHER, {}, machine,
                initrd="k/b.img", profile="{default: none}")()  # fmt: skip
    assert DISK in seen.serial, seen
    assert seen.sent == (), seen


def test_a_chain_entry_boots_the_next_loader_under_bios(jobs: Jobs) -> None:
    following = {"sub/next.0": telling_sector("the next loader")}
    pxelinux = jobs("kind: pxelinux, file: bios/pxelinux.0", "pxelinux", OTHER,
                    {**PXELINUX, **following}, menu=CHAIN, initrd="k/b.img")  # fmt: skip
    ipxe = jobs("kind: ipxe, file: undionly.kpxe, script: boot.ipxe", "ipxe", OTHER, following,
                menu=CHAIN)  # fmt: skip
    for seen in together(pxelinux, ipxe):
        assert "the next loader" in seen.serial, seen


@pytest.fixture(scope="module")
def uefi(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Booted]:
    """Machines with UEFI, all at once: one waits for the network most of its fifteen seconds."""
    make = partial(prepared, tmp_path_factory.mktemp("uefi"))
    machine = Machine("uefi")
    signed = {"grubnetx64.efi": SIGNED}
    grub = partial(make, "kind: grub, file: grubnetx64.efi", "grub", OTHER)
    modules = {f"efi/{name}": MODULES_EFI / name
               for name in ("ldlinux.e64", "menu.c32", "libutil.c32")}  # fmt: skip
    pxelinux = partial(make, "kind: pxelinux, file: efi/syslinux.efi", "pxelinux", OTHER,
                       {"efi/syslinux.efi": SYSLINUX, **modules}, machine)  # fmt: skip
    script = "script: 'http://10.77.0.9/boot.ipxe'"
    web = f"kind: ipxe, file: ipxe.efi, {script}}}\n  web: {{kind: http, url: "
    over_http = "{rules: [{arch: http, boot: web}], default: boot}"
    made = {
        "grub": grub(signed, machine),
        "grub, chain": grub({**signed, "sub/next.efi": IPXE_EFI}, machine, menu=CHAIN_UEFI,
                            until="iPXE initialising"),
        "grub, local": grub(signed, replace(machine, disk=True), menu=LOCAL, until=DISK),
        "ipxe, local": make("kind: ipxe, file: snponly.efi, script: boot.ipxe", "ipxe", OTHER,
                            {"snponly.efi": SNPONLY}, machine, menu=LOCAL, until=NEXT),
        "pxelinux": pxelinux(initrd="k/b.img"),
        "pxelinux, local": pxelinux(initrd="k/b.img", menu=LOCAL, until=NEXT),
        "http": make(f"{web}efi/ipxe.efi", "ipxe", OTHER, {"efi/ipxe.efi": IPXE_EFI},
                     Machine("uefi", http_only=True), until="k/kernel", profile=over_http),
        "shim": make("kind: shim, file: efi/shimx64.efi", "grub", CHOSEN,
                     {"efi/shimx64.efi": SHIM, "efi/grubx64.efi": SIGNED}, Machine("secure-boot"),
                     until="k/kernel"),
    }  # fmt: skip
    return dict(zip(made, together(*made.values()), strict=True))


def test_uefi_grub_shows_the_menu_to_others_and_boots_its_default(
    uefi: Mapping[str, Booted],
) -> None:
    seen = uefi["grub"]
    assert "[BOOT_IMAGE=/k/kernel console=ttyS0 second]" in seen.serial, seen
    assert "grub/hosts/52:54:00:12:34:57.cfg" in seen.missing, seen


def test_uefi_grub_goes_on_to_the_disks_own_loader(uefi: Mapping[str, Booted]) -> None:
    """`exit` would tell the firmware that all is well, and it would go to its setup."""
    assert DISK in uefi["grub, local"].serial, uefi["grub, local"]


def test_uefi_grub_goes_on_to_another_network_loader(uefi: Mapping[str, Booted]) -> None:
    assert "iPXE initialising" in uefi["grub, chain"].serial, uefi["grub, chain"]


def test_uefi_pxelinux_boots_its_menus_default(uefi: Mapping[str, Booted]) -> None:
    seen = uefi["pxelinux"]
    assert "[BOOT_IMAGE=::k/kernel console=ttyS0 second]" in seen.serial, seen
    assert "efi/ldlinux.e64" in seen.sent, seen


def test_uefi_http_boot_goes_to_ipxe_and_its_script_without_tftp(
    uefi: Mapping[str, Booted],
) -> None:
    """GRUB 2.06 doesn't learn its server from UEFI's HTTP boot and stops at its prompt."""
    seen = uefi["http"]
    assert seen.sent == ("efi/ipxe.efi", "boot.ipxe", "k/kernel"), seen
    assert "# two" in seen.serial, seen
    assert "sent" not in seen.logs["tftp.log"], seen


@pytest.mark.parametrize("loader", ["ipxe", "pxelinux"])
def test_other_uefi_loaders_end_so_that_the_firmware_goes_on_to_its_next_device(
    loader: str, uefi: Mapping[str, Booted]
) -> None:
    """Here that is HTTP boot, after PXE by the same card."""
    assert NEXT in uefi[f"{loader}, local"].serial, uefi[f"{loader}, local"]


def test_secure_boot_goes_from_shim_in_a_folder_to_grub_to_the_hosts_own_file(
    uefi: Mapping[str, Booted],
) -> None:
    seen = uefi["shim"]
    assert "grub/hosts/52:54:00:12:34:56.cfg" in seen.sent, seen
    assert {"efi/shimx64.efi", "efi/grubx64.efi", "k/kernel"} <= {*seen.sent}, seen


def test_a_killed_caller_leaves_no_machine(tmp_path: Path) -> None:
    mac = "52:54:00:aa:bb:cc"
    code = (
        "from firmware import Machine, boot\n"
        f"boot(Machine(), 'subnet 10.77.0.0 netmask 255.255.255.0 {{}}', {{}}, mac='{mac}')\n"
    )
    argv = [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "TMPDIR": str(tmp_path)}
    caller = subprocess.Popen(argv, env=environment)
    wait_for(mac, running=True)
    caller.kill()
    caller.wait()
    wait_for(mac, running=False)


def wait_for(mac: str, *, running: bool) -> None:
    """Wait until a machine with this address runs, or none does."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        lines = [read_quietly(path) for path in Path("/proc").glob("[0-9]*/cmdline")]
        if any(b"qemu-system" in line[:40] and mac.encode() in line for line in lines) == running:
            return
        time.sleep(0.2)
    raise AssertionError(f"a machine with {mac} runs" if not running else "no machine came up")


def read_quietly(path: Path) -> bytes:
    """Return a file's content, or nothing where its process has ended."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
