"""Releases in MLflow's model registry: one version each; the alias `champion` points at the current release."""

from __future__ import annotations

import tempfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flightline.config.feature_planning import plan_features
from flightline.config.modeling import FeatureSettings
from flightline.config.schema_file import TYPE_NAMES
from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.metadata.artifact_files import load_schema
from flightline.metadata.run import Run
from flightline.serving.target import BINARY_TARGET, Target

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION_ALIAS = "champion"
MODEL_PATH = "model"  # folder in the artifacts of the MLflow run
RELEASE_TAG = "release"  # tag of a version, with the version of the release
SERVED_MODEL_CODE = Path(__file__).with_name("served_model.py")


def register_release(
    client: MlflowClient, config: Config, run: Run, features: FeatureSettings, mlflow_run: str, release: Path
) -> str:
    """The registered version of a release; where there is none, logs the model with the run and registers it."""
    known = find_version(client, config.name, release.name)
    if known is not None:
        return known
    # Not with MLflow's log_model: it reads the history of every metric of the run, with one request per metric.
    with tempfile.TemporaryDirectory() as folder:
        _save_pyfunc(
            Path(folder) / MODEL_PATH, input_columns(run, config.label, features, config.target), config.target, release
        )
        client.log_artifacts(mlflow_run, str(Path(folder) / MODEL_PATH), MODEL_PATH)
    if not client.search_registered_models(f"name='{config.name}'"):
        client.create_registered_model(config.name)
    tags = {RELEASE_TAG: release.name, "tfx.run_id": run.run_id}
    source = f"runs:/{mlflow_run}/{MODEL_PATH}"
    return str(client.create_model_version(config.name, source, mlflow_run, tags=tags).version)


def _save_pyfunc(folder: Path, columns: dict[str, tuple[str, bool]], target: Target, release: Path) -> None:
    """Writes the release as an MLflow model: the whole SavedModel, and the code that calls it."""
    import mlflow

    mlflow.pyfunc.save_model(
        folder,
        python_model=str(SERVED_MODEL_CODE),
        artifacts={"saved_model": str(release)},
        model_config={"columns": {name: kind for name, (kind, _) in columns.items()}},
        signature=_signature(columns, target),
        pip_requirements=[f"tensorflow=={metadata.version('tensorflow')}", "pandas"],
    )


def set_champion_alias(client: MlflowClient, name: str, release: str) -> str:
    """Points the alias at the version of a release; returns the version.

    Raises:
        UsageError: the release is not registered.
    """
    number = find_version(client, name, release)
    if number is None:
        todo = "`flightline track RUN` registers the release of a run"
        raise UsageError(f"release {release} of {name} is not registered in MLflow", todo)
    client.set_registered_model_alias(name, CHAMPION_ALIAS, number)
    return number


def find_version(client: MlflowClient, name: str, release: str) -> str | None:
    """The registered version of a release, the newest where there are several; None where there is none."""
    token: str | None = None
    numbers = []
    while True:
        page = client.search_model_versions(f"name='{name}'", page_token=token)
        numbers += [int(version.version) for version in page if version.tags.get(RELEASE_TAG) == release]
        token = page.token
        if not token:
            return str(max(numbers)) if numbers else None


def input_columns(
    run: Run, label: str, features: FeatureSettings, target: Target = BINARY_TARGET
) -> dict[str, tuple[str, bool]]:
    """The columns that the model reads: name → (int, float or bytes; whether every row needs one)."""
    schema = load_schema(run)
    known = {feature.name: feature for feature in schema.feature}
    names = plan_features(schema, label, features, target).raw_names
    return {name: (TYPE_NAMES[known[name].type], known[name].HasField("shape")) for name in names}


def _signature(columns: dict[str, tuple[str, bool]], target: Target) -> Any:
    """Named columns. Numeric columns accept any type: pandas turns integers with missing values into floats, which
    MLflow would reject."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import AnyType, ColSpec, DataType, Schema

    def column(name: str, kind: str, required: bool) -> Any:
        return ColSpec(DataType.string if kind == "bytes" else AnyType(), name, required=required)

    inputs = [column(name, kind, required) for name, (kind, required) in columns.items()]
    if target.task == "regression":
        outputs = ["predictions"]
    else:
        places = range(len(target.classes))
        outputs = [f"probabilities_{place}" for place in places] or ["probabilities"]
    return ModelSignature(Schema(inputs), Schema([ColSpec(DataType.float, name) for name in outputs]))
