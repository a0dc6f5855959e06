"""KServe: one service, whose canary is the revision that is applied."""

from __future__ import annotations

from rendered_manifests import config_with_releases, render_manifests


def test_the_release_is_mounted_where_the_server_reads_it(config):
    [service] = render_manifests(config, "kserve")
    [server] = service["spec"]["predictor"]["containers"]
    assert server["env"] == [{"name": "STORAGE_URI", "value": "gs://bucket/releases/18"}]
    options = dict(zip(server["args"][::2], server["args"][1::2], strict=True))
    assert options["--release"] == "/mnt/models"
    assert (options["--name"], options["--version"]) == ("flights-monthly", "18")
    assert server["readinessProbe"]["httpGet"]["path"] == "/v2/models/flights-monthly/ready"
    assert "canaryTrafficPercent" not in service["spec"]["predictor"]


def test_the_canary_is_applied_with_its_traffic_percentage(config):
    [service] = render_manifests(config, "kserve", canary=10)
    assert service["spec"]["predictor"]["canaryTrafficPercent"] == 10
    assert service["metadata"]["annotations"]["flightline/release"] == "17"


def test_the_object_name_is_valid_for_kserve(tmp_path):
    [service] = render_manifests(config_with_releases(tmp_path, "name=late_flights_"), "kserve")
    assert service["metadata"]["name"] == "late-flights"
