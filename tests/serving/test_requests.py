"""Requests over `/predict`, V2 REST and V2 gRPC."""

from __future__ import annotations

import json
import math
import subprocess
from pathlib import Path

import pytest
from model_server import ROOT, SERVING_PYTHON, wait_for
from small_releases import ROW

from flightline.serving.log_files import read_log


def sigmoid(delay):
    return pytest.approx(1 / (1 + math.exp(-delay / 100)), abs=1e-6)


def named_inputs(**columns):
    kinds = {"dep_delay": "INT64", "distance": "INT64", "origin": "BYTES", "tailnum": "BYTES", "temp": "FP32"}
    inputs = [
        {"name": name, "datatype": kinds[name], "shape": [len(values)], "data": values}
        for name, values in columns.items()
    ]
    return {"inputs": inputs}


def test_a_response_has_probability_label_version_and_request_id(server):
    status, answer = server.predict(ROW, ROW | {"dep_delay": -50}, id="order-1")
    assert status == 200
    assert answer["id"] == "order-1"
    assert (answer["model"], answer["version"]) == ("flights", "7")
    assert answer["predictions"] == [
        {"probability": sigmoid(30), "label": 1},
        {"probability": sigmoid(-50), "label": 0},
    ]


def test_the_request_id_comes_from_the_header_or_is_generated(server):
    assert server.ask("/predict", {"rows": [ROW]}, X_Request_Id="abc")[1]["id"] == "abc"
    ids = {server.predict(ROW)[1]["id"] for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("change", "feature"),
    [
        ({"dep_delay": None}, "dep_delay"),
        ({"dep_delay": "late"}, "dep_delay"),
        ({"dep_delay": 99_999}, "dep_delay"),
        ({"origin": "BOS"}, "origin"),
        ({"temp": "warm"}, "temp"),
        ({"tempp": 1.0}, "tempp"),
    ],
)
def test_an_invalid_row_gets_400_with_the_name_of_the_feature(server, change, feature):
    before = server.metric("flightline_rows_total")
    status, answer = server.predict(ROW, ROW | change)
    assert status == 400
    assert answer["error"].startswith(f"row 1: {feature}: ")
    assert [(one["row"], one["feature"]) for one in answer["problems"]] == [(1, feature)]
    assert server.metric("flightline_rows_total") == before  # nothing was inferred


def test_an_invalid_v2_request_gets_the_name_of_the_feature(server):
    status, answer = server.ask(
        "/v2/models/flights/infer", named_inputs(dep_delay=[1, 5000], distance=[10, 10], origin=["EWR", "EWR"])
    )
    assert status == 400
    assert "row 1: dep_delay: 5000 is above 2880" in answer["error"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"rows": 1}', b'{"rows": []}', b'{"rows": [1]}', b"\xff"])
def test_a_body_without_a_list_of_rows_gets_400(server, body):
    status, answer = server.ask("/predict", body, method="POST")
    assert status == 400
    assert answer["error"]


def test_too_many_rows_get_400(server):
    assert server.predict(*[ROW] * 2001)[0] == 400
    assert len(server.predict(*[ROW] * 2000)[1]["predictions"]) == 2000


def test_optional_values_may_be_missing(server):
    bare = {name: ROW[name] for name in ("dep_delay", "distance", "origin")}
    status, answer = server.predict(bare, bare | {"temp": None, "tailnum": ""})
    assert status == 200
    assert answer["predictions"] == [{"probability": sigmoid(30), "label": 1}] * 2


def test_v2_named_inputs(server):
    asked = named_inputs(dep_delay=[30, -50], distance=[9, 9], origin=["EWR", "JFK"], temp=[None, 40])
    status, answer = server.ask("/v2/models/flights/infer", {"id": "q-1", **asked})
    assert status == 200
    assert (answer["id"], answer["model_name"], answer["model_version"]) == ("q-1", "flights", "7")
    outputs = {output["name"]: output for output in answer["outputs"]}
    assert outputs["probability"]["data"] == [sigmoid(30), sigmoid(-50)]
    assert outputs["probability"]["shape"] == [2]
    assert outputs["label"]["data"] == [1, 0]


def test_v2_rows_as_json_texts(server):
    rows = {"name": "rows", "datatype": "BYTES", "shape": [1], "data": [json.dumps(ROW)]}
    status, answer = server.ask("/v2/models/flights/infer", {"inputs": [rows]})
    assert status == 200
    assert answer["outputs"][0]["data"] == [sigmoid(30)]


def test_v2_metadata_and_health(server):
    status, about = server.ask("/v2/models/flights")
    assert status == 200
    assert {one["name"]: one["datatype"] for one in about["inputs"]}["temp"] == "FP32"
    assert server.ask("/v2/health/ready")[0] == 200
    assert server.ask("/v2/models/other/infer", named_inputs(temp=[1]))[0] == 404


GRPC = """
import sys
import grpc
from mlserver.grpc import dataplane_pb2 as pb
from mlserver.grpc.dataplane_pb2_grpc import GRPCInferenceServiceStub

stub = GRPCInferenceServiceStub(grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}"))
tensor = pb.ModelInferRequest.InferInputTensor
request = pb.ModelInferRequest(model_name="flights", id="g-1")
for name, delays in (("dep_delay", [30, -50]), ("distance", [9, 9])):
    request.inputs.append(tensor(name=name, datatype="INT64", shape=[2], contents={"int64_contents": delays}))
request.inputs.append(
    tensor(name="origin", datatype="BYTES", shape=[2], contents={"bytes_contents": [b"EWR", b"JFK"]})
)
request.inputs.append(tensor(name="temp", datatype="FP64", shape=[2], contents={"fp64_contents": [float("nan"), 4]}))
answer = stub.ModelInfer(request)
probabilities, labels = (output.contents for output in answer.outputs)
print(answer.id, answer.model_version, *probabilities.fp32_contents, *labels.int64_contents)
request.inputs[2].contents.bytes_contents[1] = b"BOS"
try:
    stub.ModelInfer(request)
except grpc.RpcError as error:
    print(error.code().name, error.details())
"""


def test_grpc(server):
    command = [str(SERVING_PYTHON), "-c", GRPC, str(server.grpc_port)]
    asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert asked.returncode == 0, asked.stderr
    answer, refused = asked.stdout.splitlines()
    request_id, version, late, early, *labels = answer.split()
    assert (request_id, version, labels) == ("g-1", "7", ["1", "0"])
    assert (float(late), float(early)) == (sigmoid(30), sigmoid(-50))
    assert refused.startswith("INVALID_ARGUMENT")
    assert "origin" in refused


def test_openapi_describes_the_rows(server):
    status, document = server.ask("/predict/openapi.json")
    assert status == 200
    row = document["components"]["schemas"]["Row"]
    assert row["required"] == ["dep_delay", "distance", "origin"]
    assert row["properties"]["dep_delay"] == {"type": "integer", "minimum": -120, "maximum": 2880}
    assert row["properties"]["origin"]["enum"] == ["EWR", "JFK", "LGA"]
    assert row["properties"]["temp"]["type"] == ["number", "null"]
    assert row["additionalProperties"] is False


def test_every_request_is_logged_with_its_prediction(server):
    server.predict(ROW, ROW | {"dep_delay": 7}, id="logged")
    server.predict(ROW | {"origin": "BOS"}, id="refused")

    def rows(request_id):
        return [row for row in read_log(server.predictions).to_pylist() if row["_request_id"] == request_id]

    wait_for(lambda: rows("logged") and rows("refused"), 10)
    first, second = rows("logged")
    assert {name: first[name] for name in ("dep_delay", "distance", "origin", "tailnum")} == {
        name: ROW[name] for name in ("dep_delay", "distance", "origin", "tailnum")
    }
    assert second["_probability"] == sigmoid(7)
    assert (second["_row"], second["_version"], second["_role"], second["_label"]) == (1, "7", "current", 1)
    assert 0 < second["_latency_ms"] < 10_000
    [refused] = rows("refused")
    assert refused["_error"].startswith("row 0: origin: ")
    assert refused["_probability"] is None


def test_the_server_listens_on_the_local_machine_only(server):
    ports = (server.http_port, server.grpc_port, server.metrics_port)
    listening = [
        line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()
    ]
    addresses = [columns[1].split(":") for columns in listening if columns[3] == "0A"]
    ours = [address for address, port in addresses if int(port, 16) in ports]
    assert len(ours) == 3
    assert all(address.endswith("0100007F") for address in ours)  # 127.0.0.1, or ::ffff:127.0.0.1


def test_the_metrics_include_the_last_monitored_window(server):
    assert server.metric("flightline_skew", feature="temp") == 0
    file = server.workspace / "monitoring" / "flights" / "flightline.prom"
    file.parent.mkdir(parents=True)
    file.write_text('# HELP flightline_skew x\n# TYPE flightline_skew gauge\nflightline_skew{feature="temp"} 0.25\n')
    assert server.metric("flightline_skew", feature="temp") == 0.25
