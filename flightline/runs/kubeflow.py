"""Compiles the training DAG for Kubeflow Pipelines and Vertex AI: a config in, a KFP spec (2.1) out, without a network.

The spec holds all that the steps need but the image and the data: schema, parameters and digests are in it. Nothing
here looks at the data: they are where the steps run.
"""

from __future__ import annotations

import json
import traceback
from pathlib import Path
from typing import Any

import yaml

from flightline.config.loader import check_against_schema, require_thresholds
from flightline.config.settings import Config
from flightline.engines.validation import BUCKET_PATTERN, check_engine
from flightline.errors import ConfigError, FlightlineError, StepFailed, UsageError, summarize_error
from flightline.runs.process import log_capture
from flightline.utils.files import atomic_write
from flightline.utils.lazy_import import lazy_load_vertex

SUPPORTED_ENGINES = ("local", "multiprocess", "dataflow")  # those that a container needs no service of this machine for
YAML_SUFFIXES, JSON_SUFFIXES = {".yaml", ".yml"}, {".json"}


def check_kubeflow(config: Config, output: Path) -> None:
    """Refuses what could only fail in the cluster.

    Raises:
        ConfigError: a setting is missing, or names what the steps' containers cannot see or the platform cannot do.
        UsageError: the output cannot be written as a spec.
    """
    if output.suffix not in YAML_SUFFIXES | JSON_SUFFIXES or output.is_dir():
        raise UsageError(f"--output {output} is no name of a .json or .yaml file", "such as --output flights.json")
    _check_settings(config)
    _check_engine(config)
    check_against_schema(config)
    require_thresholds(config)


def spec_notes(config: Config) -> list[str]:
    """What the user should know of the spec, one line each."""
    settings = config.engines.kubeflow
    if settings.platform == "vertex":
        return ["Champion is the model that was blessed last, pushed or not: resolvers of ours do not run there."]
    if settings.champion_uri:
        return [f"Champion is {settings.champion_uri}, until engines.kubeflow.champion_uri names another."]
    return ["No champion: Kubeflow Pipelines has no resolvers. What `vs_champion` asks for is not checked."]


def compile_job(config: Config, cache: bool = True) -> dict[str, Any]:
    """The DAG as a PipelineJob; its `pipelineSpec` is what Kubeflow Pipelines takes. The same config, the same job."""
    log_capture.quiet_libraries()
    lazy_load_vertex()
    from tfx import v1 as tfx

    from flightline.runs.tfx import compat
    from pipeline import training

    compat.require_components()
    settings = config.engines.kubeflow
    experimental = tfx.orchestration.experimental
    # The default encoding, 2.0, is refused by the KFP SDK of today.
    options = experimental.KubeflowV2DagRunnerConfig(default_image=settings.image, use_pipeline_spec_2_1=True)
    dag = training.create_pipeline(config, cache, "kubeflow")
    job = experimental.KubeflowV2DagRunner(options).run(dag, write_out=False)
    spec = job["pipelineSpec"]
    spec["defaultPipelineRoot"] = config.artifacts
    if settings.platform == "kubeflow":
        # Its backend runs no driver before the cache is asked, so that nothing in the key says what the data are.
        spec["root"]["dag"]["tasks"]["ExampleGen"].pop("cachingOptions", None)
    return job


def compile_to_file(output: Path, config: Config, cache: bool = True) -> None:
    """Compiles to a file: the job as JSON or, to a .yaml file, its `pipelineSpec` alone, as KFP's own compiler does.

    Raises:
        UsageError: the file cannot be written; it is as it was.
        StepFailed: the DAG cannot be compiled; what the libraries said is in a log beside the output.
    """
    record = output.with_suffix(".log")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with log_capture.capture_output(record):
            job = _compile_or_raise(config, cache, record)
        atomic_write(output, _serialize_job(job, output))
        record.unlink()
    except OSError as error:
        raise UsageError(f"--output {output} cannot be written: {error}") from error


def _compile_or_raise(config: Config, cache: bool, record: Path) -> dict[str, Any]:
    try:
        return compile_job(config, cache)
    except Exception as error:
        traceback.print_exc()
        if isinstance(error, FlightlineError):
            raise
        raise StepFailed(
            f"the DAG cannot be compiled: {summarize_error(error)}", f"{record} has the traceback"
        ) from error


def _serialize_job(job: dict[str, Any], output: Path) -> str:
    if output.suffix in YAML_SUFFIXES:
        return yaml.safe_dump(job["pipelineSpec"], sort_keys=True)
    return json.dumps(job, indent=2, sort_keys=True) + "\n"


def _check_settings(config: Config) -> None:
    settings = config.engines.kubeflow
    for key in ("platform", "image", "releases_uri"):
        if not getattr(settings, key):
            example = {
                "platform": "vertex (or kubeflow)",
                "image": "REGISTRY/NAME:TAG",
                "releases_uri": "gs://BUCKET/PATH",
            }
            raise ConfigError(f"engines.kubeflow.{key} is missing", f"--set engines.kubeflow.{key}={example[key]}")
    if settings.champion_uri and settings.platform == "vertex":
        raise ConfigError("engines.kubeflow.champion_uri: Vertex AI finds the champion itself", "leave it out")
    if "_" in config.name:
        raise ConfigError(f"name: {config.name} has a `_`, which KFP allows in no name", "--set name=... with `-`")
    places = {
        "data.input": config.data.input,
        "pipeline_root": config.artifacts,
        "engines.kubeflow.releases_uri": settings.releases_uri,
        "engines.kubeflow.champion_uri": settings.champion_uri,
    }
    for key, location in places.items():
        if location and not BUCKET_PATTERN.match(location):
            raise ConfigError(
                f"{key}: {location} is not in a bucket: each step is a container of its own, which sees no other place",
                f"--set {key}=gs://BUCKET/PATH",
            )


def _check_engine(config: Config) -> None:
    if config.engine.name not in SUPPORTED_ENGINES:
        raise ConfigError(
            f"engine.name: a step on Kubeflow cannot use {config.engine.name}, whose job server is on this machine",
            f"choose one of {', '.join(SUPPORTED_ENGINES)}",
        )
    if config.engine.name == "dataflow" and not config.engines.dataflow.image:
        raise ConfigError(
            "engines.dataflow.image is missing: a setup_file of this machine is not in the steps' container",
            "--set engines.dataflow.image=REGISTRY/NAME:TAG (docker/Dockerfile makes one)",
        )
    check_engine(config)
