from pipeline.digests import BLOCK, code_digest, file_digest


def test_a_large_file_is_read_whole(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(b"x" * (BLOCK + 1))
    before = file_digest(path)
    path.write_bytes(b"x" * BLOCK + b"y")
    assert file_digest(path) != before


def test_code_is_a_module_with_what_it_imports():
    assert code_digest("pipeline.gate.findings") != code_digest("pipeline.errors")
    assert code_digest("models.trainer", "models.preprocessing") == code_digest(
        "models.trainer", "models.preprocessing"
    )
