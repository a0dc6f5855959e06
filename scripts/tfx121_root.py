"""A Debian 13 root, whose glibc and Python suit TFX 1.21: built once into the cache, entered by chroot.

This needs root and this machine's own Debian mirror. Nothing is installed on the machine or mounted outside the root:
every command has a mount namespace of its own, which ends with the command, however that ends.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from scripts.apt import run_apt, unpack_packages
from scripts.job_server import ToolUnavailable

CACHE = Path(__file__).resolve().parents[1] / ".cache" / "tfx121"
ROOT = CACHE / "root"
CHECKOUT = Path("/flightline")  # in the root
SUITE = "trixie"
PACKAGES = "ca-certificates,g++,git,make,openjdk-21-jre-headless,procps,python3-dev,python3-venv"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
MIRROR_VARIABLE = "FLIGHTLINE_DEBIAN_MIRROR"
REQUIRED_DISK_GB = 12
UNSHARE_COMMAND = ("unshare", "--mount", "--pid", "--fork", "--kill-child")

# How this machine reaches the package registries; nothing else of it is visible in the root.
NETWORK_FILES = ("etc/resolv.conf", "etc/hosts", "etc/pip.conf", "etc/ssl/certs/ca-certificates.crt")
PASSED_VARIABLES = re.compile(
    r"PIP_(?!FIND_LINKS).*|UV_.*|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|\w+_(proxy|PROXY)|OPENBLAS_.*|CI|TERM|NO_COLOR"
)
ROOT_ENVIRONMENT = {
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
}

# TensorFlow aborts without /proc. The shell stays as the parent of orphaned processes.
_ENTER_SCRIPT = """
root=$1; shift
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
while [ "$1" != -- ]; do mkdir -p "$root$1"; mount --bind "$1" "$root$1"; shift; done
shift
chroot "$root" /usr/bin/env "$@" || exit $?
"""


def chroot_command(*words: str, binds: Sequence[Path] = ()) -> list[str]:
    """The command line that runs `words` in the root, in the copy of the checkout; it ends everything it started.

    Args:
        binds: folders of this machine that are visible there, under the same paths.
    """
    settings = {
        **{key: value for key, value in os.environ.items() if PASSED_VARIABLES.fullmatch(key)},
        **ROOT_ENVIRONMENT,
    }
    environment = ["-i", "-C", str(CHECKOUT), *(f"{key}={value}" for key, value in settings.items())]
    folders = [str(folder.resolve()) for folder in binds]
    return [*UNSHARE_COMMAND, "/bin/sh", "-ec", _ENTER_SCRIPT, "sh", str(ROOT), *folders, "--", *environment, *words]


def ensure_root() -> None:
    """Build the root, if it is missing or was built with other packages.

    Raises:
        ToolUnavailable: it cannot be built on this machine; the message has the reason.
    """
    if os.geteuid() != 0:
        raise ToolUnavailable("a Debian root is built and entered as root: run it as root, or on Debian 13 itself")
    unshared = subprocess.run([*UNSHARE_COMMAND, "true"], capture_output=True, text=True, check=False)
    if unshared.returncode:
        raise ToolUnavailable(f"this machine does not allow mount namespaces: {unshared.stderr.strip()}")
    stamp, contents = ROOT / ".made-of", f"{SUITE} {PACKAGES}"
    if not (stamp.is_file() and stamp.read_text(encoding="utf-8") == contents):
        _build()
        stamp.write_text(contents, encoding="utf-8")
    for name in NETWORK_FILES:
        if Path("/", name).is_file():
            (ROOT / name).write_bytes(Path("/", name).read_bytes())


def _build() -> None:
    """Build the root in a temporary folder, and rename that when it is complete."""
    mirror, debootstrap = _mirror(), _debootstrap()
    free_gb = shutil.disk_usage(CACHE).free / 1e9
    if free_gb < REQUIRED_DISK_GB:
        raise ToolUnavailable(
            f"{CACHE} has {free_gb:.0f} GB left; the root and its environment take up to {REQUIRED_DISK_GB}"
        )
    print(f"Building a root of Debian {SUITE} in {ROOT} (once; about a minute from a near mirror)", flush=True)
    part = ROOT.with_suffix(".part")
    for stale in (part, ROOT):
        shutil.rmtree(stale, ignore_errors=True)  # nothing is ever mounted below it outside of a namespace
    options = ["--variant=minbase", "--force-check-gpg", f"--keyring={KEYRING}", f"--include={PACKAGES}"]
    log = CACHE / "debootstrap.log"
    with log.open("w", encoding="utf-8") as out:
        done = subprocess.run(
            [*UNSHARE_COMMAND, str(debootstrap / "usr/sbin/debootstrap"), *options, SUITE, str(part), mirror],
            env={**os.environ, "DEBOOTSTRAP_DIR": str(debootstrap / "usr/share/debootstrap")},
            stdout=out,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        last = [line for line in log.read_text(encoding="utf-8").splitlines() if line][-1:]
        raise ToolUnavailable(f"debootstrap could not build the root: {' '.join(last)} (all output is in {log})")
    part.rename(ROOT)


def _mirror() -> str:
    """The Debian mirror that this machine is configured with."""
    if os.environ.get(MIRROR_VARIABLE):
        return os.environ[MIRROR_VARIABLE]
    listed = run_apt("apt-get", "indextargets", "--format", "$(ORIGIN) $(COMPONENT) $(CODENAME) $(REPO_URI)")
    for line in listed.splitlines():
        origin, component, codename, address = line.split(" ", 3)
        if (origin, component) == ("Debian", "main") and "-" not in codename:  # no updates, no security
            return address
    raise ToolUnavailable(f"this machine's apt is configured with no Debian mirror; set {MIRROR_VARIABLE} to one")


def _debootstrap() -> Path:
    """The folder in the cache with debootstrap, a script that need not be installed."""
    return unpack_packages(["debootstrap"], CACHE / "debootstrap")
