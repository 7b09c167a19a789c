"""Real firmware in QEMU, on a cable to real servers, in namespaces of their own.

booted = boot(Machine("bios"), dhcpd, files, mac=MAC, until="some text")

DHCP is dhcpd with a configuration that a test has rendered; TFTP and router advertisements are
dnsmasq's (without the advertisements a UEFI or iPXE waits twelve seconds for IPv6), HTTP is
Python's. Nothing is accelerated, so a machine without KVM boots the same. When the caller ends or
is killed the process namespace ends, and with it every server, the machine and the network.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Kind = Literal["bios", "uefi", "secure-boot"]
DISK = "here boots the local disk"
DISK_GRUB = Path("/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed")
ADDRESS = "10.77.0.9"
"""The servers' address, and the one that a site for these boots must name."""
PLACES: Mapping[str, tuple[str, ...]] = {
    "uefi": ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
    "secure-boot": ("/usr/share/OVMF/OVMF_CODE_4M.ms.fd", "/usr/share/OVMF/OVMF_VARS_4M.ms.fd"),
}
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>cD]")
_NETWORK = f"""
here=$(readlink /proc/self/ns/net)
[ "$here" != "$1" ] || exit 99
shift
ip link set lo up
ip tuntap add dev srv0 mode tap
ip addr add {ADDRESS}/24 dev srv0
ip -6 addr add 2001:db8:77::9/64 dev srv0 nodad
ip link set srv0 up
touch leases
dhcpd -4 -f -d --no-pid -cf dhcpd.conf -lf leases srv0 >dhcpd.log 2>&1 &
dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root --port=0 --pid-file= \\
    --log-facility=- --interface=srv0 --bind-dynamic --enable-tftp --tftp-root="$PWD/files" \\
    --enable-ra --dhcp-range=2001:db8:77::,ra-only --leasefile-ro >tftp.log 2>&1 &
"$1" -m http.server 80 --bind {ADDRESS} --directory files >http.log 2>&1 &
shift
exec 3<&0
"$@" >qemu.log 2>&1 3<&- &
machine=$!
(cat <&3 >/dev/null; kill -KILL $machine) &
wait $machine
"""
"""The first process of its namespace: with it all others end. Its input ends with the caller."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What boots. `http_only`: the firmware tries HTTP, not PXE. `memory` in MiB.

    `disk`: it has a disk that tells of itself, tried after the network; UEFI's has a GRUB.
    """

    kind: Kind = "bios"
    http_only: bool = False
    memory: int = 512
    disk: bool = False

    def argv(self, mac: str) -> list[str]:
        """Return QEMU's arguments; a UEFI's variables are in `vars.fd` in the current folder."""
        made = ["qemu-system-x86_64", "-accel", "tcg", "-m", str(self.memory), "-display", "none",
                "-vga", "none", "-monitor", "none", "-no-reboot", "-serial", "file:serial.log",
                "-device", "isa-debug-exit,iobase=0xf4,iosize=1",
                "-netdev", "tap,id=n0,ifname=srv0,script=no,downscript=no"]  # fmt: skip
        if self.disk:
            source = "fat:disk" if self.kind != "bios" else "disk.img"
            made += ["-drive", f"file={source},format=raw,if=none,id=d0,readonly=on",
                     "-device", "virtio-blk-pci,drive=d0,bootindex=1"]  # fmt: skip
        if self.kind == "bios":
            device = f"virtio-net-pci,netdev=n0,mac={mac},bootindex=0"
            return [*made, "-machine", "pc,graphics=off", "-device", device]
        secure = self.kind == "secure-boot"
        code = PLACES[self.kind][0]
        made += ["-machine", f"q35,smm={'on' if secure else 'off'}",
                 "-device", f"virtio-net-pci,netdev=n0,mac={mac},bootindex=0,romfile=",
                 "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={code}",
                 "-drive", "if=pflash,format=raw,unit=1,file=vars.fd"]  # fmt: skip
        off = ["IPv6PXESupport", *(["IPv4PXESupport"] if self.http_only else [])]
        made += [
            part for name in off for part in ("-fw_cfg", f"name=opt/org.tianocore/{name},string=n")
        ]
        if secure:
            made += ["-global", "driver=cfi.pflash01,property=secure,value=on"]
        return made


@dataclass(frozen=True, slots=True)
class Booted:
    """What was seen: the machine's serial line, and the files that were asked of the servers.

    `sent` and `missing` are paths below the root, TFTP's and HTTP's, in the order of asking.
    """

    serial: str
    sent: tuple[str, ...]
    missing: tuple[str, ...]
    seconds: float
    logs: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return all of it, for an assertion that fails."""
        parts = [f"after {self.seconds:.1f} s", f"sent: {self.sent}", f"missing: {self.missing}"]
        parts += [f"--- {name}\n{text[-3000:]}" for name, text in self.logs.items()]
        return "\n".join(parts)


def boot(
    machine: Machine,
    dhcpd: str,
    files: Mapping[str, bytes | str | Path],
    *,
    mac: str,
    until: str = "",
    timeout: float = 180,
) -> Booted:
    """Boot `machine` until `until` is seen: a file that was sent, or a text on its serial line.

    A loader names a file on the line before it is sent, so a name in `files` is waited for there
    alone. Without `until`, until the machine ends, as `telling_kernel` ends it.
    `files` are the boot server's, by path; a Path is a file to copy. A boot that never gets there
    returns what was seen until `timeout` or until the machine ended.
    """
    with tempfile.TemporaryDirectory(prefix="toolkit-pxe-boot-") as name:
        folder = Path(name)
        _lay(folder, machine, dhcpd, files)
        here = str(Path("/proc/self/ns/net").readlink())
        start = time.monotonic()
        argv = ["unshare", "--net", "--pid", "--fork", "--kill-child=KILL",
                "sh", "-c", _NETWORK, "sh", here, sys.executable, *machine.argv(mac)]  # fmt: skip
        process = subprocess.Popen(argv, cwd=folder, stdin=subprocess.PIPE, start_new_session=True)
        try:
            while time.monotonic() - start < timeout:
                ended = process.poll() is not None
                seen = _seen(folder, time.monotonic() - start)
                if ended or (until and until in (seen.sent if until in files else seen.serial)):
                    return seen
                time.sleep(0.2)
            return _seen(folder, time.monotonic() - start)
        finally:
            process.kill()
            process.communicate()


def _lay(
    folder: Path, machine: Machine, dhcpd: str, files: Mapping[str, bytes | str | Path]
) -> None:
    (folder / "dhcpd.conf").write_text(dhcpd)
    for path, content in files.items():
        target = folder / "files" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copy(content, target)
        else:
            target.write_bytes(content.encode() if isinstance(content, str) else content)
    if machine.kind != "bios":
        shutil.copy(PLACES[machine.kind][1], folder / "vars.fd")
    if machine.disk and machine.kind == "bios":
        (folder / "disk.img").write_bytes(telling_sector(DISK).ljust(1 << 20, b"\0"))
    elif machine.disk:
        loader, config = folder / "disk/EFI/BOOT/BOOTX64.EFI", folder / "disk/EFI/debian/grub.cfg"
        for part in (loader, config):
            part.parent.mkdir(parents=True)
        shutil.copy(DISK_GRUB, loader)
        config.write_text(f"serial\nterminal_output serial\necho '{DISK}'\nsleep 2\nhalt\n")


def _seen(folder: Path, seconds: float) -> Booted:
    names = ("serial.log", "tftp.log", "http.log", "dhcpd.log", "qemu.log")
    logs = {
        name: (folder / name).read_text(errors="replace") if (folder / name).exists() else ""
        for name in names
    }
    root = re.escape(str(folder / "files"))
    tftp, http = logs["tftp.log"], logs["http.log"]
    sent = re.findall(rf"sent {root}/(\S+) to", tftp) + re.findall(r'"GET /(\S*) \S+" 20', http)
    missing = re.findall(rf"file {root}/(\S+) not found", tftp)
    missing += re.findall(r'"GET /(\S*) \S+" 404', http)
    logs["serial.log"] = _ANSI.sub("", logs["serial.log"])
    return Booted(logs["serial.log"], tuple(sent), tuple(missing), seconds, logs)


_TELLS = bytes.fromhex(
    "fa fc 31c0 8ed0 bc007c"  # cli; cld; xor ax, ax; mov ss, ax; mov sp, 0x7c00
    "e80000 5e 83c624 0e 1f"  # call $+3; pop si; add si, text; push cs; pop ds
    "ac 84c0 7412 88c4"  # next: lodsb; test al, al; jz end; mov ah, al
    "bafd03 ec a820 74fb"  # mov dx, 0x3fd; wait: in al, dx; test al, 0x20; jz wait
    "baf803 88e0 ee ebe9"  # mov dx, 0x3f8; mov al, ah; out dx, al; jmp next
    "baf400 ee f4 ebfd"  # end: mov dx, 0xf4; out dx, al; hlt; jmp $-1
)


def telling_sector(text: str) -> bytes:
    """Return a boot sector that prints `text` on COM1, and ends the machine.

    A BIOS loads it from a disk, a network loader as a network boot program: both to 0x7c00.
    """
    return (_TELLS + text.encode() + b"\0").ljust(510, b"\0") + b"\x55\xaa"


_SETUP = bytes.fromhex(
    "eb46486472530602000000000000000000010000000010000000000000000000000000000000000000000000ffff"
    "ff370010000000000000ff0700000000000000000000000000008cc883e8208ed866a128026689c366c1e8048ed8"
    "83e30f89deb05be81b00ac84c07405e81300ebf6b05de80c00b00ae80700baf400eef4ebfd88c4bafd03eca82074"
    "fbbaf80388e0eec3"
)
_PROTECTED = bytes.fromhex(
    "8bb628020000b05be822000000ac84c07407e818000000ebf4b05de80f000000b00ae80800000066baf400eef4eb"
    "fd88c466bafd03eca82074fb66baf80388e0eec3"
)
_SECTOR = 512


def telling_kernel() -> bytes:
    """Return a kernel that prints its command line as [text] on COM1, and ends the machine.

    It follows https://docs.kernel.org/arch/x86/boot.html, version 2.06, and can be entered in real
    mode (PXELINUX, iPXE) and in protected mode (GRUB). Each part takes cmd_line_ptr, of the
    header or of the boot parameters in ESI, writes each octet to port 0x3f8 when bit 5 of 0x3fd
    is set, then writes to 0xf4, QEMU's isa-debug-exit.
    """
    sector = bytearray(_SECTOR)
    sector[0x1F1] = 1  # setup_sects
    sector[0x1F4:0x1F8] = (_SECTOR // 16).to_bytes(4, "little")  # syssize, in paragraphs
    sector[0x1FE:0x200] = b"\x55\xaa"
    return bytes(sector) + _SETUP.ljust(_SECTOR, b"\0") + _PROTECTED.ljust(_SECTOR, b"\0")


def texts(files: Sequence[object]) -> dict[str, bytes | str | Path]:
    """Return rendered files by path."""
    return {item.name: item.content for item in files}  # type: ignore[attr-defined]
