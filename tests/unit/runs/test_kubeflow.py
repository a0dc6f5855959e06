from pathlib import Path

import pytest

from flightline.config.loader import load_config
from flightline.errors import ConfigError, UsageError
from flightline.runs.kubeflow import check_kubeflow, spec_notes

CONFIG = Path(__file__).resolve().parents[3] / "configs" / "flights.yaml"
OUTPUT = Path("flights.json")
SETTINGS = {
    "engines.kubeflow.platform": "vertex",
    "engines.kubeflow.image": "eu.gcr.io/project/flightline:1",
    "engines.kubeflow.releases_uri": "gs://ab-flights/releases",
    "data.input": "gs://ab-flights/data",
    "pipeline_root": "gs://ab-flights/root",
}
DATAFLOW = "{project: my-project, region: europe-west1, bucket: gs://ab-flights, setup_file: setup.py}"
ON_KUBEFLOW = {"engines.kubeflow.platform": "kubeflow"}


def config_of(changes):
    return load_config(CONFIG, [f"{key}={value}" for key, value in {**SETTINGS, **changes}.items()])


@pytest.mark.parametrize(
    "changes", [{}, ON_KUBEFLOW, {**ON_KUBEFLOW, "engines.kubeflow.champion_uri": "gs://ab-flights/model"}]
)
def test_a_complete_config_passes_without_reading_the_data(changes):
    check_kubeflow(config_of(changes), OUTPUT)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"engines.kubeflow.platform": "null"}, r"platform is missing; --set engines\.kubeflow\.platform=vertex"),
        ({"engines.kubeflow.image": "null"}, "image is missing"),
        ({"engines.kubeflow.releases_uri": "null"}, "releases_uri is missing"),
        ({"engines.kubeflow.releases_uri": "/mnt/releases"}, "kubeflow.releases_uri: /mnt/releases is not in a bucket"),
        ({"data.input": "data/flights"}, "data.input: data/flights is not in a bucket"),
        ({"data.input": "s3://ab/flights"}, "is not in a bucket"),
        ({"pipeline_root": "null"}, "pipeline_root: workspace/artifacts is not in a bucket"),
        ({"engines.kubeflow.champion_uri": "gs://ab-flights/model"}, "Vertex AI finds the champion itself"),
        ({**ON_KUBEFLOW, "engines.kubeflow.champion_uri": "model"}, "kubeflow.champion_uri: model is not in a bucket"),
        ({"name": "late_flights"}, "late_flights has a `_`"),
        ({"engine.name": "flink"}, "cannot use flink"),
        ({"engine.name": "dataflow", "engines.dataflow": DATAFLOW}, "engines.dataflow.image is missing"),
        ({"engine.name": "dataflow"}, "engines.dataflow.image is missing"),
        ({"label": "delay"}, "label: delay is not in the schema"),
        ({"evaluation.thresholds": "{}", "evaluation.per_slice": "[]"}, "evaluation.thresholds is empty"),
    ],
)
def test_an_unusable_config_is_an_error_before_compiling(changes, message):
    with pytest.raises(ConfigError, match=message):
        check_kubeflow(config_of(changes), OUTPUT)


@pytest.mark.parametrize("name", ["flights", "flights.txt", "."])
def test_an_output_without_a_known_suffix_is_an_error(name):
    with pytest.raises(UsageError, match=r"is not a \.json or \.yaml file"):
        check_kubeflow(config_of({}), Path(name))


def test_the_notes_say_which_model_is_the_champion():
    assert "last blessed model" in spec_notes(config_of({}))[0]
    assert "not checked" in spec_notes(config_of(ON_KUBEFLOW))[0]
    assert (
        "gs://ab-flights/model"
        in spec_notes(config_of({**ON_KUBEFLOW, "engines.kubeflow.champion_uri": "gs://ab-flights/model"}))[0]
    )
