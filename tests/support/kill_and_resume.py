"""Runs that are killed, gone on with, and compared with one that nobody killed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline_runs import Result

from flightline.metadata.properties import properties_of
from flightline.releases import audit_log
from flightline.releases.release import read_releases

RESOLVER_NODES = {"Champion"}  # resolvers make nothing
MAX_RESUMES = 4  # goings on, at most: each may be killed as well


def content_digests(result: Result) -> dict[str, str]:
    """`Node.output` → content digest."""
    return {
        f"{node}.{key}": str(properties_of(artifact).get("content_digest"))
        for node, step in result.steps.items()
        if node not in RESOLVER_NODES
        for key, artifacts in step.outputs.items()
        for artifact in artifacts
    }


@dataclass(frozen=True)
class KillResult:
    """What became of a run that was killed.

    Attributes:
        moments: seconds after its start at which it and its continuations were killed.
        ended: the one that went through.
        wrong: whatever is not as after a run that nobody killed.
    """

    moments: list[float]
    ended: Result
    wrong: list[str]


def kill_and_resume(run: Any, workspace: Path, data: Path, whole: Result, moments: list[float]) -> KillResult:
    """Starts a run, kills it at the first moment, goes on with it, kills that at the second, ..., and lets the last
    one be.

    Args:
        run: the fixture. whole: a run on the same data that nobody killed.
    """
    options: tuple[str, ...] = ()
    for moment in moments:
        run(workspace, data, None if options else "run", *options, kill_after_s=moment)
        options = ("--resume",) if list(workspace.glob("runs/*/config.yaml")) else ()
    ended = run(workspace, data, None if options else "run", *options)
    if "there is no unfinished run" in ended.err:  # the kill came after the end
        [last] = sorted(workspace.glob("runs/*/summary.json"), key=lambda path: path.stat().st_mtime_ns)[-1:]
        ended = Result(0, ended.out, "", workspace, last.parent.name, ended.current)
    else:
        [last] = sorted(workspace.glob("runs/*/summary.json"), key=lambda path: path.stat().st_mtime_ns)[-1:]
        ended = Result(ended.code, ended.out, ended.err, workspace, last.parent.name, ended.current)
    return KillResult(moments, ended, list(_find_differences(ended, whole)))


def _find_differences(ended: Result, whole: Result) -> Any:
    from flightline.metadata.runs import Runs

    if ended.code != whole.code:
        yield f"it ended with {ended.code}: {ended.err.strip()}"
        return
    expected, found = content_digests(whole), content_digests(ended)
    yield from (f"{name} differs" for name in expected if found.get(name) != expected[name])
    for run in Runs.open(ended.workspace / "metadata.db"):
        yield from (f"{step.node} is {step.state}" for step in run.steps.values() if step.state in ("RUNNING", "NEW"))
    folder = ended.workspace / "releases" / "flights"
    known = read_releases(folder)
    if len(known) != 1 or not known[0].current:
        yield f"the releases are {[(one.version, one.current) for one in known]}"
    elif not (known[0].path / "saved_model.pb").is_file():
        yield "the release has no model"
    yield from (f"{left.name} is left" for left in folder.glob(".pushing-*"))
    yield from (f"{left.name} is left" for left in folder.glob(".change"))
    made = {
        str(artifact.uri) for one in Runs.open(ended.workspace / "metadata.db") for artifact in _output_artifacts(one)
    }
    on_disk = {str(path) for path in (ended.workspace / "artifacts").glob("[!.]*/[!.]*/[0-9]*")}
    made |= {uri.removesuffix("/value") for uri in made}  # of values, which are files
    yield from (f"{orphan} is on no record" for orphan in sorted(on_disk - made))
    events = [entry.event for entry in audit_log.verify(ended.workspace)]
    if "pushed" not in events:
        yield "the audit log does not know of the release"


def _output_artifacts(run: Any) -> list[Any]:
    return [artifact for step in run.steps.values() for some in step.outputs.values() for artifact in some]
