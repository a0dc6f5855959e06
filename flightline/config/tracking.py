"""`tracking:` of the config: an MLflow server that also records runs."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from flightline.config.section import Section

EMBEDDED_STORE = "embedded"
SQLITE_PREFIX = "sqlite:///"


class TrackingConfig(Section):
    """Where runs are recorded, besides ML Metadata."""

    mlflow: str | None = Field(
        None,
        description="MLflow's tracking store: `embedded` (a sqlite file in the workspace), `sqlite:///FILE`, "
        "`http(s)://HOST`; by default nothing is tracked",
    )
    timeout_s: int = Field(10, ge=1, le=600, description="how long one request to a tracking server may take")

    @field_validator("mlflow")
    @classmethod
    def _check_store_uri(cls, uri: str | None) -> str | None:
        if uri is None or uri == EMBEDDED_STORE or (uri.startswith(SQLITE_PREFIX) and len(uri) > len(SQLITE_PREFIX)):
            return uri
        parts = urlsplit(uri)
        if parts.scheme == "file":
            raise ValueError("MLflow 3 has no stores of plain files: use `embedded` or sqlite:///FILE")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("a store is `embedded`, sqlite:///FILE, http://HOST or https://HOST")
        if parts.username or parts.password:  # the config is kept with every run
            raise ValueError("no credentials here: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD")
        return uri

    def uri(self, workspace: Path) -> str | None:
        """The tracking URI for MLflow, with an absolute path; None if nothing is tracked."""
        database = self.database(workspace)
        return self.mlflow if database is None else f"{SQLITE_PREFIX}{database}"

    def database(self, workspace: Path) -> Path | None:
        """The absolute path of the SQLite file; None if the store is a server or nothing is tracked."""
        if self.mlflow == EMBEDDED_STORE:
            return workspace.resolve() / "mlflow.db"
        if self.mlflow and self.mlflow.startswith(SQLITE_PREFIX):
            return Path(self.mlflow.removeprefix(SQLITE_PREFIX)).resolve()
        return None

    def artifacts(self, workspace: Path) -> str | None:
        """Where an experiment's files go: next to the SQLite file; None leaves it to the server."""
        database = self.database(workspace)
        return None if database is None else (database.parent / f"{database.stem}-artifacts").as_uri()
