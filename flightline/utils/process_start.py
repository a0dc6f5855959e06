"""What a process needs before it does anything, and what some machines do not give it.

Paths in UTF-8 (not under LC_ALL=POSIX with PYTHONUTF8=0), open standard streams (not with `>&- 2>&-`), a name of the
user (not with an arbitrary uid in a container), and files that only their owner may write.
"""

from __future__ import annotations

import getpass
import os
import sys

from flightline.errors import UsageError, print_error
from flightline.utils.files import restrict_umask
from flightline.utils.user import current_user


def prepare_process() -> None:
    """Prepare this process; call it first. May start the process again, in UTF-8."""
    _open_standard_streams()
    _require_utf8()
    _name_user()
    restrict_umask()


def _open_standard_streams() -> None:
    """Open /dev/null for closed standard streams: else the next file that is opened would receive what is printed."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - open for the whole process
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def _require_utf8() -> None:
    """Start again with PYTHONUTF8=1 where Python takes paths for ASCII: names such as é could be written nowhere."""
    if sys.getfilesystemencoding().lower() == "utf-8":
        return
    if os.environ.get("PYTHONUTF8") == "1":  # Python was told to ignore it
        problem = f"Python takes paths for {sys.getfilesystemencoding()}, not UTF-8"
        print_error(sys.stderr, UsageError(problem, "set LC_ALL=C.UTF-8, and leave out -E, -I and -X utf8=0"))
        sys.exit(UsageError.exit_code)
    environment = {**os.environ, "PYTHONUTF8": "1"}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)  # noqa: S606 - this process, again


def _name_user() -> None:
    """Give a user without an entry in the password file a name, which Beam and others ask for."""
    try:
        getpass.getuser()
    except (KeyError, OSError):
        os.environ["LOGNAME"] = current_user().partition("@")[0]
