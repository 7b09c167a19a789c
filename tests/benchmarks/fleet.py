"""Print hosts a second and CPU milliseconds a host, over many TLS ports of one nginx.

    python tests/benchmarks/fleet.py [PORTS]       (default 1000; needs nginx; SSLYZE names a rival)

`toolkit https check` beside `requests` in 50 threads (as people call it, and with one TLS context
shared by all, which few do), and sslyze where the variable SSLYZE names
its command: in turn, three times, and the median of each. CPU is the client's own.
"""

from __future__ import annotations

import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import certifi
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from toolkit_https.lab.pki import Subject, issue
from toolkit_https.lab.traps import Pki

REQUESTS = """
import sys, concurrent.futures, requests
ca, targets = sys.argv[1], open(sys.argv[2]).read().split()
def one(target):
    requests.get(f"https://{target}/", verify=ca, timeout=10).close()
with concurrent.futures.ThreadPoolExecutor(50) as pool:
    list(pool.map(one, targets))
"""
SHARED = """
import sys, concurrent.futures, ssl, requests
from requests.adapters import HTTPAdapter
ca, targets = sys.argv[1], open(sys.argv[2]).read().split()
context = ssl.create_default_context(cafile=ca)
class Shared(HTTPAdapter):
    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, ssl_context=context, **kwargs)
    def cert_verify(self, conn, url, verify, cert):
        pass
def one(target):
    with requests.Session() as session:
        session.trust_env = False
        session.mount("https://", Shared())
        session.get(f"https://{target}/", timeout=10).close()
with concurrent.futures.ThreadPoolExecutor(50) as pool:
    list(pool.map(one, targets))
"""
CONFIGURATION = """
pid {folder}/pid; error_log /dev/null; worker_processes 1; daemon off; {user}
events {{ worker_connections 8192; }}
http {{
  access_log off; ssl_session_cache off; ssl_session_tickets off; keepalive_timeout 0;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ {listens} ssl_certificate {folder}/chain.pem; ssl_certificate_key {folder}/key.pem;
    location / {{ return 200 ok; }} }}
}}
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """One client's run: hosts a second, CPU milliseconds a host."""

    rate: float
    cpu: float


def measure(argv: Sequence[str], hosts: int, environ: dict[str, str]) -> Measured:
    """Run a client on `hosts` ports."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(argv, env=environ, stdout=subprocess.DEVNULL, check=True)
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(hosts / wall, spent * 1000 / hosts)


@contextmanager
def nginx(folder: Path, ports: Sequence[int]) -> Iterator[None]:
    """Run one nginx that listens on all `ports` of loopback."""
    lab = Pki()
    leaf = issue(Subject("fleet", addresses=["127.0.0.1"]), lab.intermediate)
    chain = [leaf.certificate, lab.intermediate.certificate]
    (folder / "chain.pem").write_bytes(b"".join(c.public_bytes(Encoding.PEM) for c in chain))
    key = leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(key)
    root = lab.root.certificate.public_bytes(Encoding.PEM)
    # With the public roots, as everybody's trust store has them.
    (folder / "ca.pem").write_bytes(Path(certifi.where()).read_bytes() + root)
    listens = " ".join(f"listen 127.0.0.1:{port} ssl;" for port in ports)
    user = "user root;" if os.geteuid() == 0 else ""
    text = CONFIGURATION.format(folder=folder, listens=listens, user=user)
    (folder / "nginx.conf").write_text(text)
    environ = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin"}
    argv = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]
    process = subprocess.Popen(argv, env=environ)
    try:
        _wait(ports[-1])
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit("nginx doesn't start")


def free_ports(count: int) -> list[int]:
    """Return ports of which nobody listens on any now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(item.getsockname()[1]) for item in sockets]
    for item in sockets:
        item.close()
    return ports


def main() -> None:
    """Measure the clients in turn, so that a busy machine weighs on all, and print the medians."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, hard))
    ports = free_ports(count)
    runs: dict[str, list[Measured]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with nginx(folder, ports):
            environ = {"PATH": os.environ["PATH"], "HOME": name}
            for _ in range(3):
                for who, argv in clients(folder, [f"127.0.0.1:{port}" for port in ports]).items():
                    runs.setdefault(who, []).append(measure(argv, count, environ))
    print(f"{count} ports of one nginx, {os.cpu_count()} processors, medians of 3 runs in turn")
    print(f"{'':10}{'hosts/s':>9}{'CPU ms/host':>13}{'toolkit is':>12}{'by CPU':>9}")
    ours = median_of(runs["toolkit"])
    for who, measured in runs.items():
        item = median_of(measured)
        ratios = f"{ours.rate / item.rate:10.1f} ×{item.cpu / ours.cpu:7.1f} ×"
        print(f"{who:10}{item.rate:9.0f}{item.cpu:13.2f}{ratios}")


def clients(folder: Path, targets: Sequence[str]) -> dict[str, list[str]]:
    """Return each client's command for all targets."""
    file, ca = folder / "targets.txt", str(folder / "ca.pem")
    file.write_text("\n".join(targets) + "\n")
    found = {
        "toolkit": [sys.executable, "-m", "toolkit", "https", "check", "--file", str(file), "--ca",
                    ca, "--format", "jsonl"],
        "requests": [sys.executable, "-c", REQUESTS, ca, str(file)],
        "shared": [sys.executable, "-c", SHARED, ca, str(file)],
    }  # fmt: skip
    sslyze = shutil.which(os.environ.get("SSLYZE", ""))
    if sslyze:
        found["sslyze"] = [sslyze, "--certinfo", "--mozilla_config=disable",
                           "--targets_in", str(file)]  # fmt: skip
    return found


def median_of(runs: Sequence[Measured]) -> Measured:
    """Return the medians of several runs."""
    return Measured(median(item.rate for item in runs), median(item.cpu for item in runs))


if __name__ == "__main__":
    main()
