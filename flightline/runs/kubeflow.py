"""Compile the training DAG for Kubeflow Pipelines and Vertex AI: from a config to a KFP spec (2.1), without a network.

The spec holds everything that the steps need except the image and the data: schema, parameters and digests. Nothing
here reads the data: they are where the steps run.
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
from flightline.utils.dotted_path import load_function
from flightline.utils.files import atomic_write
from flightline.utils.lazy_import import lazy_load_vertex

SUPPORTED_ENGINES = ("local", "multiprocess", "dataflow")  # those whose steps need no service on this machine
YAML_SUFFIXES, JSON_SUFFIXES = {".yaml", ".yml"}, {".json"}


def check_kubeflow(config: Config, output: Path) -> None:
    """Check everything that would otherwise fail in the cluster.

    Raises:
        ConfigError: a setting is missing, is invisible to the steps' containers, or is not supported by the platform.
        UsageError: the output's name is not that of a spec.
    """
    if output.suffix not in YAML_SUFFIXES | JSON_SUFFIXES or output.is_dir():
        raise UsageError(f"--output {output} is not a .json or .yaml file", "for example --output flights.json")
    _check_settings(config)
    _check_engine(config)
    check_against_schema(config)
    require_thresholds(config)


def spec_notes(config: Config) -> list[str]:
    """Return notes about the spec for the user, one line each."""
    settings = config.engines.kubeflow
    if settings.platform == "vertex":
        return ["The champion is the last blessed model, pushed or not: Vertex AI runs no custom resolvers."]
    if settings.champion_uri:
        return [f"The champion is {settings.champion_uri} (engines.kubeflow.champion_uri)."]
    return ["There is no champion: Kubeflow Pipelines has no resolvers. `vs_champion` thresholds are not checked."]


def compile_job(config: Config, cache: bool = True) -> dict[str, Any]:
    """Compile to a PipelineJob, whose `pipelineSpec` is what Kubeflow Pipelines takes. Deterministic."""
    log_capture.quiet_libraries()
    lazy_load_vertex()
    from tfx import v1 as tfx

    from flightline.runs.tfx import compat

    compat.require_components()
    settings = config.engines.kubeflow
    experimental = tfx.orchestration.experimental
    # Current KFP SDKs refuse the default encoding, 2.0.
    options = experimental.KubeflowV2DagRunnerConfig(default_image=settings.image, use_pipeline_spec_2_1=True)
    create_pipeline = load_function("user_code.training_pipeline", config.user_code.training_pipeline)
    dag = create_pipeline(config, cache=cache, orchestrator="kubeflow")
    job = experimental.KubeflowV2DagRunner(options).run(dag, write_out=False)
    spec = job["pipelineSpec"]
    spec["defaultPipelineRoot"] = config.artifacts
    if settings.platform == "kubeflow":
        # Its backend looks the cache up before the driver runs, so the key does not depend on the data.
        spec["root"]["dag"]["tasks"]["ExampleGen"].pop("cachingOptions", None)
    return job


def compile_to_file(output: Path, config: Config, cache: bool = True) -> None:
    """Compile to a file: the job as JSON or, for a .yaml file, its `pipelineSpec` alone, as KFP's own compiler does.

    Raises:
        UsageError: the file cannot be written; an existing one is unchanged.
        StepFailed: the DAG cannot be compiled; a log file next to the output has the libraries' messages.
    """
    log_file = output.with_suffix(".log")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with log_capture.capture_output(log_file):
            job = _compile_or_raise(config, cache, log_file)
        atomic_write(output, _serialize_job(job, output))
        log_file.unlink()
    except OSError as error:
        raise UsageError(f"--output {output} cannot be written: {error}") from error


def _compile_or_raise(config: Config, cache: bool, log_file: Path) -> dict[str, Any]:
    try:
        return compile_job(config, cache)
    except Exception as error:
        traceback.print_exc()
        if isinstance(error, FlightlineError):
            raise
        raise StepFailed(
            f"the DAG cannot be compiled: {summarize_error(error)}", f"{log_file} has the traceback"
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
        raise ConfigError("engines.kubeflow.champion_uri: Vertex AI finds the champion itself", "remove the key")
    if "_" in config.name:
        raise ConfigError(f"name: {config.name} has a `_`, which KFP does not allow", "--set name=... with `-`")
    locations = {
        "data.input": config.data.input,
        "pipeline_root": config.artifacts,
        "engines.kubeflow.releases_uri": settings.releases_uri,
        "engines.kubeflow.champion_uri": settings.champion_uri,
    }
    for key, location in locations.items():
        if location and not BUCKET_PATTERN.match(location):
            raise ConfigError(
                f"{key}: {location} is not in a bucket; each step is a separate container, which sees only buckets",
                f"--set {key}=gs://BUCKET/PATH",
            )


def _check_engine(config: Config) -> None:
    if config.engine.name not in SUPPORTED_ENGINES:
        raise ConfigError(
            f"engine.name: steps on Kubeflow cannot use {config.engine.name}, whose job server runs on this machine",
            f"choose one of {', '.join(SUPPORTED_ENGINES)}",
        )
    if config.engine.name == "dataflow" and not config.engines.dataflow.image:
        raise ConfigError(
            "engines.dataflow.image is missing: the steps' containers do not have this machine's setup_file",
            "--set engines.dataflow.image=REGISTRY/NAME:TAG (docker/Dockerfile makes one)",
        )
    check_engine(config)
