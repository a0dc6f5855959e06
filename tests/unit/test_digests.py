from hypothesis import given
from hypothesis import strategies as st

from pipeline.digests import BLOCK, code_digest, file_digest, files_digest


def write(folder, files):
    paths = []
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        paths.append(path)
    return paths


def test_a_digest_is_of_content_not_of_place_or_time(tmp_path):
    files = {"a.py": b"1", "b/c.py": b"2"}
    here, there = (files_digest(write(tmp_path / place, files), tmp_path / place) for place in ("x", "y"))
    assert here == there


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.binary(max_size=3), min_size=1))
def test_any_change_changes_it(tmp_path_factory, files):
    folder = tmp_path_factory.mktemp("files")
    before = files_digest(write(folder, files), folder)
    name = next(iter(files))
    changed = write(folder, {**files, name: files[name] + b"x"})
    assert files_digest(changed, folder) != before


def test_a_large_file_is_read_whole(tmp_path):
    [path] = write(tmp_path, {"large": b"x" * (BLOCK + 1)})
    before = file_digest(path)
    path.write_bytes(b"x" * BLOCK + b"y")
    assert file_digest(path) != before


def test_code_of_a_package_or_module():
    assert code_digest("pipeline.gate") != code_digest("pipeline.errors")
    assert code_digest("models") == code_digest("models")
