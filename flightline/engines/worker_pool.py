"""A pool of SDK workers for engines outside this process: `python -m flightline.engines.worker_pool --service_port=N`.

Beam's own pool starts a new interpreter for every worker, and Flink asks for workers again and again: for the stages of
a batch job, one after another. Each of them would import TensorFlow and TFX anew, for a dozen CPU seconds. Here workers
are forked from a process that has imported them once and done nothing else. And since whoever reaches a pool can have
it run code, it listens on this machine's loopback unless told otherwise.
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
    """The life of one worker: until the engine ends it, or is gone."""
    from apache_beam.runners.worker.sdk_worker import SdkHarness

    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    SdkHarness(control_endpoint, worker_id=worker_id, state_cache_size=0).run()


class WorkerPool(api_grpc.BeamFnExternalWorkerPoolServicer):
    """Beam's protocol of external workers: an engine asks for one, and says when it needs it no longer."""

    def __init__(self) -> None:
        self._fork_context = multiprocessing.get_context("forkserver")
        self._fork_context.set_forkserver_preload(PRELOADED_MODULES)
        forkserver.ensure_running()  # imports while the engine is still being asked
        self._lock = threading.Lock()
        self._workers: list[BaseProcess] = []

    def StartWorker(  # noqa: N802 - gRPC's name
        self, request: api.StartWorkerRequest, _: Any
    ) -> api.StartWorkerResponse:
        arguments = (request.control_endpoint.url, request.worker_id)
        worker = self._fork_context.Process(target=run_worker, args=arguments, daemon=True)
        worker.start()
        with self._lock:  # the dead are reaped as new ones come
            self._workers = [worker, *(known for known in self._workers if known.is_alive())]
        return api.StartWorkerResponse()

    def StopWorker(  # noqa: N802 - gRPC's name
        self, _request: api.StopWorkerRequest, _: Any
    ) -> api.StopWorkerResponse:
        """Leaves it to the worker, which ends as its engine hangs up, a moment later.

        The request names it by an id only, and machines that share a pool give the same ids: to go by them would end
        another machine's worker in the middle of its work, as Beam's own pool does.
        """
        return api.StopWorkerResponse()


def start_server(host: str, port: int) -> grpc.Server:
    """A pool that listens when this returns.

    Raises:
        RuntimeError: the port is taken.
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
    given = parser.parse_args(arguments)
    start_server(given.host, given.service_port).wait_for_termination()


if __name__ == "__main__":
    # By its importable name: the workers' function is looked up in the module, not in `__main__`.
    from flightline.engines import worker_pool

    worker_pool.main(sys.argv[1:])
