"""``course lab``: the student's own copies of the notebooks, opened in JupyterLab."""

import datetime
import os
import shutil
from pathlib import Path

import course_utils

CONFIG = Path(__file__).parent / "lab_config"  # switches JupyterLab's news pop-up off


class LabError(RuntimeError):
    """One sentence: what is missing and what to do."""


def open_lab(fresh: str | None = None, port: int | None = None, browser: bool = True) -> None:
    """Open JupyterLab on the student's notebooks; returns when JupyterLab is stopped.

    ``fresh``, a number such as "02", puts the student's copy of that notebook aside first and
    opens a new one. Raises LabError before anything is copied.
    """
    from jupyterlab.labapp import LabApp

    root = find_root()
    notebooks = sorted((root / "notebooks").glob("*.ipynb"))
    if not notebooks:
        raise LabError(f"{root / 'notebooks'} holds no notebook; make them with course build")
    first = notebooks[0] if fresh is None else numbered(fresh, notebooks)

    work = root / "my_work"
    work.mkdir(exist_ok=True)
    if fresh is not None and (work / first.name).exists():
        print(f"The old copy is kept as my_work/{set_aside(work / first.name).name}")
    for copy in copy_missing(notebooks, work):
        print(f"Copied my_work/{copy.name}")
    os.environ.update(lab_environment())
    LabApp.launch_instance(argv=lab_arguments(work, first.name, port, browser))


def find_root() -> Path:
    """The course's folder: the one that this package is installed from, editable."""
    root = Path(course_utils.__file__).resolve().parents[1]
    if not (root / "notebooks").is_dir():
        raise LabError(
            f"{root} is not the course's folder, for it has no notebooks/; "
            'in a clone of the course run pip install -e ".[lab]" -c constraints.txt'
        )
    return root


def numbered(number: str, notebooks: list[Path]) -> Path:
    """The notebook whose name starts with ``number``."""
    numbers = {path.name.split("_")[0]: path for path in notebooks}
    if number not in numbers:
        raise LabError(f"there is no notebook {number!r}; give one of {', '.join(numbers)}")
    return numbers[number]


def set_aside(notebook: Path) -> Path:
    """Rename ``notebook`` to a free name with today's date, which is returned."""
    today = datetime.date.today().isoformat()
    kept = notebook.with_name(f"{notebook.stem}.{today}{notebook.suffix}")
    again = 2
    while kept.exists():
        kept = notebook.with_name(f"{notebook.stem}.{today}-{again}{notebook.suffix}")
        again += 1
    return notebook.rename(kept)


def copy_missing(notebooks: list[Path], folder: Path) -> list[Path]:
    """Copy the notebooks that ``folder`` lacks, each whole or not at all; the copies."""
    copies = []
    for notebook in notebooks:
        copy = folder / notebook.name
        if not copy.exists():
            partial = copy.with_suffix(".partial")
            shutil.copyfile(notebook, partial)
            copies.append(partial.rename(copy))
    return copies


def lab_environment() -> dict[str, str]:
    """What JupyterLab needs in its environment: the course's configuration before any other."""
    paths = [str(CONFIG), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    return {"JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, paths))}


def lab_arguments(work: Path, notebook: str, port: int | None, browser: bool) -> list[str]:
    """JupyterLab's arguments. It listens on 127.0.0.1 alone, whatever "localhost" resolves to, and
    asks nobody for news or updates: the course pins its version."""
    arguments = [
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={work}",
        f"--LabApp.default_url=/lab/tree/{notebook}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
    ]
    if port is not None:
        arguments.append(f"--ServerApp.port={port}")
    if not browser:
        arguments.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--allow-root")  # a container's usual user
    return arguments
