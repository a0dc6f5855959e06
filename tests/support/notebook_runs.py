"""Runs a notebook as Jupyter would, in a kernel of this interpreter, whatever kernels the machine knows."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
PARAMETERS_TAG = "parameters"  # the tag of the cell that says which run


class CurrentPythonKernel(AsyncKernelManager):
    """Starts the interpreter that runs the tests."""

    @property
    def kernel_spec(self) -> KernelSpec:
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="Python 3", language="python")


def read_notebook(name: str) -> nbformat.NotebookNode:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def parameters_cell(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The one cell that says which run."""
    [cell] = [cell for cell in notebook.cells if PARAMETERS_TAG in cell.metadata.get("tags", [])]
    return cell


def execute_notebook(name: str, replaced: dict[str, str]) -> nbformat.NotebookNode:
    """The notebook with its outputs.

    Args:
        replaced: texts of the parameters' cell, and what stands there instead.
    """
    notebook = read_notebook(name)
    cell = parameters_cell(notebook)
    for old, new in replaced.items():
        assert old in cell.source
        cell.source = cell.source.replace(old, new)
    environment = {**os.environ, "PYTHONPATH": str(FOLDER.parent)}
    NotebookClient(notebook, kernel_manager_class=CurrentPythonKernel, timeout=300).execute(
        cwd=str(FOLDER), env=environment
    )
    return notebook


def outputs_of(notebook: nbformat.NotebookNode, mime: str) -> list[str]:
    """What the cells show in a form, in order."""
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    found = [output.data[mime] for output in shown if "data" in output and mime in output.data]
    return found + [output.text for output in shown if mime == "text/plain" and output.output_type == "stream"]
