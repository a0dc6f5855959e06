import json

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.metadata.cache_key import compute_key_parts, reason_to_run
from flightline.metadata.key_parts import KeyParts
from flightline.metadata.properties import CONTENT_DIGEST_PROPERTY
from flightline.utils.hashing import code_digest


def artifact(content="abc", number=1, **properties):
    made = pb.Artifact(id=number, uri=f"/somewhere/{number}", create_time_since_epoch=number)
    if content:
        made.custom_properties[CONTENT_DIGEST_PROPERTY].string_value = content
    for name, value in properties.items():
        field = "int_value" if isinstance(value, int) else "string_value"
        setattr(made.custom_properties[name], field, value)
    return made


def key(artifacts, parameters=None, executor=None):
    return compute_key_parts({"examples": artifacts}, parameters or {}, executor).key


def test_artifacts_are_identified_by_their_content():
    assert key([artifact(number=1)]) == key([artifact(number=2)])
    assert key([artifact(number=1, name="first run")]) == key([artifact(number=2, name="second run")])
    assert key([artifact("abc")]) != key([artifact("abd")])


@pytest.mark.parametrize("properties", [{"span": 2}, {"rows_read": 8}, {"split_names": '["a"]'}])
def test_the_key_changes_with_the_properties_that_steps_read(properties):
    assert key([artifact()]) != key([artifact(**properties)])


def test_the_order_of_split_names_does_not_change_the_key():
    assert key([artifact(split_names='["train", "eval"]')]) == key([artifact(split_names='["eval", "train"]')])


def test_an_artifact_of_unknown_content_equals_itself_alone():
    assert key([artifact(None, 1)]) == key([artifact(None, 1)]) != key([artifact(None, 2)])


def test_files_touched_are_no_change_and_other_parameters_are():
    fingerprint = {"input_fingerprint": "split:a,num_files:1,total_bytes:7,xor_checksum:1,sum_checksum:1"}
    assert key([], fingerprint) == key([], {"input_fingerprint": "split:a,sum_checksum:2"})
    assert key([], {"label": "late"}) != key([], {"label": "early"})


def test_the_code_of_a_step_is_its_executor_and_the_modules_that_its_parameters_name():
    plain = compute_key_parts({}, {}, "tfx.components.schema_gen.executor.Executor")
    assert plain.code == ""
    gate = compute_key_parts({}, {}, "flightline.components.data_gate.Executor")
    assert gate.code == code_digest("flightline.components.data_gate") != ""
    assert compute_key_parts({}, {"run_fn": "models.trainer.run_fn"}, None).code == code_digest("models.trainer")


def test_an_edit_changes_the_key_of_steps_that_import_the_module_only(tmp_path, monkeypatch):
    folder = tmp_path / "users"
    folder.mkdir()
    for name, text in {"__init__": "", "base": "x = 1\n", "above": "from users.base import x\n", "beside": ""}.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    before = {name: code_digest(f"users.{name}") for name in ("base", "above", "beside")}
    (folder / "base.py").write_text("x = 2\n")
    after = {name: code_digest(f"users.{name}") for name in ("base", "above", "beside")}
    assert {name for name in before if before[name] != after[name]} == {"base", "above"}


def test_changes_are_described_in_words():
    before = KeyParts({"examples": "1", "schema": "1"}, {"label": "1"}, "code", "lock")
    after = KeyParts({"examples": "2", "schema": "2"}, {"label": "1", "limit": "9"}, "edited", "lock")
    assert after.changed_since(before) == ["inputs examples, schema", "parameter limit", "code"]
    assert KeyParts.from_json(after.to_json()) == after
    assert reason_to_run(after, before, cache=True) == "changed: inputs examples, schema, parameter limit, code"
    assert reason_to_run(after, None, cache=True) == "first run"
    assert reason_to_run(after, after, cache=False) == "without the cache"
    assert "removed" in reason_to_run(after, after, cache=True)


def test_a_parameter_that_is_an_object_is_named_by_its_leaf():
    def parts(epochs, data="1", code="1"):
        custom = {"train": {"epochs": epochs, "seed": 0}, "custom_fields": {"data_digest": data}, "code_digest": code}
        return compute_key_parts({}, {"custom_config": json.dumps(custom)}, None)

    assert parts(2).changed_since(parts(1)) == ["parameter train.epochs"]
    assert parts(1, data="2").changed_since(parts(1)) == ["parameter content of the input files"]
    assert parts(1, code="2").changed_since(parts(1)) == []
    assert parts(1, code="2").key != parts(1).key


def test_a_long_list_of_changes_is_cut_short():
    many = KeyParts({}, {f"p{i}": "1" for i in range(9)}, "", "")
    assert many.changed_since(KeyParts({}, {}, "", "")) == ["parameters p0, p1, p2, p3 and 5 more"]
