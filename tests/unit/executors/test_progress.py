"""Progress reports reach the run that launched the step, and no other run in the process."""

import threading

from flightline.executors import progress


def test_reports_reach_the_listener_until_it_ends():
    rows, warnings = [], []
    with progress.listen(rows.append, warnings.append):
        progress.report(5)
        progress.warn("slow")
    progress.report(6)
    assert (rows, warnings) == ([5], ["slow"])


def test_the_inner_listener_replaces_the_outer_one():
    outer, inner = [], []
    with progress.listen(outer.append):
        with progress.listen(inner.append):
            progress.report(1)
        progress.report(2)
    assert (outer, inner) == ([2], [1])


def test_runs_in_two_threads_receive_only_their_own_reports():
    seen = {name: [] for name in "ab"}
    both_listen = threading.Barrier(2)

    def run(name, rows):
        with progress.listen(seen[name].append):
            both_listen.wait()
            progress.report(rows)
            both_listen.wait()

    threads = [threading.Thread(target=run, args=args) for args in (("a", 1), ("b", 2))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"a": [1], "b": [2]}
