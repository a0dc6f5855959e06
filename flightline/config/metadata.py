"""`metadata:` of the config: where ML Metadata records runs. It never holds a password."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from flightline.config.section import Section

_POSTGRESQL_UNSUPPORTED = (
    "a text with a backslash cannot be written to PostgreSQL by ML Metadata: a step that fails with one in its message "
    "is not recorded, and its error is lost (a bug of ml-metadata 1.16 and 1.21). Use mysql (MySQL, MariaDB) or sqlite"
)


def _normalize_backend(backend: Any) -> Any:
    if isinstance(backend, str) and backend.lower().startswith("postgres"):
        raise ValueError(_POSTGRESQL_UNSUPPORTED)
    return "mysql" if backend == "mariadb" else backend


class MetadataConfig(Section):
    """Where lineage is stored. With a server, several machines or pipelines can write to one store."""

    backend: Annotated[Literal["sqlite", "mysql"], BeforeValidator(_normalize_backend)] = Field(
        "sqlite", description="`sqlite`: metadata.db in the workspace; `mysql`: a server of MySQL or MariaDB"
    )
    host: str = Field("127.0.0.1", pattern=r"^[^\s/@]+$", description="host name of the server, without user or URL")
    port: int = Field(3306, ge=1, le=65535, description="port of the server")
    database: str = Field("", pattern=r"^[A-Za-z0-9_$-]{0,64}$", description="an existing database, with utf8mb4_bin")
    user: str = Field("", max_length=80, description="a user that may create tables in the database")
    # Capital letters only: a password put here by mistake is refused instead of stored.
    password_env: str = Field(
        "FLIGHTLINE_METADATA_PASSWORD",
        pattern=r"^[A-Z_][A-Z0-9_]*$",
        description="name of the environment variable that holds the password",
    )
    connect_timeout_s: float = Field(
        10.0, gt=0, le=600, description="time limit for connecting to the server, in seconds"
    )

    @model_validator(mode="after")
    def _check_server_fields(self) -> MetadataConfig:
        for key in ("database", "user"):
            if self.uses_server and not getattr(self, key):
                raise ValueError(f"{key} is missing: a server needs it")
        return self

    @property
    def uses_server(self) -> bool:
        return self.backend != "sqlite"

    @property
    def address(self) -> str:
        """The server's address; `127.0.0.1` for `localhost`, which clients would read as a socket file."""
        return "127.0.0.1" if self.host == "localhost" else self.host

    @property
    def display_name(self) -> str:
        """The database and its server, for messages."""
        return f"{self.database} at {self.host}:{self.port}"
