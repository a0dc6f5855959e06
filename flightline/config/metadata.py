"""The `metadata:` section of the config: where ML Metadata keeps what runs did. It never holds a password."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

_POSTGRESQL_UNSUPPORTED = (
    "ML Metadata breaks on PostgreSQL at any backslash in a text: a step that fails with one in its message cannot be "
    "recorded, and its error is lost (a fault of ml-metadata, 1.16 and 1.21 alike). Use mysql, which is MariaDB too, "
    "or sqlite"
)


def _normalize_backend(backend: Any) -> Any:
    if isinstance(backend, str) and backend.lower().startswith("postgres"):
        raise ValueError(_POSTGRESQL_UNSUPPORTED)
    return "mysql" if backend == "mariadb" else backend


class MetadataConfig(BaseModel):
    """Where lineage is kept. A server is for several machines, or several pipelines, to write to one store."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    backend: Annotated[Literal["sqlite", "mysql"], BeforeValidator(_normalize_backend)] = Field(
        "sqlite", description="`sqlite`: metadata.db in the workspace; `mysql`: a server of MySQL or MariaDB"
    )
    host: str = Field("127.0.0.1", pattern=r"^[^\s/@]+$", description="of the server alone: no user, no URL")
    port: int = Field(3306, ge=1, le=65535, description="of the server")
    database: str = Field("", pattern=r"^[A-Za-z0-9_$-]{0,64}$", description="made before, with utf8mb4_bin")
    user: str = Field("", max_length=80, description="who signs in; may create tables in the database")
    # In capitals, as variables are: a password that is put here by mistake is refused instead of kept.
    password_env: str = Field(
        "FLIGHTLINE_METADATA_PASSWORD",
        pattern=r"^[A-Z_][A-Z0-9_]*$",
        description="the name of the environment variable with the password",
    )
    timeout_s: float = Field(10.0, gt=0, le=600, description="how long the server may take to take us in")

    @model_validator(mode="after")
    def _check_server_fields(self) -> MetadataConfig:
        for key in ("database", "user"):
            if self.uses_server and not getattr(self, key):
                raise ValueError(f"{key} is missing, which a server needs")
        return self

    @property
    def uses_server(self) -> bool:
        return self.backend != "sqlite"

    @property
    def address(self) -> str:
        """Of the server; by number where it is this machine, since clients take `localhost` for a socket's file."""
        return "127.0.0.1" if self.host == "localhost" else self.host

    @property
    def place(self) -> str:
        """The database, for people."""
        return f"{self.database} at {self.host}:{self.port}"
