import pytest
from apache_beam.options.pipeline_options import DirectOptions, GoogleCloudOptions, PipelineOptions, StandardOptions

from flightline.config.engines import ENGINES
from flightline.engines.arguments import beam_arguments, find_job_server_jar, resolve_input_base
from flightline.errors import ConfigError

DATAFLOW = (
    "engine.name=dataflow",
    "engines.dataflow={project: my-project, region: europe-west1, bucket: gs://ab-flights, image: eu.gcr.io/x/y:1}",
)


@pytest.mark.parametrize(
    ("engine", "runner"),
    [
        ("local", "FnApiRunner"),
        ("multiprocess", "FnApiRunner"),
        ("portable", "PortableRunner"),
        ("flink", "PortableRunner"),
        ("spark", "PortableRunner"),
    ],
)
def test_every_engine_has_its_beam_runner(config_of, engine, runner):
    options = PipelineOptions(beam_arguments(config_of(f"engine.name={engine}")))
    assert options.view_as(StandardOptions).runner == runner


@pytest.mark.parametrize("engine", ENGINES)
def test_no_engine_makes_tfx_build_an_sdist_of_itself(config_of, engine):
    """TFX's `BaseBeamExecutor` does so unless one of these arguments is set, which takes five seconds per component."""
    config = config_of(*DATAFLOW, f"engine.name={engine}")
    named = {argument.split("=")[0] for argument in beam_arguments(config)}
    assert named & {"--sdk_container_image", "--setup_file"}


def test_multiprocess_has_the_configured_number_of_workers(config_of):
    arguments = beam_arguments(config_of("engine.name=multiprocess", "engines.multiprocess.workers=3"))
    options = PipelineOptions(arguments).view_as(DirectOptions)
    assert (options.direct_running_mode, options.direct_num_workers) == ("multi_processing", 3)


def test_dataflow_arguments_are_those_of_the_config(config_of):
    arguments = beam_arguments(config_of(*DATAFLOW, "engines.dataflow.labels={team: flights}"))
    options = PipelineOptions(arguments).view_as(GoogleCloudOptions)
    assert (options.project, options.temp_location) == ("my-project", "gs://ab-flights/temp")
    assert options.labels == ["team=flights"]
    assert not [argument for argument in arguments if "None" in argument]


@pytest.mark.parametrize(
    ("setting", "environment"),
    [
        ("engines.flink.master='[local]'", "--environment_type=LOOPBACK"),
        ("engines.flink.worker_endpoint=localhost:50000", "--environment_type=EXTERNAL"),
        ("engines.flink.image=flights:1", "--environment_type=DOCKER"),
    ],
)
def test_the_environment_of_flink_workers_follows_the_config(config_of, setting, environment):
    assert environment in beam_arguments(config_of("engine.name=flink", setting))


def test_additional_beam_arguments_come_last(config_of):
    arguments = beam_arguments(config_of("engine.name=flink", "engines.beam_arguments=[--flink_version=1.20]"))
    assert arguments[-1] == "--flink_version=1.20"


def test_remote_workers_get_an_absolute_input_path(config_of):
    assert resolve_input_base(config_of("data.input=data/flights")) == "data/flights"
    assert resolve_input_base(config_of("data.input=data/flights", "engine.name=portable")).startswith("/")
    assert resolve_input_base(config_of("data.input=gs://ab/flights", "engine.name=portable")) == "gs://ab/flights"


def test_the_error_about_a_missing_job_server_says_how_to_fetch_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="needs Beam's job server"):
        find_job_server_jar("flink", None)
    with pytest.raises(ConfigError, match=r"there is no nowhere\.jar"):
        find_job_server_jar("flink", tmp_path.relative_to(tmp_path) / "nowhere.jar")
