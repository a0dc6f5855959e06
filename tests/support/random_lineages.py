"""Random lineages in a real sqlite store, with their files, run folders and releases; and what is needed of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import ml_metadata as mlmd
from hypothesis import strategies as st
from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.config.data import DataConfig
from flightline.config.settings import Config
from flightline.config.window import WindowConfig
from flightline.metadata.store import sqlite_config

PIPELINE, OTHER_PIPELINE, WINDOW_SPANS = "flights", "bikes", 2
_OUTPUT_TYPES = {
    "ExampleGen": "Examples",
    "StatisticsGen": "ExampleStatistics",
    "Transform": "TransformCache",
    "Trainer": "Model",
    "Pusher": "PushedModel",
}
GATE_STATES = ("COMPLETE", "CACHED", "BLOCKED", "")

step_strategy = st.fixed_dictionaries(
    {
        "node": st.sampled_from(sorted(_OUTPUT_TYPES)),
        "reads": st.lists(st.integers(0, 60), max_size=3),
        "outputs": st.integers(1, 2),
        "cached": st.booleans(),
        "elsewhere": st.integers(0, 9),
        "released": st.booleans(),
    }
)
run_strategy = st.fixed_dictionaries(
    {
        "pipeline": st.sampled_from([PIPELINE, PIPELINE, PIPELINE, OTHER_PIPELINE, f"{PIPELINE}-scoring"]),
        "span": st.integers(1, 4),
        "gate": st.sampled_from(GATE_STATES),
        "steps": st.lists(step_strategy, min_size=1, max_size=5),
    }
)
history_strategy = st.lists(run_strategy, min_size=1, max_size=6)


@dataclass
class Execution:
    """As it was made: what it read, what it made, and what it gave of others'."""

    pipeline: str
    run: str
    node: str
    reads: set[int]
    makes: set[int]
    gives: set[int]


@dataclass
class RandomLineage:
    """A workspace with a history in it, as `build` made it; ids are those of ML Metadata."""

    config: Config
    store: mlmd.MetadataStore
    executions: list[Execution] = field(default_factory=list)
    kinds: dict[int, str] = field(default_factory=dict)
    uris: dict[int, str] = field(default_factory=dict)
    spans: dict[int, int] = field(default_factory=dict)
    verdicts: dict[int, str] = field(default_factory=dict)
    released: set[int] = field(default_factory=set)
    _places: int = 0

    @classmethod
    def build(cls, folder: Path, history: list[dict]) -> RandomLineage:
        config = Config(
            name=PIPELINE,
            workspace=folder / "workspace",
            label="late",
            schema=folder / "schema.pbtxt",
            data=DataConfig(input=str(folder), pattern="{SPAN}.csv"),
            window=WindowConfig(spans=WINDOW_SPANS),
        )
        config.workspace.mkdir(parents=True)
        lineage = cls(config, mlmd.MetadataStore(sqlite_config(config.metadata_db)))
        for number, run in enumerate(history):
            lineage._add_run(f"run-{number}", run)
        (config.workspace / "reproduced" / "old" / "in_use.lock").parent.mkdir(parents=True)
        (config.workspace / "reproduced" / "old" / "in_use.lock").touch()
        return lineage

    def needed(self, keep: int) -> set[int]:
        """What is reached from releases, champion, window and the newest runs: asked of what was built, not of MLMD."""
        made_by = {artifact: e for e in self.executions for artifact in e.makes}
        ours = {PIPELINE, f"{PIPELINE}-scoring"}
        roots = {a for a, e in made_by.items() if e.pipeline not in ours} | self.released
        roots |= {a for e in self.executions if e.pipeline not in ours for a in self._counts(e)}
        pushed = sorted(a for a, kind in self.kinds.items() if kind == "PushedModel")
        caches = sorted(a for a, kind in self.kinds.items() if kind == "TransformCache")
        roots |= set(pushed[-1:]) | set(caches[-1:])
        for run in self.kept_runs(keep):
            roots |= {a for e in self.executions if e.run == run for a in self._counts(e)}
        window = self._window()
        roots |= window
        for e in self.executions:
            if e.pipeline == PIPELINE and e.node == "StatisticsGen" and e.reads & window:
                roots |= {a for a in e.makes | e.gives if self.kinds[a] == "ExampleStatistics"}
        found: set[int] = set()

        def go_back(artifact: int) -> None:
            if artifact not in found:
                found.add(artifact)
                for other in self._counts(made_by[artifact], given=False):
                    go_back(other)

        for root in roots:
            go_back(root)
        return found

    def kept_runs(self, keep: int) -> set[str]:
        kept: set[str] = set()
        for pipeline in (PIPELINE, f"{PIPELINE}-scoring"):
            names = list(dict.fromkeys(e.run for e in self.executions if e.pipeline == pipeline))
            kept |= set(names[-keep:])
        return kept

    def ours(self) -> set[int]:
        return {a for e in self.executions if e.pipeline in (PIPELINE, f"{PIPELINE}-scoring") for a in e.makes}

    def state(self) -> dict[str, object]:
        """All files, the state of each artifact and what is on record of each run, whatever the folder is called."""
        root = self.config.workspace.parent
        passing = ("audit", "index.html", "metadata.db", "flights.lock")
        files = [str(p.relative_to(root)) for p in root.rglob("*") if not p.name.startswith(passing)]
        states = {a.id: a.state for a in self.store.get_artifacts()}
        contexts = self.store.get_contexts_by_type("pipeline_run")
        return {
            "files": sorted(files),
            "artifacts": states,
            "runs": {c.name: "collected_at" in c.custom_properties for c in contexts},
        }

    def _counts(self, execution: Execution, given: bool = True) -> set[int]:
        """What is reached by way of an execution: not somebody else's analyzer cache."""
        others = execution.reads | (execution.gives if given else set())
        return execution.makes | {a for a in others - execution.makes if self.kinds[a] != "TransformCache"}

    def _window(self) -> set[int]:
        latest: dict[int, int] = {}
        for artifact, verdict in sorted(self.verdicts.items()):
            if verdict == "accepted":
                latest[self.spans[artifact]] = artifact
        return {latest[span] for span in sorted(latest)[-WINDOW_SPANS - 1 :]}

    def _add_run(self, run: str, about: dict) -> None:
        pipeline = about["pipeline"]
        (self.config.run_folder(run)).mkdir(parents=True)
        (self.config.run_folder(run) / "log.txt").write_text("log")
        for step in about["steps"]:
            kind = _OUTPUT_TYPES[step["node"]]
            reads = {sorted(self.kinds)[n % len(self.kinds)] for n in step["reads"]} if self.kinds else set()
            before = [e for e in self.executions if (e.pipeline, e.node) == (pipeline, step["node"]) and e.makes]
            if step["cached"] and before:
                self._execute(pipeline, run, step["node"], "CACHED", reads, [], before[-1].makes)
                continue
            made = [self._artifact(kind, about, step) for _ in range(step["outputs"])]
            done = self._execute(pipeline, run, step["node"], "COMPLETE", reads, made, set())
            if kind == "PushedModel" and step["released"] and pipeline == PIPELINE:
                self._release(min(done.makes))
        examples = {a for e in self.executions[-len(about["steps"]) :] for a in e.makes | e.gives if a in self.spans}
        if about["gate"] and examples and pipeline == PIPELINE:
            self._judge(run, about["gate"], examples)

    def _judge(self, run: str, gate: str, examples: set[int]) -> None:
        self._execute(PIPELINE, run, "DataGate", "FAILED" if gate == "BLOCKED" else gate, examples, [], set())
        for artifact in examples:
            self.verdicts[artifact] = "quarantined" if gate == "BLOCKED" else "accepted"

    def _release(self, artifact: int) -> None:
        folder = self.config.releases / str(1000 + artifact)
        folder.mkdir(parents=True)
        (folder / "release.json").write_text("{}")
        [pushed] = self.store.get_artifacts_by_id([artifact])
        pushed.custom_properties["pushed_destination"].string_value = str(folder.resolve())
        self.store.put_artifacts([pushed])
        self.released.add(artifact)

    def _artifact(self, kind: str, about: dict, step: dict) -> pb.Artifact:
        type_id = self.store.put_artifact_type(pb.ArtifactType(name=kind))
        self._places += 1
        folder = self.config.workspace / "artifacts" / step["node"] / "out" / str(self._places)
        uri = f"gs://bucket/{self._places}" if step["elsewhere"] == 0 else str(folder)
        if "://" not in uri:
            (folder / "Split-train").mkdir(parents=True)
            (folder / "Split-train" / "part-0").write_text("rows")
            (folder / "about").write_text("more")
        artifact = pb.Artifact(type_id=type_id, uri=uri, state=pb.Artifact.LIVE)
        if kind == "Examples":
            artifact.custom_properties["span"].int_value = about["span"]
        if kind == "PushedModel":
            artifact.custom_properties["pushed"].int_value = 1
        return artifact

    def _execute(
        self,
        pipeline: str,
        run: str,
        node: str,
        state: str,
        reads: set[int],
        made: list[pb.Artifact],
        gives: set[int],
    ) -> Execution:
        kind = self.store.put_execution_type(pb.ExecutionType(name=node))
        execution = pb.Execution(type_id=kind, last_known_state=pb.Execution.State.Value(state))
        if state == "FAILED":
            execution.custom_properties["__execution_result__"].string_value = json.dumps(
                {"code": 3, "resultMessage": "[]"}
            )
        known = {a.id: a for a in self.store.get_artifacts_by_id(sorted(reads | gives))} if reads | gives else {}
        path = pb.Event.Path(steps=[pb.Event.Path.Step(key="examples")]) if node == "DataGate" else None
        touched = [(known[a], pb.Event(type=pb.Event.INPUT, path=path)) for a in sorted(reads)]
        touched += [(known[a], pb.Event(type=pb.Event.OUTPUT)) for a in sorted(gives)]
        touched += [(artifact, pb.Event(type=pb.Event.OUTPUT)) for artifact in made]
        contexts = [("pipeline", pipeline), ("pipeline_run", run), ("node", f"{pipeline}.{node}")]
        _, ids, _ = self.store.put_execution(execution, touched, [self._context(*context) for context in contexts])
        new = ids[len(touched) - len(made) :] if made else []
        for number, artifact in zip(new, made, strict=True):
            self.kinds[number] = self.store.get_artifacts_by_id([number])[0].type
            self.uris[number] = artifact.uri
            if "span" in artifact.custom_properties:
                self.spans[number] = artifact.custom_properties["span"].int_value
        self.executions.append(Execution(pipeline, run, node, reads, set(new), gives))
        return self.executions[-1]

    def _context(self, kind: str, name: str) -> pb.Context:
        known = self.store.get_context_by_type_and_name(kind, name)
        return known or pb.Context(type_id=self.store.put_context_type(pb.ContextType(name=kind)), name=name)
