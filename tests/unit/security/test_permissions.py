import os
import stat

import pytest

from flightline.releases import audit_log
from flightline.utils.file_lock import hold_lock
from flightline.utils.files import make_private_folder, restrict_umask


@pytest.fixture
def umask():
    """Sets a umask for the length of a test."""
    before = os.umask(0)
    os.umask(before)
    yield os.umask
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(("had", "has"), [(0, 0o022), (0o002, 0o022), (0o022, 0o022), (0o077, 0o077), (0o027, 0o027)])
def test_a_lax_umask_becomes_stricter_and_a_strict_one_stays(umask, had, has):
    umask(had)
    restrict_umask()
    assert umask(0) == has


def test_a_folder_is_closed_to_others_when_it_is_made_and_left_when_it_was_there(tmp_path, umask):
    umask(0)
    make_private_folder(tmp_path / "a" / "workspace")
    assert mode(tmp_path / "a" / "workspace") == 0o750
    (tmp_path / "a" / "workspace").chmod(0o755)
    make_private_folder(tmp_path / "a" / "workspace")
    assert mode(tmp_path / "a" / "workspace") == 0o755


def test_every_command_that_makes_a_workspace_makes_it_private(tmp_path):
    with hold_lock(tmp_path / "locked", "flights", "a run"):
        pass
    audit_log.record(tmp_path / "audited", "rolled back", release="7")
    assert mode(tmp_path / "locked") == mode(tmp_path / "audited") == 0o750


def test_files_are_not_writable_by_others_even_with_umask_0(tmp_path, umask):
    umask(0)
    restrict_umask()
    audit_log.record(tmp_path / "workspace", "rolled back", release="7")
    written = [path for path in (tmp_path / "workspace").rglob("*") if path.is_file()]
    assert len(written) >= 2
    assert not [path for path in written if mode(path) & 0o022]
