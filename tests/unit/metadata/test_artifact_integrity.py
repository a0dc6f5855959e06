import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.metadata.artifact_integrity import describe_damage, find_artifact_damage, record_artifact


@pytest.fixture
def artifact(tmp_path):
    (tmp_path / "Split-train").mkdir()
    (tmp_path / "Split-train" / "rows.gz").write_bytes(b"0123456789")
    found = pb.Artifact(id=7, type="Examples", uri=str(tmp_path), state=pb.Artifact.LIVE)
    record_artifact(found)
    return found


def test_a_split_that_was_cut_is_damaged(artifact, tmp_path):
    assert find_artifact_damage(artifact) == []
    (tmp_path / "Split-train" / "rows.gz").write_bytes(b"01234")
    [damage] = find_artifact_damage(artifact, by_content=False)
    assert damage == "Split-train/rows.gz has 5 bytes, recorded were 10"
    assert str(tmp_path) in describe_damage(artifact, [damage])


@pytest.mark.parametrize(("kind", "found"), [("Examples", False), ("Model", True), ("TransformGraph", True)])
def test_models_are_compared_by_content_whatever_the_setting(artifact, tmp_path, kind, found):
    artifact.type = kind
    (tmp_path / "Split-train" / "rows.gz").write_bytes(b"9876543210")
    assert bool(find_artifact_damage(artifact, by_content=False)) is found


def test_collected_and_unrecorded_artifacts_are_not_damaged(artifact, tmp_path):
    (tmp_path / "Split-train" / "rows.gz").unlink()
    artifact.state = pb.Artifact.DELETED
    assert find_artifact_damage(artifact) == []
    assert find_artifact_damage(pb.Artifact(uri=str(tmp_path), type="Examples")) == []
