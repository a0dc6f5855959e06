"""The `tracking:` section of the config."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

EMBEDDED_STORE = "embedded"
SQLITE_PREFIX = "sqlite:///"


class TrackingConfig(BaseModel):
    """Where runs are told of, beside ML Metadata."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    mlflow: str | None = Field(
        None,
        description="MLflow's tracking store: `embedded` (a sqlite file in the workspace), `sqlite:///FILE`, "
        "`http(s)://HOST`; nothing is tracked where it is not given",
    )
    timeout_s: int = Field(10, ge=1, le=600, description="how long one request to a tracking server may take")

    @field_validator("mlflow")
    @classmethod
    def _check_store_uri(cls, uri: str | None) -> str | None:
        if uri is None or uri == EMBEDDED_STORE or (uri.startswith(SQLITE_PREFIX) and len(uri) > len(SQLITE_PREFIX)):
            return uri
        parts = urlsplit(uri)
        if parts.scheme == "file":
            raise ValueError("MLflow 3 has given up stores of plain files: `embedded` is a file too, or sqlite:///FILE")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("a store is `embedded`, sqlite:///FILE, http://HOST or https://HOST")
        if parts.username or parts.password:  # the config is kept with every run
            raise ValueError("no credentials here: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD")
        return uri

    def uri(self, workspace: Path) -> str | None:
        """The store as MLflow takes it, with an absolute path; None where nothing is tracked."""
        database = self.database(workspace)
        return self.mlflow if database is None else f"{SQLITE_PREFIX}{database}"

    def database(self, workspace: Path) -> Path | None:
        """The sqlite file, absolute; None where the store is a server or there is none."""
        if self.mlflow == EMBEDDED_STORE:
            return workspace.resolve() / "mlflow.db"
        if self.mlflow and self.mlflow.startswith(SQLITE_PREFIX):
            return Path(self.mlflow.removeprefix(SQLITE_PREFIX)).resolve()
        return None

    def artifacts(self, workspace: Path) -> str | None:
        """Where an experiment's files go: beside the sqlite file. None leaves it to the server."""
        database = self.database(workspace)
        return None if database is None else (database.parent / f"{database.stem}-artifacts").as_uri()
