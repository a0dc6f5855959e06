"""A pool of SDK workers for remote engines: `python -m flightline.engines.worker_pool --service_port=N`.

Beam's own pool starts a new interpreter for every worker, and Flink asks for new workers in every stage of a batch
job. Each of them would import TensorFlow and TFX, for a dozen CPU seconds. Here workers are forked from a process that
has imported them once and done nothing else. Anybody who can connect to a pool can run code in it, so by default
it listens on this machine's loopback address only.
"""

from __future__ import annotations

import argparse
import multiprocessing
import signal
import sys
import threading
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from typing import Any

import grpc
from apache_beam.portability.api import beam_fn_api_pb2 as api
from apache_beam.portability.api import beam_fn_api_pb2_grpc as api_grpc
from apache_beam.utils import thread_pool_executor

PRELOADED_MODULES = ["flightline.components.worker_imports"]


def run_worker(control_endpoint: str, worker_id: str) -> None:
    """Run one worker, until the engine stops it or disconnects."""
    from apache_beam.runners.worker.sdk_worker import SdkHarness

    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    SdkHarness(control_endpoint, worker_id=worker_id, state_cache_size=0).run()


class WorkerPool(api_grpc.BeamFnExternalWorkerPoolServicer):
    """Beam's protocol for external workers: an engine starts and stops them by requests."""

    def __init__(self) -> None:
        self._fork_context = multiprocessing.get_context("forkserver")
        self._fork_context.set_forkserver_preload(PRELOADED_MODULES)
        forkserver.ensure_running()  # imports start before the first request
        self._lock = threading.Lock()
        self._workers: list[BaseProcess] = []

    def StartWorker(  # noqa: N802 - gRPC's name
        self, request: api.StartWorkerRequest, _: Any
    ) -> api.StartWorkerResponse:
        arguments = (request.control_endpoint.url, request.worker_id)
        worker = self._fork_context.Process(target=run_worker, args=arguments, daemon=True)
        worker.start()
        with self._lock:  # also drops workers that have ended
            self._workers = [worker, *(running for running in self._workers if running.is_alive())]
        return api.StartWorkerResponse()

    def StopWorker(  # noqa: N802 - gRPC's name
        self, _request: api.StopWorkerRequest, _: Any
    ) -> api.StopWorkerResponse:
        """Do nothing: the worker ends when its engine disconnects, a moment later.

        The request has the worker's id only, and machines that share a pool use the same ids. Stopping by id, as Beam's
        own pool does, would stop another machine's worker in the middle of its work.
        """
        return api.StopWorkerResponse()


def start_server(host: str, port: int) -> grpc.Server:
    """Start a pool; it listens when this returns.

    Raises:
        RuntimeError: the port is in use.
    """
    pool = WorkerPool()
    server = grpc.server(
        thread_pool_executor.shared_unbounded_instance(),
        options=[
            ("grpc.http2.max_pings_without_data", 0),
            ("grpc.http2.max_ping_strikes", 0),
            ("grpc.so_reuseport", 0),
        ],
    )
    api_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)
    server.add_insecure_port(f"{host}:{port}")
    server.start()
    return server


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description="A pool of Beam SDK workers, with TFX imported.")
    parser.add_argument("--service_port", type=int, required=True)
    parser.add_argument("--host", default="localhost", help="the address to listen on; 0.0.0.0 for every one")
    options = parser.parse_args(arguments)
    start_server(options.host, options.service_port).wait_for_termination()


if __name__ == "__main__":
    # Imported by name, because workers look `run_worker` up in this module, not in `__main__`.
    from flightline.engines import worker_pool

    worker_pool.main(sys.argv[1:])
