"""Releases in MLflow's registry: a version each, and the alias `champion` on the current one."""

from __future__ import annotations

import tempfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.features import plan_features
from models.settings import FeatureSettings
from models.target import BINARY, Target
from pipeline.config import Config
from pipeline.errors import UsageError
from pipeline.metadata.run import Run
from pipeline.schema import TYPE_NAMES

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION = "champion"
MODEL = "model"  # its folder among the run's artifacts
RELEASE = "release"  # the tag of a version: which release it is
CODE = Path(__file__).with_name("served_model.py")


def register(
    client: MlflowClient, config: Config, run: Run, features: FeatureSettings, mlflow_run: str, release: Path
) -> str:
    """The version of a release; where there is none, the model is logged with the run and registered."""
    known = version_of(client, config.name, release.name)
    if known is not None:
        return known
    # MLflow's log_model would read the history of every metric of the run anew, a request for each.
    with tempfile.TemporaryDirectory() as folder:
        _save(Path(folder) / MODEL, columns_of(run, config.label, features, config.target), config.target, release)
        client.log_artifacts(mlflow_run, str(Path(folder) / MODEL), MODEL)
    if not client.search_registered_models(f"name='{config.name}'"):
        client.create_registered_model(config.name)
    tags = {RELEASE: release.name, "tfx.run_id": run.run_id}
    source = f"runs:/{mlflow_run}/{MODEL}"
    return str(client.create_model_version(config.name, source, mlflow_run, tags=tags).version)


def _save(folder: Path, columns: dict[str, tuple[str, bool]], target: Target, release: Path) -> None:
    """The release in MLflow's form: the SavedModel, whole, and the code that feeds it."""
    import mlflow

    mlflow.pyfunc.save_model(
        folder,
        python_model=str(CODE),
        artifacts={"saved_model": str(release)},
        model_config={"columns": {name: kind for name, (kind, _) in columns.items()}},
        signature=_signature(columns, target),
        pip_requirements=[f"tensorflow=={metadata.version('tensorflow')}", "pandas"],
    )


def move_champion(client: MlflowClient, name: str, release: str) -> str:
    """Points the alias at a release's version; returns the version.

    Raises:
        UsageError: the release is not registered.
    """
    number = version_of(client, name, release)
    if number is None:
        todo = "`flightline track RUN` registers what a run has released"
        raise UsageError(f"release {release} of {name} is not registered in MLflow", todo)
    client.set_registered_model_alias(name, CHAMPION, number)
    return number


def version_of(client: MlflowClient, name: str, release: str) -> str | None:
    """The registry's version of a release, the newest where there are several; None where there is none."""
    token: str | None = None
    numbers = []
    while True:
        page = client.search_model_versions(f"name='{name}'", page_token=token)
        numbers += [int(version.version) for version in page if version.tags.get(RELEASE) == release]
        token = page.token
        if not token:
            return str(max(numbers)) if numbers else None


def columns_of(run: Run, label: str, features: FeatureSettings, target: Target = BINARY) -> dict[str, tuple[str, bool]]:
    """The columns that the model reads: name → (int, float or bytes; whether every row needs one)."""
    schema = run.schema
    known = {feature.name: feature for feature in schema.feature}
    names = plan_features(schema, label, features, target).raw_names
    return {name: (TYPE_NAMES[known[name].type], known[name].HasField("shape")) for name in names}


def _signature(columns: dict[str, tuple[str, bool]], target: Target) -> Any:
    """Named columns. Numbers are of any type: pandas makes floats of integers where one is missing, and integers of
    floats where none has a fraction; MLflow would refuse both."""
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
