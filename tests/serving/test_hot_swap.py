"""Releases are replaced under load without failed requests."""

from __future__ import annotations

import shutil
import threading

import pytest
from model_server import running_server, wait_for
from small_releases import INPUTS, ROW, add_small_release, make_current, save_model

from flightline.releases.registry import publish_release
from scripts.load_generator import send_load

REQUESTS, SWAPS = 100_000, 20


def test_no_request_fails_during_twenty_release_swaps(releases):
    versions = [add_small_release(releases, version, bias=version / 10) for version in (1, 2, 3)]
    with running_server(releases.parents[1]) as server:
        outcomes = []
        rows = [ROW | {"dep_delay": delay} for delay in range(3)]

        def send():
            outcomes.append(
                send_load(server.http_port, REQUESTS, 8, lambda number: {"rows": rows[: 1 + number % 3]}, timeout_s=900)
            )

        sender = threading.Thread(target=send)
        sender.start()
        swapped = []
        for number in range(SWAPS):
            version = versions[number % 3]  # forwards and back: promotions and rollbacks
            make_current(releases, version)
            wait_for(lambda version=version: server.served["current"] == version)
            before = server.metric("flightline_requests_total", version=version, outcome="answered")
            wait_for(
                lambda version=version, before=before: (
                    server.metric("flightline_requests_total", version=version, outcome="answered") > before
                )
            )
            swapped.append(version)
        assert sender.is_alive()  # every swap was under load
        sender.join()
        [outcome] = outcomes
        assert (outcome.requests, outcome.failed) == (REQUESTS, 0), outcome.failures
        assert outcome.versions.total() == REQUESTS
        assert set(outcome.versions) == set(versions)
        assert [event["current"] for event in server.events if event["event"] == "serving"][1:] == swapped


def test_a_response_comes_from_the_release_that_it_names(releases):
    from math import exp

    add_small_release(releases, 1, bias=0.0)
    add_small_release(releases, 2, bias=2.0)
    with running_server(releases.parents[1]) as server:
        stop = threading.Event()

        def swap():
            while not stop.is_set():
                for version in ("1", "2"):
                    make_current(releases, version)
                    stop.wait(0.3)

        swapper = threading.Thread(target=swap)
        swapper.start()
        seen = set()
        for _ in range(600):
            _, answer = server.predict(*[ROW | {"dep_delay": 0}] * 50)
            expected = 1 / (1 + exp(-{"1": 0.0, "2": 2.0}[answer["version"]]))
            assert all(abs(one["probability"] - expected) < 1e-6 for one in answer["predictions"])
            seen.add(answer["version"])
        stop.set()
        swapper.join()
        assert seen == {"1", "2"}


def test_an_invalid_release_is_rejected_and_the_old_one_stays(releases):
    add_small_release(releases, 1)
    with running_server(releases.parents[1]) as server:

        def rejection_reason(version, make):
            make(releases / version)
            (releases / "CURRENT").write_text(f"{version}\n")
            wait_for(lambda: any(one.get("version") == version for one in server.events))
            event = next(one for one in server.events if one.get("version") == version)
            assert event["event"] == "release rejected"
            assert server.served == {"current": "1"}
            assert server.predict(ROW)[1]["version"] == "1"
            return event["reason"]

        def torn(folder):
            shutil.copytree(releases / "1", folder)
            (folder / "saved_model.pb").write_bytes((folder / "saved_model.pb").read_bytes()[:1000])

        def without_weights(folder):
            shutil.copytree(releases / "1", folder)
            shutil.rmtree(folder / "variables")

        def without_description(folder):
            save_model(folder, 0.0)

        def released_torn(folder):
            torn(folder)
            publish_release(folder, {"run": "a", "inputs": INPUTS})

        def not_finite(folder):
            add_small_release(releases, int(folder.name), bias=float("nan"))

        def asks_for_what_it_does_not_say(folder):
            add_small_release(releases, int(folder.name), inputs=[{"name": "temp", "type": "float"}])

        assert "is damaged: saved_model.pb has 1,000 bytes" in rejection_reason("2", torn)
        assert "is damaged: variables/" in rejection_reason("3", without_weights)
        assert "no release.json" in rejection_reason("4", without_description)
        assert "not probabilities" in rejection_reason("5", not_finite)
        assert "fails on a sample request" in rejection_reason("6", asks_for_what_it_does_not_say)
        assert "does not load" in rejection_reason("7", released_torn)
        add_small_release(releases, 8)
        wait_for(lambda: server.served == {"current": "8"})  # and it follows on


def test_a_reload_through_the_repository_api_updates_at_once(releases):
    add_small_release(releases, 1)
    with running_server(releases.parents[1], poll_s=1000) as server:
        add_small_release(releases, 2, inputs=INPUTS[:3])
        assert server.served == {"current": "1"}
        assert server.ask("/v2/repository/models/flights/load", {})[0] == 200
        assert server.served == {"current": "2"}
        about = server.ask("/v2/models/flights")[1]
        assert about["versions"] == ["2"]
        assert [one["name"] for one in about["inputs"]] == ["dep_delay", "distance", "origin"]
        assert server.predict({name: ROW[name] for name in ("dep_delay", "distance", "origin")})[0] == 200
        assert "is not a feature" in server.predict(ROW)[1]["error"]


def test_the_server_stops_without_a_valid_release(releases):

    add_small_release(releases, 1)
    (releases / "1" / "saved_model.pb").unlink()
    with pytest.raises(AssertionError) as shown, running_server(releases.parents[1]):  # what it says until it ends
        pass
    assert "is damaged: saved_model.pb" in str(shown.value)
    assert "flightline: the server stopped with exit code 2" in str(shown.value)
