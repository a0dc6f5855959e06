"""Errors of the machine in plain words."""

import errno

import pytest

from flightline.utils.diagnostics import diagnose

LOCKED = "the metadata store is locked by another program"


def caused_by(cause):
    """An error that a library raised in place of its cause."""
    error = ValueError("the file could not be closed")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "x/y"), "the disk is full (x/y)"),
        (OSError(errno.EROFS, "Read-only file system"), "the disk is read-only"),
        (
            RuntimeError(
                "RESOURCE_EXHAUSTED: /ws/artifacts/Trainer/model/5/variables; No space left on device [Op:SaveV2]"
            ),
            "the disk is full (/ws/artifacts/Trainer/model/5/variables)",
        ),
        (RuntimeError("OSError: [Errno 122] Disk quota exceeded [while running 'Write']"), "the disk quota is used up"),
        (caused_by(OSError(errno.ENOSPC, "No space left on device", "x/y")), "the disk is full (x/y)"),
        (RuntimeError("INTERNAL: database is locked; while ..."), LOCKED),
        (
            RuntimeError("ABORTED: Concurrent writes aborted after max"),
            LOCKED,
        ),
        (RuntimeError("database disk image is malformed"), "the metadata store is damaged"),
    ],
)
def test_machine_errors_are_explained(error, problem):
    assert diagnose(error).problem == problem
    assert diagnose(ValueError("something else")) is None
