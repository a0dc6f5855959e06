"""Serving multiclass, regression and text-labelled binary releases: both protocols, the description, the log."""

from __future__ import annotations

import json
import math
import subprocess

import pytest
from model_server import ROOT, SERVING_PYTHON, running_server, wait_for
from small_releases import ROW, add_small_release

from flightline.serving.log_files import read_log

CLASSES = ["früh", "on time", "late"]
TARGETS = {
    "multiclass": {"task": "multiclass", "classes": CLASSES},
    "binary": {"task": "binary", "values": ["no", "yes"]},
    "regression": {"task": "regression"},
}
GRPC = """
import json, sys
import grpc
from mlserver.grpc import dataplane_pb2 as pb
from mlserver.grpc.dataplane_pb2_grpc import GRPCInferenceServiceStub

tensor = pb.ModelInferRequest.InferInputTensor
rows = tensor(name="rows", datatype="BYTES", shape=[1], contents={"bytes_contents": [sys.argv[2].encode()]})
channel = grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}")
response = GRPCInferenceServiceStub(channel).ModelInfer(pb.ModelInferRequest(model_name="flights", inputs=[rows]))
outputs = {output.name: output for output in response.outputs}
labels = [text.decode() for text in outputs["label"].contents.bytes_contents] if "label" in outputs else None
print(json.dumps({"names": list(outputs), "labels": labels}))
"""


@pytest.fixture(scope="module", params=list(TARGETS))
def served(request, tmp_path_factory):
    """(task, server)"""
    workspace = tmp_path_factory.mktemp(request.param) / "workspace"
    folder = workspace / "releases" / "flights"
    folder.mkdir(parents=True)
    add_small_release(folder, 7, target=TARGETS[request.param])
    with running_server(workspace, log={"flush_s": 0.05}) as server:
        yield request.param, server


def shares(delay: float) -> list[float]:
    powers = [math.exp(delay / 100), 1.0, math.exp(-delay / 100)]
    return [power / sum(powers) for power in powers]


def test_both_protocols_answer_for_every_task(served):
    task, server = served
    status, answer = server.predict(ROW, id="plain")
    assert status == 200
    rows = {"name": "rows", "datatype": "BYTES", "shape": [1], "data": [json.dumps(ROW)]}
    status, v2 = server.ask("/v2/models/flights/infer", {"id": "v2", "inputs": [rows]})
    assert status == 200
    outputs = {one["name"]: (one["datatype"], one["shape"], one["data"]) for one in v2["outputs"]}
    if task == "regression":
        assert answer["predictions"] == [{"prediction": pytest.approx(0.3)}]
        assert outputs == {"prediction": ("FP32", [1], [pytest.approx(0.3)])}
    elif task == "binary":
        assert answer["predictions"] == [{"probability": pytest.approx(outputs["probability"][2][0]), "label": "yes"}]
        assert outputs["label"] == ("BYTES", [1], ["yes"])
    else:
        expected = [pytest.approx(share) for share in shares(30)]
        named = dict(zip(CLASSES, expected, strict=True))
        assert answer["predictions"] == [{"probability": expected[0], "label": CLASSES[0], "probabilities": named}]
        assert outputs["probabilities"] == ("FP32", [1, 3], expected)
        assert outputs["label"] == ("BYTES", [1], [CLASSES[0]])


def test_grpc_answers_with_text_labels(served):
    task, server = served
    command = [str(SERVING_PYTHON), "-c", GRPC, str(server.grpc_port), json.dumps(ROW)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    labels = {"multiclass": [CLASSES[0]], "binary": ["yes"], "regression": None}
    assert json.loads(done.stdout)["labels"] == labels[task]


def test_the_openapi_description_matches_the_responses(served):
    task, server = served
    _, about = server.ask("/v2/models/flights")
    names = {one["name"] for one in about["outputs"]}
    _, answer = server.predict(ROW)
    _, described = server.ask("/predict/openapi.json")
    prediction = described["components"]["schemas"]["Predictions"]["properties"]["predictions"]["items"]
    assert names == set(prediction["properties"]) == set(answer["predictions"][0])
    if task == "multiclass":
        assert prediction["properties"]["label"]["enum"] == CLASSES


def test_the_log_has_the_class_or_the_predicted_number(served):
    task, server = served
    server.predict(ROW | {"dep_delay": -50}, id="kept")

    def kept():
        return [one for one in read_log(server.predictions).to_pylist() if one["_request_id"] == "kept"]

    wait_for(kept, 10)
    [row] = kept()
    if task == "regression":
        assert row["_prediction"] == pytest.approx(-0.5)
        assert not {"_probability", "_label", "_class"} & set(row)
    elif task == "binary":
        assert row["_probability"] == pytest.approx(1 / (1 + math.exp(0.5)))
    else:
        assert (row["_class"], row["_probability"]) == ("late", pytest.approx(shares(-50)[2]))
