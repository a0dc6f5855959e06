"""Shadow and canary releases on a running server."""

from __future__ import annotations

import json

import pytest
from model_server import running_server, wait_for
from small_releases import INPUTS, ROW, add_small_release, make_current

from flightline.releases.audit_log import verify
from flightline.serving.deployment import hash_fraction
from flightline.serving.log_files import read_log
from scripts.load_generator import send_load


def canary(releases, version, share):
    (releases / "CANARY").write_text(json.dumps({"version": version, "traffic_share": share}))


def body(number):
    return {"rows": [ROW | {"dep_delay": number % 200 - 60}], "id": str(number)}


def test_a_shadow_predicts_into_the_log_only(releases):
    add_small_release(releases, 2, bias=1.0)
    add_small_release(releases, 1)
    (releases / "SHADOW").write_text("2\n")
    with running_server(releases.parents[1], log={"flush_s": 0.05}) as server:
        assert server.served == {"current": "1", "shadow": "2"}
        outcome = send_load(server.http_port, 300, 4, body)
        assert outcome.failed == 0
        assert set(outcome.versions) == {"1"}
        wait_for(lambda: read_log(server.predictions).num_rows == 300, 20)
        for row in read_log(server.predictions).to_pylist():
            assert (row["_version"], row["_shadow_version"]) == ("1", "2")
            assert row["_shadow_probability"] > row["_probability"]
        (releases / "SHADOW").unlink()
        wait_for(lambda: server.served == {"current": "1"})


def test_a_shadow_with_fewer_features_gets_only_those(releases):
    add_small_release(releases, 2, bias=1.0, inputs=INPUTS[:3])
    add_small_release(releases, 1)
    (releases / "SHADOW").write_text("2\n")
    with running_server(releases.parents[1], log={"flush_s": 0.05}) as server:
        assert server.predict(ROW)[0] == 200
        wait_for(lambda: read_log(server.predictions).num_rows == 1, 20)
        [row] = read_log(server.predictions).to_pylist()
        assert row["_shadow_probability"] > row["_probability"]
        assert row["temp"] == pytest.approx(ROW["temp"])


def test_a_canary_answers_its_share_by_request_id_and_a_good_one_stays(releases):
    add_small_release(releases, 2)
    add_small_release(releases, 1)
    canary(releases, "2", 0.3)
    with running_server(releases.parents[1], canary={"min_requests": 100, "max_latency_ratio": 100.0}) as server:
        assert server.served == {"current": "1", "canary": "2", "traffic_share": 0.3}
        outcome = send_load(server.http_port, 2000, 4, body)
        assert outcome.failed == 0
        expected = sum(hash_fraction(str(number)) < 0.3 for number in range(2000))
        assert outcome.versions == {"1": 2000 - expected, "2": expected}
        assert 500 < expected < 700
        wait_for(lambda: server.served["canary"] == "2")  # some looks later
        assert server.predict(ROW, id="0")[1]["version"] == server.predict(ROW, id="0")[1]["version"]


@pytest.mark.parametrize(
    ("made", "ratio", "reason"),
    [
        ({"bias": 3.0}, 100.0, "predictions differ"),
        ({"slow_ms": 150}, 3.0, "latency"),
    ],
)
def test_a_worse_canary_is_rolled_back_automatically(releases, made, ratio, reason):
    add_small_release(releases, 2, **made)
    add_small_release(releases, 1)
    canary(releases, "2", 0.5)
    with running_server(releases.parents[1], canary={"min_requests": 50, "max_latency_ratio": ratio}) as server:
        outcome = send_load(server.http_port, 300, 2, body)
        assert outcome.failed == 0
        wait_for(lambda: server.served == {"current": "1"})
        [event] = [one for one in server.events if one["event"] == "canary rolled back"]
        assert event["version"] == "2"
        assert reason in event["reason"]
        assert not (releases / "CANARY").exists()
        assert json.loads((releases / "CANARY.rolled-back").read_text())["version"] == "2"
        wait_for(lambda: [one.facts for one in verify(server.workspace) if one.event == "canary rolled back"])
        assert server.metric("flightline_release_changes_total", outcome="canary rolled back") == 1


def test_a_request_that_fails_in_the_canary_is_answered_by_the_current_release(releases):
    add_small_release(releases, 2, fails_on="N-broken")
    add_small_release(releases, 1)
    canary(releases, "2", 0.5)
    with running_server(releases.parents[1]) as server:
        assert server.served["canary"] == "2"
        outcome = send_load(
            server.http_port, 400, 2, lambda number: {"rows": [ROW | {"tailnum": "N-broken"}], "id": str(number)}
        )
        assert outcome.failed == 0
        assert set(outcome.versions) == {"1"}
        wait_for(lambda: server.served == {"current": "1"})
        [event] = [one for one in server.events if one["event"] == "canary rolled back"]
        assert "failed" in event["reason"]


def test_a_promoted_canary_is_no_longer_a_canary(releases):
    add_small_release(releases, 2)
    add_small_release(releases, 1)
    canary(releases, "2", 0.5)
    with running_server(releases.parents[1]) as server:
        assert server.served["canary"] == "2"
        make_current(releases, "2")
        wait_for(lambda: server.served == {"current": "2"})
