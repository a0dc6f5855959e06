"""Seldon Core v2: a Model that keeps its name, on a server that has room for it."""

from __future__ import annotations

from rendered_manifests import ACCESS_SETTINGS, config_with_releases, render_manifests


def of_kind(documents, kind):
    return [one for one in documents if one["kind"] == kind]


def test_the_model_of_the_current_release_keeps_its_name(config):
    for canary in (None, 10):
        model, *_ = of_kind(render_manifests(config, "seldon-v2", canary), "Model")
        assert model["metadata"]["name"] == "flights-monthly"
        assert model["spec"]["storageUri"] == "gs://bucket/releases/18"


def test_a_canary_is_a_second_model_and_an_experiment(config):
    documents = render_manifests(config, "seldon-v2", canary=10)
    [experiment] = of_kind(documents, "Experiment")
    assert {one["name"]: one["weight"] for one in experiment["spec"]["candidates"]} == {
        "flights-monthly": 90,
        "flights-monthly-canary": 10,
    }
    assert {one["metadata"]["name"] for one in of_kind(documents, "Model")} == {
        one["name"] for one in experiment["spec"]["candidates"]
    }


def test_objects_of_the_canary_are_labelled(config):
    component = "app.kubernetes.io/component"
    documents = render_manifests(config, "seldon-v2", canary=10)
    canary_documents = {
        (d["kind"], d["metadata"]["labels"].get(component)) for d in documents if "canary" in str(d["metadata"])
    }
    assert canary_documents == {("Model", "canary"), ("Experiment", "canary")}
    assert sum(d["metadata"]["labels"].get(component) == "canary" for d in documents) == 2


def test_the_server_has_one_capability_and_memory_for_all_models(tmp_path):
    config = config_with_releases(tmp_path, *ACCESS_SETTINGS, "serving.kubernetes.memory=3Gi")
    documents = render_manifests(config, "seldon-v2", canary=10)
    [server] = of_kind(documents, "Server")
    models = of_kind(documents, "Model")
    assert all(model["spec"]["requirements"] == server["spec"]["capabilities"] for model in models)
    assert all(model["spec"]["secretName"] == "rclone" for model in models)
    [container] = server["spec"]["podSpec"]["containers"]
    assert container["resources"]["requests"]["memory"] == "3Gi"
    assert [model["spec"]["memory"] for model in models] == ["786432Ki", "786432Ki"]  # four of them are 3Gi
