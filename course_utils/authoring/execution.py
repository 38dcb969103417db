"""Running a notebook in a fresh kernel, as nbval and a reader would."""

import os
from collections.abc import Callable
from pathlib import Path

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

TIMEOUT = 120  # seconds a cell
_WIDGET = "application/vnd.jupyter.widget-view+json"  # random ids, of no use without a kernel


class ExecutionError(RuntimeError):
    """A cell that did not run to its end. `cell_id` is its id, `traceback` what it showed."""

    def __init__(self, cell_id: str, message: str, traceback: str = ""):
        super().__init__(f'cell "{cell_id}": {message}')
        self.cell_id = cell_id
        self.traceback = traceback


def execute(
    notebook: NotebookNode,
    folder: Path,
    timeout: int = TIMEOUT,
    progress: Callable[[], object] = lambda: None,
) -> None:
    """Run every cell of `notebook`, in place, with `folder` as the working directory.

    On the CPU, without the Hub and with the course's defaults. `progress` is called as each
    cell, of text or code, begins. Raises ExecutionError at the first cell that raises, takes
    longer than `timeout` seconds or kills the kernel.
    """
    running = None

    def starts(cell: NotebookNode, cell_index: int) -> None:
        nonlocal running
        running = cell
        progress()

    metadata = notebook.metadata.copy()
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        on_cell_start=starts,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    try:
        client.execute(env=_environment())
    except CellExecutionError as error:
        message = f"{error.ename}: {error.evalue}"
        raise ExecutionError(running.id, message, error.traceback) from None
    except CellTimeoutError:
        raise ExecutionError(running.id, f"took longer than {timeout} s") from None
    except DeadKernelError:
        raise ExecutionError(running.id, "the kernel died") from None
    notebook.metadata = metadata
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(_WIDGET, None)


def _environment() -> dict[str, str]:
    """This process's environment without the reader's choices (COURSE_…), on the CPU, offline."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("COURSE_")}
    return {**kept, "COURSE_DEVICE": "cpu", "HF_HUB_OFFLINE": "1"}
