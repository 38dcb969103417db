"""Seconds a submission: `course grade` beside `nbgrader autograde`, and the rate of many.

    python tests/benchmarks/grading.py                          # 3 with each, one after the other
    python tests/benchmarks/grading.py --many 1000 --workers 2  # rate and peak memory of many

`--nbgrader PYTHON` takes nbgrader from an environment of its own; without nbgrader only the
course's is measured. Submissions are the solved notebook 00 with a comment of their own in each
exercise cell. The time to start, of the warm sandbox and of nbgrader, is measured on one submission
and taken off.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
NOTEBOOK = "00_sampling"


def submissions(folder: Path, count: int, inner: str = "") -> Path:
    source = json.loads((ROOT / "solutions" / f"{NOTEBOOK}.ipynb").read_text(encoding="utf-8"))
    for number in range(count):
        for cell in source["cells"]:
            if "exercise" in cell["metadata"].get("tags", []):
                cell["source"] = [f"# student {number}\n", *cell["source"]]
        path = folder / f"student{number:04}" / inner / f"{NOTEBOOK}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(source), encoding="utf-8")
    return folder


def course(count: int, workers: int) -> float:
    with tempfile.TemporaryDirectory() as name:
        folder = submissions(Path(name, "submissions"), count)
        out = str(Path(name, "results"))
        command = [sys.executable, "-m", "course_utils.cli", "grade", str(folder), "--out", out]
        return timed([*command, "--assignment", "00", "--workers", str(workers)], Path(name))


def nbgrader(count: int, python: str) -> float:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "source" / "ps").mkdir(parents=True)
        solved = ROOT / "solutions" / f"{NOTEBOOK}.ipynb"
        (folder / "source" / "ps" / solved.name).write_bytes(solved.read_bytes())
        submissions(folder / "submitted", count, inner="ps")
        run = [python, "-m", "nbgrader"]
        timed([*run, "generate_assignment", "ps"], folder)
        return timed([*run, "autograde", "ps"], folder)


def timed(command: list[str], folder: Path) -> float:
    begin = time.perf_counter()
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    programs = os.pathsep.join([str(Path(command[0]).parent), os.environ["PATH"]])  # alembic
    environment = os.environ | {"PYTHONPATH": paths, "PATH": programs, "COURSE_DEVICE": "cpu"}
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return time.perf_counter() - begin


def has_nbgrader(python: str) -> bool:
    return not subprocess.run([python, "-c", "import nbgrader"], capture_output=True).returncode


class PeakMemory:
    """The most that this process's descendants held together, in bytes, shared pages once."""

    def __enter__(self):
        self.peak, self._done = 0, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._done.set()
        self._thread.join()

    def _watch(self):
        while not self._done.wait(2):
            self.peak = max(self.peak, sum(map(_held, psutil.Process().children(recursive=True))))


def _held(process: psutil.Process) -> int:
    try:
        return process.memory_full_info().pss
    except psutil.Error:
        return 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=3, help="submissions with each grader")
    parser.add_argument("--many", type=int, default=0, help="instead: so many with the course's")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--nbgrader", default=sys.executable, metavar="PYTHON")
    given = parser.parse_args()
    if given.many:
        with PeakMemory() as memory:
            seconds = course(given.many, given.workers)
        print(f"{given.many} submissions in {seconds:.0f} s, {given.many / seconds:.2f} a second")
        print(f"peak memory {memory.peak / 2**30:.1f} GiB")
        return
    graders = {"course grade": lambda count: course(count, given.workers)}
    if has_nbgrader(given.nbgrader):
        graders["nbgrader autograde"] = lambda count: nbgrader(count, given.nbgrader)
    seconds = {}
    for name, grade in graders.items():
        first = grade(1)
        seconds[name] = (grade(1 + given.count) - first) / given.count
        print(f"{name:20} {first:6.1f} s for the first, {seconds[name]:6.2f} s for each more")
    if len(seconds) == 2:
        one, other = seconds.values()
        print(f"nbgrader takes {other / one:.0f} times as long")


if __name__ == "__main__":
    main()
