import ml_metadata as mlmd
import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.errors import UsageError
from flightline.metadata.lineage import trace_artifacts
from flightline.metadata.store import sqlite_config


class Store:
    """A store in which executions read and make artifacts."""

    def __init__(self, path):
        self.store = mlmd.MetadataStore(sqlite_config(path))
        self.artifact_type = self.store.put_artifact_type(pb.ArtifactType(name="Thing"))
        self.execution_type = self.store.put_execution_type(pb.ExecutionType(name="Step"))
        self.kinds = {
            name: self.store.put_context_type(pb.ContextType(name=name))
            for name in ("pipeline", "pipeline_run", "node")
        }

    def artifact(self):
        [number] = self.store.put_artifacts([pb.Artifact(type_id=self.artifact_type, uri="/x")])
        return number

    def step(self, run, node, reads, makes):
        [execution] = self.store.put_executions([pb.Execution(type_id=self.execution_type)])
        kinds = {pb.Event.INPUT: reads, pb.Event.OUTPUT: makes}
        events = [pb.Event(artifact_id=a, execution_id=execution, type=k) for k, some in kinds.items() for a in some]
        self.store.put_events(events)
        contexts = {"pipeline": "p", "pipeline_run": run, "node": f"p.{node}"}
        ids = []
        for kind, name in contexts.items():
            known = self.store.get_context_by_type_and_name(kind, name)
            ids.append(
                known.id if known else self.store.put_contexts([pb.Context(type_id=self.kinds[kind], name=name)])[0]
            )
        attached = [pb.Association(context_id=number, execution_id=execution) for number in ids]
        self.store.put_attributions_and_associations([], attached)


@pytest.fixture
def chain(tmp_path):
    """rows → statistics; rows → model → release, of which a second run took rows from the cache."""
    store = Store(tmp_path / "metadata.db")
    names = {name: store.artifact() for name in ("rows", "statistics", "model", "release", "other")}
    store.step("one", "Gen", [], [names["rows"]])
    store.step("one", "Stats", [names["rows"]], [names["statistics"]])
    store.step("one", "Train", [names["rows"]], [names["model"]])
    store.step("two", "Gen", [], [names["rows"]])  # cached: the same artifact again
    store.step("two", "Push", [names["model"]], [names["release"]])
    store.step("two", "Other", [], [names["other"]])
    return store.store, names


def found(store, names, start, direction):
    by_id = {number: name for name, number in names.items()}
    return [by_id[artifact.id] for artifact in trace_artifacts(store, names[start], direction)]


def test_upstream_lineage_leads_to_the_inputs(chain):
    assert found(*chain, "release", "up") == ["release", "model", "rows"]
    assert found(*chain, "rows", "up") == ["rows"]


def test_downstream_lineage_leads_to_the_outputs(chain):
    assert set(found(*chain, "rows", "down")) == {"rows", "statistics", "model", "release"}
    assert found(*chain, "other", "down") == ["other"]


def test_the_producer_of_an_artifact_is_the_step_that_ran_and_not_a_cached_one(chain):
    store, names = chain
    [rows] = trace_artifacts(store, names["rows"])
    assert (rows.node, rows.run) == ("Gen", "one")
    release, *_ = trace_artifacts(store, names["release"])
    assert release.parents == (names["model"],)


def test_an_unknown_artifact_is_an_error(chain):
    with pytest.raises(UsageError, match="there is no artifact 99"):
        trace_artifacts(chain[0], 99)
