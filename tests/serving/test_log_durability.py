"""A server killed under load loses at most the last fraction of a second of its log."""

from __future__ import annotations

import contextlib
import json
import threading
import time

from model_server import running_server, wait_for
from small_releases import ROW, add_small_release

from flightline.serving.log_files import read_log
from flightline.serving.prediction_log import RECOVERY_FILE
from scripts.load_generator import send_load

FLUSH_S = 0.5


def test_a_kill_loses_less_than_a_second_of_the_log_and_the_next_server_counts_it(releases):
    add_small_release(releases, 7)
    workspace = releases.parents[1]
    answered: dict[str, float] = {}

    def body(number):
        answered[str(number)] = time.monotonic()  # when it was asked
        return {"rows": [ROW], "id": str(number)}

    def send():
        with contextlib.suppress(OSError):  # the server has been killed
            send_load(server.http_port, 20_000, 4, body, timeout_s=60)

    with running_server(workspace, log={"flush_s": FLUSH_S, "segment_mb": 0.05}) as server:
        sender = threading.Thread(target=send)
        sender.start()
        wait_for(lambda: len(answered) > 2000)
        killed = time.monotonic()
        server.kill()
        sender.join(timeout=60)
    with running_server(workspace) as server:
        lost = server.metric("flightline_log_rows", state="lost")
    [note] = map(json.loads, (server.predictions / RECOVERY_FILE).read_text().splitlines())
    kept = set(read_log(server.predictions)["_request_id"].to_pylist())
    assert len(kept) > 500
    assert note["lost_rows"] == lost == note["accepted_rows"] - len(kept)
    missing = [asked for request_id, asked in answered.items() if request_id not in kept]
    assert all(killed - asked < 2 * FLUSH_S for asked in missing)
