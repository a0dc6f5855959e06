"""Seldon Core v1: a predictor for each release; the ports that its operator looks for."""

from __future__ import annotations

from rendered_manifests import ACCESS_SETTINGS, config_with_releases, render_manifests


def pods(deployment):
    return [one["componentSpecs"][0]["spec"] for one in deployment["spec"]["predictors"]]


def test_each_release_has_a_predictor_with_its_traffic(config):
    [deployment] = render_manifests(config, "seldon-v1", canary=10)
    assert [(one["name"], one["traffic"]) for one in deployment["spec"]["predictors"]] == [
        ("release-18", 90),
        ("release-17", 10),
    ]
    fetched = [pod["initContainers"][0]["args"][0] for pod in pods(deployment)]
    assert fetched == ["gs://bucket/releases/18", "gs://bucket/releases/17"]


def test_the_fetched_release_is_the_served_one(config):
    [pod] = pods(*render_manifests(config, "seldon-v1"))
    [fetch], [server] = pod["initContainers"], pod["containers"]
    assert fetch["args"][1] == server["args"][server["args"].index("--release") + 1]
    assert {mount["mountPath"] for one in (fetch, server) for mount in one["volumeMounts"]} == {fetch["args"][1]}
    assert "envFrom" not in fetch


def test_the_operator_finds_the_ports_that_the_server_listens_on(config):
    [pod] = pods(*render_manifests(config, "seldon-v1"))
    ports = {port["name"]: port["containerPort"] for port in pod["containers"][0]["ports"]}
    assert ports == {"http": 8080, "grpc": 8081, "metrics": 8082}


def test_only_the_fetching_container_gets_the_secret(tmp_path):
    [pod] = pods(*render_manifests(config_with_releases(tmp_path, *ACCESS_SETTINGS), "seldon-v1"))
    assert pod["initContainers"][0]["envFrom"] == [{"secretRef": {"name": "rclone"}}]
    assert pod["serviceAccountName"] == "reader"
