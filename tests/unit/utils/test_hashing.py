from flightline.utils.hashing import BLOCK_BYTES, code_digest, file_digest


def test_a_large_file_is_digested_in_blocks(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(b"x" * (BLOCK_BYTES + 1))
    before = file_digest(path)
    path.write_bytes(b"x" * BLOCK_BYTES + b"y")
    assert file_digest(path) != before


def test_the_code_digest_covers_a_module_and_its_imports():
    assert code_digest("flightline.executors.data_gate.findings") != code_digest("flightline.errors")
    assert code_digest("flightline.modeling.training", "flightline.modeling.transforms") == code_digest(
        "flightline.modeling.training", "flightline.modeling.transforms"
    )
