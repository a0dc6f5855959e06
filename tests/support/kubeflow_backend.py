"""Does for a compiled KFP spec what its backend does: order, parameters, artifacts, the driver hook, resolvers.

Containers are command lines here: each step runs the command and arguments that the spec has for it, `{{$}}` replaced
by the executor input, in a process of its own; the image is not looked at. `gs://BUCKET` in parameters stands for a
folder, and output URIs are below it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]
RunCommand = Callable[[list[str], Path], int]
"""(arguments of `python`, log) → exit code."""


@dataclass
class Backend:
    """Runs the tasks of a spec.

    Attributes:
        spec: the pipelineSpec of a compiled PipelineJob.
        folder: what `bucket` stands for.
        run: runs `python ARGUMENTS`.
        driver_hook: whether `lifecycle.preCacheCheck` is run, as on Vertex AI; Kubeflow Pipelines ignores it.
        store: every artifact made so far, oldest first.
        outputs: task → output key → artifacts.
    """

    spec: Json
    folder: Path
    bucket: str
    run: RunCommand
    driver_hook: bool = True
    store: list[Json] = field(default_factory=list)
    outputs: dict[str, dict[str, list[Json]]] = field(default_factory=dict)
    runs: int = 0

    @property
    def tasks(self) -> dict[str, Json]:
        return self.spec["root"]["dag"]["tasks"]

    def order(self) -> list[str]:
        """The tasks, each after those whose outputs it takes or that it names."""
        after = {name: {*task.get("dependentTasks", []), *producer_tasks(task)} for name, task in self.tasks.items()}
        return list(TopologicalSorter(after).static_order())

    def run_task(self, name: str) -> int:
        """Runs one task; its artifacts are then in `outputs` and `store`. Returns the container's exit code."""
        executor = self._executor(name)
        if "resolver" in executor:
            self.outputs[name] = self._resolve(name, executor["resolver"])
            return 0
        if "importer" in executor:
            self.outputs[name] = self._import(name, executor["importer"])
            return 0
        return self._run_container(name, executor["container"])

    def log(self, name: str) -> str:
        return (self.folder / "logs" / f"{name}.txt").read_text()

    def _executor(self, name: str) -> Json:
        component = self.spec["components"][self.tasks[name]["componentRef"]["name"]]
        return self.spec["deploymentSpec"]["executors"][component["executorLabel"]]

    def _component(self, name: str) -> Json:
        return self.spec["components"][self.tasks[name]["componentRef"]["name"]]

    def _run_container(self, name: str, container: Json) -> int:
        given = self._executor_input(name)
        output_file = Path(given["outputs"]["outputFile"])
        output_file.parent.mkdir(parents=True)
        hook = container.get("lifecycle", {}).get("preCacheCheck")
        if hook and self.driver_hook:
            if code := self._run_command(f"{name}-driver", hook["command"], hook["args"], given):
                return code
            self._merge(given, json.loads(output_file.read_text()))
        make_output_dirs(given["outputs"]["artifacts"])
        if code := self._run_command(name, container["command"], container["args"], given):
            return code
        self._merge(given, json.loads(output_file.read_text()))
        self.outputs[name] = {key: made["artifacts"] for key, made in given["outputs"]["artifacts"].items()}
        self.store += [artifact for made in self.outputs[name].values() for artifact in made]
        return 0

    def _run_command(self, name: str, command: list[str], arguments: list[str], given: Json) -> int:
        assert command[0] == "python"
        log = self.folder / "logs" / f"{name}.txt"
        log.parent.mkdir(exist_ok=True)
        filled = [argument.replace("{{$}}", json.dumps(given)) for argument in arguments]
        return self.run([*command[1:], *filled], log)

    def _executor_input(self, name: str) -> Json:
        task, outputs = self.tasks[name], self._component(name).get("outputDefinitions", {})
        self.runs += 1
        folder = self.folder / "root" / f"{name}_{self.runs}"
        inputs = task.get("inputs", {})
        return {
            "inputs": {
                "parameterValues": {
                    key: self._local(value["runtimeValue"]["constant"])
                    for key, value in inputs.get("parameters", {}).items()
                },
                "artifacts": {
                    key: {"artifacts": self._produced(value["taskOutputArtifact"])}
                    for key, value in inputs.get("artifacts", {}).items()
                },
            },
            "outputs": {
                "artifacts": {
                    key: {"artifacts": [self._new_artifact(definition, folder / key)]}
                    for key, definition in outputs.get("artifacts", {}).items()
                },
                "outputFile": str(folder / "executor_output.json"),
            },
        }

    def _produced(self, reference: Json) -> list[Json]:
        return self.outputs[reference["producerTask"]][reference["outputArtifactKey"]]

    def _new_artifact(self, definition: Json, uri: Path | str) -> Json:
        name = f"projects/1/artifacts/{len(self.store)}-{self.runs}-{Path(uri).name}"
        return {"name": name, "uri": str(uri), "type": definition["artifactType"], "metadata": {}}

    def _local(self, value: Any) -> Any:
        return value.replace(self.bucket, str(self.folder)) if isinstance(value, str) else value

    @staticmethod
    def _merge(given: Json, written: Json) -> None:
        """What a container wrote to its output file changes what the next one is given, as the file's contract says."""
        given["inputs"]["parameterValues"].update(written.get("parameterValues", {}))
        for key, made in written.get("artifacts", {}).items():
            [artifact], [changed] = given["outputs"]["artifacts"][key]["artifacts"], made["artifacts"]
            assert None not in changed.get("metadata", {}).values(), changed  # Kubeflow Pipelines' store refuses it
            artifact["metadata"].update(changed.get("metadata", {}))
            artifact["uri"] = changed["uri"]

    def _import(self, name: str, importer: Json) -> dict[str, list[Json]]:
        [(key, definition)] = self._component(name)["outputDefinitions"]["artifacts"].items()
        artifact = self._new_artifact(definition, self._local(importer["artifactUri"]["constant"]))
        artifact["metadata"].update(importer.get("metadata", {}))
        return {key: [artifact]}

    def _resolve(self, name: str, resolver: Json) -> dict[str, list[Json]]:
        """The newest artifact that answers each query, or none."""
        found = {}
        for key, query in resolver["outputArtifactQueries"].items():
            wanted = self._filled(name, query["filter"])
            matching = [artifact for artifact in self.store if wanted is not None and matches_query(artifact, wanted)]
            found[key] = matching[-1:]
        return found

    def _filled(self, name: str, query: str) -> str | None:
        """The query with references to metadata of inputs filled in; None where the input is not there."""

        def value(reference: re.Match[str]) -> str:
            produced = self._produced(self.tasks[name]["inputs"]["artifacts"][reference[1]]["taskOutputArtifact"])
            return str(produced[0]["metadata"][reference[2]])

        try:
            return re.sub(r"\{\{\$\.inputs\.artifacts\['(\w+)'\]\.metadata\['(\w+)'\]\}\}", value, query)
        except IndexError:
            return None


def producer_tasks(task: Json) -> Iterator[str]:
    for given in task.get("inputs", {}).get("artifacts", {}).values():
        yield given["taskOutputArtifact"]["producerTask"]


def make_output_dirs(outputs: Json) -> None:
    """In a bucket no folder can be missing; here they can. A value's URI is that of its file."""
    for made in outputs.values():
        for artifact in made["artifacts"]:
            if not artifact_title(artifact).endswith("Value"):
                Path(artifact["uri"]).mkdir(exist_ok=True)


def artifact_title(artifact: Json) -> str:
    return yaml.safe_load(artifact["type"]["instanceSchema"])["title"]


def matches_query(artifact: Json, query: str) -> bool:
    """Whether an artifact answers a query of the kinds that TFX writes."""
    facts: dict[str, Any] = {"name": artifact["name"], "state": "LIVE", "schema_title": artifact_title(artifact)}
    for key, value in artifact["metadata"].items():
        facts[f"metadata.{key}.number_value"] = value
    for condition in query.split(" AND "):
        key, value = condition.split("=", 1)
        wanted: Any = value.strip('"') if not key.endswith("number_value") else float(value)
        if facts.get(key) != wanted:
            return False
    return True
