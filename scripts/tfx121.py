"""TFX 1.21 on a machine that has TFX 1.16: a Debian 13 root in the cache, with a copy of the checkout in it.

python -m scripts.tfx121 setup             builds the root and its environment, if they are missing or out of date
python -m scripts.tfx121 run COMMAND...    runs a command there, in an up-to-date copy of the checkout
python -m scripts.tfx121 test [OPTIONS]    runs the suite, `make run`, and the comparison of both TFX versions in
                                           tests/tfx121; `--end-to-end`: without the suite
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.job_server import ToolUnavailable
from scripts.tfx121_root import CHECKOUT, ROOT, chroot_command, ensure_root

REPOSITORY = Path(__file__).resolve().parents[1]
COPIED_MANIFEST = "copied.txt"  # next to the root: lists the files of the checkout that are in it
END_TO_END_OPTION = "--end-to-end"


def ensure_tfx121_root() -> None:
    """Build or update the root, the copy of the checkout in it, and its environment.

    Raises:
        ToolUnavailable: one of them cannot be built on this machine.
    """
    ensure_root()
    copy_checkout()
    done = subprocess.run(chroot_command("scripts/setup.sh"), check=False)
    if done.returncode:
        raise ToolUnavailable(
            f"the lock could not be installed in {ROOT}: scripts/setup.sh ended with {done.returncode}"
        )


def copy_checkout() -> None:
    """Copy the files that git tracks, or would track, into the root; files that runs there made are kept.

    The checkout itself is not used: it has an environment, data and a workspace of this machine's TFX.
    """
    listed = subprocess.run(
        [
            shutil.which("git") or "git",
            "-C",
            str(REPOSITORY),
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    names = {name for name in listed.stdout.split("\0") if name and (REPOSITORY / name).is_file()}
    target, manifest = ROOT / CHECKOUT.relative_to("/"), ROOT.parent / COPIED_MANIFEST
    before = set(manifest.read_text(encoding="utf-8").split("\0")) if manifest.is_file() else set()
    for name in sorted(before - names):
        (target / name).unlink(missing_ok=True)
    manifest.write_text("\0".join(sorted(before | names)), encoding="utf-8")
    for name in sorted(names):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, target / name)
    manifest.write_text("\0".join(sorted(names)), encoding="utf-8")


def run_tests(options: Sequence[str]) -> int:
    """Run the tests on TFX 1.21; returns the exit code of the first part that fails, or 0."""
    test_options = " ".join(option for option in options if option != END_TO_END_OPTION)
    parts = [chroot_command("make", "run", "ARGS=--plain"), [sys.executable, "-m", "pytest", "tests/tfx121"]]
    if END_TO_END_OPTION not in options:
        parts.insert(0, chroot_command("make", "test", f"ARGS={test_options}"))
    for part in parts:
        code = subprocess.run(part, cwd=REPOSITORY, check=False).returncode
        if code:
            return code
    return 0


def main(argv: Sequence[str]) -> int:
    """Run the command line; returns the exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends what was started, too
    action, rest = (argv[0] if argv else "help"), list(argv[1:])
    if action not in ("setup", "run", "test") or (action == "run" and not rest):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        ensure_tfx121_root()
    except ToolUnavailable as problem:
        print(f"flightline: {problem}", file=sys.stderr)
        return problem.exit_code
    if action == "run":
        command = chroot_command(*rest)
        os.execvp(command[0], command)  # noqa: S606 - replaces this process, so that a signal, even SIGKILL, ends all of it
    return run_tests(rest) if action == "test" else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
