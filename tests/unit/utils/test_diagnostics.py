"""Errors of the machine in plain words."""

import errno

import pytest

from flightline.utils.diagnostics import diagnose

LOCKED = "the metadata store is locked by another program"


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "x/y"), "the disk is full (x/y)"),
        (OSError(errno.EROFS, "Read-only file system"), "the disk is read-only"),
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
