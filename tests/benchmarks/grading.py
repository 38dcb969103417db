"""Seconds a submission: `course grade` beside `nbgrader autograde`, and the rate of many.

    python tests/benchmarks/grading.py                          # 3 with nbgrader, 30 with this
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
from collections.abc import Callable
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
NOTEBOOK = "00_sampling"
AS_MANY = 10  # times, with the course's: its seconds a submission are fewer than its start's spread


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


class Peak:
    """The most that was seen of something, over this process's descendants together."""

    def __init__(self, of: Callable[[psutil.Process], float], pause: float):
        self.peak, self._of, self._pause, self._done = 0.0, of, pause, threading.Event()

    def __enter__(self):
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._done.set()
        self._thread.join()

    def _watch(self):
        while not self._done.wait(self._pause):
            children = psutil.Process().children(recursive=True)
            self.peak = max(self.peak, sum(map(self._seen, children)))

    def _seen(self, process: psutil.Process) -> float:
        try:
            return self._of(process)
        except psutil.Error:
            return 0.0


def memory(process: psutil.Process) -> float:
    """Bytes; a page of n processes is an nth in each."""
    return process.memory_full_info().pss


def processor_seconds(process: psutil.Process) -> float:
    """With those of its children that have ended."""
    return sum(process.cpu_times()[:4])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=3, help="submissions with nbgrader")
    parser.add_argument("--many", type=int, default=0, help="instead: so many with the course's")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--nbgrader", default=sys.executable, metavar="PYTHON")
    given = parser.parse_args()
    if given.many:
        with Peak(memory, 2.0) as held:
            seconds = course(given.many, given.workers)
        print(f"{given.many} submissions in {seconds:.0f} s, {given.many / seconds:.2f} a second")
        print(f"peak memory {held.peak / 2**30:.1f} GiB")
        return
    graders = {"course grade": (lambda n: course(n, given.workers), AS_MANY * given.count)}
    if has_nbgrader(given.nbgrader):
        graders["nbgrader autograde"] = (lambda n: nbgrader(n, given.nbgrader), given.count)
    each = {}
    for name, (grade, count) in graders.items():
        first, more = measured(grade, 1), measured(grade, 1 + count)
        each[name] = [(b - a) / count for a, b in zip(first, more, strict=True)]
        seconds, processor = each[name]
        print(f"{name}: {first[0]:.1f} s for the first submission, {seconds:.2f} s for each more,")
        print(f"    and {processor:.2f} s of processor time")
    if len(each) == 2:
        seconds, processor = (b / a for a, b in zip(*each.values(), strict=True))
        print(f"nbgrader takes {seconds:.1f} times as long, {processor:.1f} times as much of it")


def measured(grade: Callable[[int], float], count: int) -> tuple[float, float]:
    """Seconds, and seconds of processor time, for so many submissions."""
    with Peak(processor_seconds, 0.2) as spent:
        seconds = grade(count)
    return seconds, spent.peak


if __name__ == "__main__":
    main()
