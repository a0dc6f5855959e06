"""The MLServer runtime: the V2 protocol (REST and gRPC) and Flightline's own routes, on top of a Service."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from pathlib import Path
from typing import Any

import orjson
from fastapi import Request, Response
from mlserver import MLModel
from mlserver.errors import InferenceError, MLServerError
from mlserver.handlers import custom_handler
from mlserver.types import InferenceRequest, InferenceResponse, MetadataModelResponse, MetadataTensor
from mlserver.utils import get_model_uri

from flightline.serving.contract import Contract, ContractViolation
from flightline.serving.openapi import build_openapi
from flightline.serving.protocol import (
    error_response,
    json_response,
    output_specs,
    parse_columns,
    parse_rows,
    v2_response,
)
from flightline.serving.release_watcher import ReleaseWatcher
from flightline.serving.service import NoReleaseLoaded, Service, served_versions
from flightline.serving.settings import read_settings
from flightline.serving.standalone import bundle_settings, write_settings

V2_DATATYPES = {"int": "INT64", "float": "FP32", "bytes": "BYTES"}
REQUEST_ID_HEADER = "x-request-id"
NOT_READY_STATUS = 503  # makes a load balancer retry


@functools.cache
def get_service(
    uri: str, name: str = "", version: str = "", options: tuple[tuple[str, Any], ...] = ()
) -> tuple[Service, ReleaseWatcher]:
    """The service of this process. It is cached because MLServer makes a new runtime at each reload.

    Args:
        uri: a settings file; or the folder of a release, as Seldon passes it.
        name, version: of the release in the folder.
        options: further settings for a folder.
    """
    path = Path(uri)
    settings = write_settings(path, name, version, **dict(options)) if path.is_dir() else path
    service = Service(read_settings(settings))
    return service, ReleaseWatcher(service)


class FlightlineRuntime(MLModel):
    """Serves the current release of a pipeline, and follows `CURRENT`: by polling, and at once on a reload."""

    _watch_task: asyncio.Task[None] | None = None

    async def load(self) -> bool:
        """Load the current release.

        Raises:
            InvalidRelease: there is no release that can be served.
        """
        parameters = self.settings.parameters
        if Path(uri := str(parameters.uri)).is_absolute():
            self._service, self._watcher = get_service(uri)
        else:
            folder = await get_model_uri(self.settings)
            version, options = bundle_settings(parameters.version, parameters.extra)
            self._service, self._watcher = get_service(folder, self.name, version, tuple(options.items()))
        await self._watcher.update()
        self._watch_task = asyncio.create_task(self._watcher.run())
        return True

    async def metadata(self) -> MetadataModelResponse:
        """The V2 metadata of the current release. Raises MLServerError (503) if none is loaded."""
        deployment = self._service.deployment
        if deployment is None:
            raise _not_ready_error(NoReleaseLoaded())
        return MetadataModelResponse(
            name=self.name,
            platform=self.settings.platform,
            versions=list(served_versions(deployment).values()),
            inputs=_input_metadata(deployment.current.contract),
            outputs=_output_metadata(deployment.current.contract),
        )

    async def unload(self) -> bool:
        """Stop polling; the service keeps running for the runtime that takes over."""
        if self._watch_task:
            self._watch_task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch_task
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answer a V2 request.

        Raises:
            InferenceError: the request violates the contract (400).
            MLServerError: no release is loaded yet (503).
        """
        try:
            rows = parse_rows(payload)
            if rows is not None:
                result = await self._service.predict_rows(rows, payload.id)
            else:
                result = await self._service.predict_columns(parse_columns(payload), payload.id)
        except ContractViolation as error:
            raise InferenceError(str(error)) from error
        except NoReleaseLoaded as error:
            raise _not_ready_error(error) from error
        return v2_response(self.name, result)

    @custom_handler(rest_path="/predict")
    async def predict_rows(self, request: Request) -> Response:
        """Answer `{"rows": [{...}, ...]}`; the request id is `id` or the header X-Request-Id."""
        request_id = request.headers.get(REQUEST_ID_HEADER)
        try:
            body = orjson.loads(await request.body())
            if not isinstance(body, dict) or not isinstance(body.get("rows"), list):
                raise ValueError('expected {"rows": [{"feature": value, ...}, ...]}')
            request_id = str(body.get("id") or request_id or "") or None
            result = await self._service.predict_rows(body["rows"], request_id)
        except ContractViolation as error:
            return _json_response(error_response(error, request_id), 400, request_id)
        except NoReleaseLoaded as error:
            return _json_response({"error": str(error), "id": request_id, "problems": []}, NOT_READY_STATUS, request_id)
        except ValueError as error:  # includes orjson's errors
            return _json_response({"error": f"the body cannot be read: {error}", "id": request_id, "problems": []}, 400)
        return _json_response(json_response(self.name, result), 200, result.request_id)

    @custom_handler(rest_path="/predict/openapi.json", rest_method="GET")
    async def describe(self) -> Response:
        """The OpenAPI description of /predict for the current release."""
        deployment = self._service.deployment
        if deployment is None:
            return _json_response({"error": str(NoReleaseLoaded())}, NOT_READY_STATUS)
        return _json_response(build_openapi(self.name, deployment.current.version, deployment.current.contract), 200)

    @custom_handler(rest_path="/releases", rest_method="GET")
    async def releases(self) -> Response:
        """The releases being served, by role."""
        deployment = self._service.deployment
        facts: dict[str, Any] = dict(served_versions(deployment))
        if deployment and deployment.canary:
            facts["traffic_share"] = deployment.traffic_share
        return _json_response(facts, 200)


def _not_ready_error(error: NoReleaseLoaded) -> MLServerError:
    return MLServerError(str(error), NOT_READY_STATUS)


def _json_response(content: Any, status: int, request_id: str | None = None) -> Response:
    headers = (
        {REQUEST_ID_HEADER: request_id} if request_id and request_id.isprintable() and request_id.isascii() else None
    )
    return Response(orjson.dumps(content), status, headers, "application/json")


def _input_metadata(contract: Contract) -> list[MetadataTensor]:
    return [
        MetadataTensor(name=feature.name, datatype=V2_DATATYPES[feature.kind], shape=[-1])
        for feature in contract.features.values()
    ]


def _output_metadata(contract: Contract) -> list[MetadataTensor]:
    return [
        MetadataTensor(name=name, datatype=datatype, shape=[-1, width] if width else [-1])
        for name, datatype, width in output_specs(contract.target)
    ]
