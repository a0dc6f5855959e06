"""Errors of the machine in plain words."""

import errno

import pytest

from flightline.utils.diagnostics import diagnose

LOCKED = "the metadata store is locked by another program"


@pytest.mark.parametrize(
    ("error", "told"),
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
def test_what_is_wrong_with_the_machine_is_said_in_plain_words(error, told):
    assert diagnose(error).what == told
    assert diagnose(ValueError("something else")) is None
