"""Executing a notebook, cell by cell, in a fresh kernel of the Python that this is."""

import os
import tempfile
from pathlib import Path

from ipykernel.kernelspec import RESOURCES, get_kernel_dict
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from traitlets import default

from course.teaching.language import language
from course.teaching.quiz.variants import mine


class _ThisPython(KernelSpecManager):
    """Knows one kernel, this interpreter's, whatever kernel the user may have installed as "python3"."""

    def get_kernel_spec(self, kernel_name):
        return KernelSpec(resource_dir=RESOURCES, **get_kernel_dict())


class _Manager(AsyncKernelManager):
    @default("kernel_spec_manager")
    def _this_python(self):
        return _ThisPython(parent=self)


def execute(notebook, folder, budget, cell_seconds, progress, figures="page"):
    """Execute all code cells in `folder`, in place; calls progress(1) after each. Returns what failed, or None.

    Stops at the first cell that fails, or that takes longer than `cell_seconds` in a quick run. What the notebook
    answers is kept for as long as it runs, and is nobody's progress. `figures` are made for a "page" or for "slides".
    """
    with tempfile.TemporaryDirectory(
        prefix="course-run-", ignore_cleanup_errors=True
    ) as own:  # Windows keeps open files
        environment = {"COURSE_BUDGET": budget, "COURSE_PROGRESS": str(Path(own, "progress.sqlite3"))}
        return _execute(
            notebook,
            folder,
            environment | {"COURSE_FIGURES": figures},
            cell_seconds if budget == "quick" else None,
            progress,
        )


def _execute(notebook, folder, environment, cell_seconds, progress):
    environment = os.environ | environment
    environment.setdefault("COURSE_LANG", language())  # what was chosen lies beside the progress
    if "COURSE_VARIANT" not in environment:  # typed answers would be marked by standard numbers
        environment["COURSE_VARIANT"] = "/".join(mine() or ())
    if environment["COURSE_BUDGET"] == "quick":
        environment.setdefault("OMP_NUM_THREADS", "1")  # small networks crawl on several busy threads
    client = NotebookClient(
        notebook,
        timeout=cell_seconds,
        kernel_name="python3",
        kernel_manager_class=_Manager,
        resources={"metadata": {"path": str(folder)}},
        store_widget_state=False,
        extra_arguments=["--log-level=CRITICAL"],  # else it warns of plain sockets, and cries when stopped
    )
    number, source = 0, ""
    try:
        # not client.execute: that one turns Ctrl-C into a dead kernel, and we would go on with the next lesson
        with client.setup_kernel(env=environment):
            for index, cell in enumerate(notebook.cells):
                if cell.cell_type != "code":
                    continue
                number, source = number + 1, cell.source
                client.execute_cell(cell, index)
                progress(1)
    except CellExecutionError as error:
        fault = f"{error.ename}: {error.evalue}".strip().partition("\n")[0]
    except CellTimeoutError:
        fault = f"took longer than {cell_seconds} s"
    except RuntimeError as error:  # DeadKernelError among them
        fault = f"the kernel died: {error}"
    else:
        return None
    if not number:
        return fault
    line = next((line for line in source.splitlines() if line.strip() and not line.startswith("#")), "")
    return f"code cell {number} ({line.strip()[:60]}): {fault}"
