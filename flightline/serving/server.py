"""Run MLServer with Flightline's runtime until Ctrl-C or SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from mlserver import MLServer, ModelSettings
from mlserver import Settings as ServerSettings
from mlserver.repository import ModelRepository
from mlserver.settings import ModelParameters
from mlserver.utils import install_uvloop_event_loop

from flightline.serving.runtime import FlightlineRuntime, get_service
from flightline.serving.settings import read_settings
from flightline.serving.standalone import settings_from_args


class SingleModelRepository(ModelRepository):
    """A model repository with one model; reloading it through the V2 API checks `CURRENT` at once."""

    def __init__(self, root: str) -> None:
        self._settings = _model_settings(root)

    async def list(self) -> Sequence[ModelSettings]:
        return [self._settings]

    async def find(self, name: str) -> Sequence[ModelSettings]:
        from mlserver.errors import ModelNotFound

        if name != self._settings.name:
            raise ModelNotFound(name)
        return [self._settings]


def _model_settings(path: str) -> ModelSettings:
    return ModelSettings(
        name=read_settings(Path(path)).name,
        implementation=FlightlineRuntime,
        platform="flightline",
        parameters=ModelParameters(uri=path),
    )


async def serve(path: str) -> int:
    """Serve until stopped; return the exit code: 2 if no release was ever loaded."""
    settings = read_settings(Path(path))
    server = MLServer(
        ServerSettings(
            debug=False,
            parallel_workers=0,  # TensorFlow has its own threads; every worker process would load another model
            host=settings.host,
            http_port=settings.http_port,
            grpc_port=settings.grpc_port,
            metrics_port=settings.metrics_port,
            server_name="flightline",
            model_repository_implementation="flightline.serving.server.SingleModelRepository",
            model_repository_root=path,
            gzip_enabled=False,
        )
    )
    await server.start([_model_settings(path)])
    service, _ = get_service(path)
    loaded = service.deployment is not None
    await service.close()
    return 0 if loaded else 2


def _configure_logging() -> None:
    """Log the messages of this package; MLServer and uvicorn configure their own handlers."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s [serving] %(levelname)s - %(message)s"))
    logger = logging.getLogger("flightline.serving")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)


def main() -> int:
    """`python -m flightline.serving SETTINGS.json`, or `--release DIR` for one release."""
    try:
        settings = settings_from_args(sys.argv[1:])
    except ValueError as error:
        sys.stderr.write(f"python -m flightline.serving: {error}\n")
        return 2
    os.umask(os.umask(0o077) | 0o022)  # at least 022, so that other users cannot write the log
    _configure_logging()
    install_uvloop_event_loop()
    return asyncio.run(serve(str(settings)))
