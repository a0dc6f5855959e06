import pytest

from flightline.config.engines import ENGINES
from flightline.engines.validation import check_engine, runs_on_this_machine
from flightline.errors import ConfigError

DATAFLOW = {"project": "my-project", "region": "europe-west1", "bucket": "gs://ab-flights", "image": "eu.gcr.io/x/y:1"}
GCS_PATHS = ("data.input=gs://ab/flights", "pipeline_root=gs://ab/artifacts")


def dataflow(**changes):
    return ("engine.name=dataflow", *GCS_PATHS, f"engines.dataflow={ {**DATAFLOW, **changes} }".replace("None", "null"))


@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "dataflow"])
def test_local_engines_accept_the_default_config(config_of, engine):
    config = config_of(f"engine.name={engine}")
    check_engine(config)
    assert runs_on_this_machine(config)


def test_a_complete_dataflow_config_is_accepted(config_of):
    check_engine(config_of(*dataflow()))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (dataflow(project=None), "dataflow.project is missing"),
        (dataflow(region=None), "dataflow.region is missing"),
        (dataflow(bucket="ab-flights"), "is not a bucket"),
        (dataflow(bucket="gs://AB"), "is not a bucket"),
        (dataflow(labels={"Team": "a"}), "'Team' is not a label"),
        (dataflow(labels={"team": "a b"}), "'a b' is not a label"),
        (dataflow(num_workers=3, max_workers=2), "num_workers 3 is more than max_workers 2"),
        (dataflow(image=None, setup_file=__file__), "Beam does not accept test_validation.py"),
        (dataflow(image=None), "workers have neither this package nor its requirements"),
        (dataflow(image=None, setup_file="nowhere.py"), r"there is no nowhere\.py"),
        (dataflow(image=None, setup_file="setup.py"), "workers need the library too"),
        (dataflow(image=None, setup_file="setup.py", extra_packages=["a.whl"]), r"extra_packages: there is no a\.whl"),
        ((*dataflow(), "data.input=data/flights"), "data.input: data/flights is relative"),
        ((*dataflow(), "data.input=/data/flights"), "is a path of this machine"),
        ((*dataflow(), "data.input=/data/flights", "engines.shared_paths=[/data]"), "is a path of this machine"),
        ((*dataflow(), "pipeline_root=null"), "pipeline_root: workspace/artifacts is relative"),
        (("engine.name=portable", "engines.portable.job_endpoint=far:8099"), "far:8099 is another machine"),
        (("engine.name=flink", "engines.flink.master=far:8081"), "need an image or a pool"),
        (("engine.name=flink", "engines.flink.job_endpoint=far:8098"), "must be on this machine, like the job server"),
        (("engine.name=spark", "engines.spark.job_endpoint=far:8097"), "must be on this machine, like the job server"),
        (("engine.name=flink", "engines.flink.master=far:8081", "engines.flink.image=x"), "data.input: .* is relative"),
        (("engine.name=spark", "engines.spark.image=x", "engines.spark.worker_endpoint=far:1"), "exclude each other"),
    ],
)
def test_an_unusable_engine_config_is_an_error(config_of, overrides, message):
    with pytest.raises(ConfigError, match=message):
        check_engine(config_of(*overrides))


def test_a_shared_folder_is_accepted_for_a_cluster(config_of):
    cluster = ("engine.name=flink", "engines.flink.master=far:8081", "engines.flink.image=x")
    shared = ("data.input=/mnt/data/flights", "pipeline_root=/mnt/data/artifacts", "engines.shared_paths=[/mnt/data]")
    check_engine(config_of(*cluster, *shared))


@pytest.mark.parametrize(
    ("name", "why"),
    [("dask", "loses rows"), ("DaskRunner", "loses rows"), ("direct", "Prism"), ("prism", "Prism|binary")],
)
def test_runners_that_lose_data_have_their_own_error(config_of, name, why):
    with pytest.raises(ConfigError, match=why):
        config_of(f"engine.name={name}")


@pytest.mark.parametrize("argument", ["--runner=DaskRunner", "runner=x"])
def test_beam_arguments_cannot_choose_the_runner(config_of, argument):
    with pytest.raises(ConfigError, match=r"beam_arguments"):
        config_of(f"engines.beam_arguments=[{argument}]")


def test_flink_without_java_is_an_error(config_of, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match="needs Java"):
        check_engine(config_of("engine.name=flink"))
