"""Grades a folder of submissions: what is there already stays, each result is written at once."""

from __future__ import annotations

import datetime
import hashlib
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from functools import cache, partial
from itertools import islice
from multiprocessing import get_context
from multiprocessing.util import Finalize
from pathlib import Path

import torch
from tqdm.auto import tqdm

from course_utils.checks import bank, judges, probes
from course_utils.grading import referee, room
from course_utils.grading.release import Release
from course_utils.grading.results import SCHEMA, Results
from course_utils.grading.sandbox import Limits, Sandbox, SandboxLost, SandboxUnavailable
from course_utils.grading.submissions import VERDICTS, Submission

TRIES = 3
KILLER, BREAKER = "kills-its-worker", "breaks-the-grader"


@dataclass(frozen=True)
class Job:
    """One submission to grade, with all that its result depends on; plain data."""

    pseudonym: str
    submission: Submission
    attempt: int
    seeds: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Engine:
    """How submissions are graded: limits, walls, an instructor's own bank."""

    limits: Limits = Limits()
    unsafe: bool = False
    bank: Path | None = None

    def sandbox(self, release: Release) -> Sandbox:
        probes = self.bank / "probes" if self.bank and (self.bank / "probes").is_dir() else None
        build = partial(room.build, exercises=release.exercises, setup=release.setup, probes=probes)
        cases = [(e.kind, case.probe) for e in release.exercises for case in e.cases]
        return Sandbox(build, self.limits, self.unsafe, cases, release.setup)


def jobs(
    found: Iterable[Submission], releases: list[Release], results: Results, afresh: bool
) -> list[Job]:
    """What is left to grade: no result of the same content is there, or all is asked afresh.

    A notebook that is not in this folder keeps the result that it has from another one.
    """
    exercises = {release.notebook: release.exercises for release in releases}
    todo = []
    for submission in found:
        pseudonym = results.pseudonym(submission.student)
        old = results.read(submission.notebook, pseudonym)
        same = old is not None and old["submission"]["sha256"] == submission.sha256
        elsewhere = old is not None and submission.verdict == "no-notebook"
        if (same and not afresh) or elsewhere:
            continue
        attempt = old["attempt"] + 1 if same else 0
        seeds = tuple(
            (e.id, referee.seed(results.secret, submission.sha256, e.id, attempt))
            for e in exercises[submission.notebook]
        )
        todo.append(Job(pseudonym, submission, attempt, seeds))
    return todo


def run(
    todo: list[Job], releases: list[Release], engine: Engine, results: Results, workers: int = 1
) -> None:
    """Grade the jobs, each result written when it is there. Raises SandboxUnavailable."""
    for release in releases:
        mine = [job for job in todo if job.submission.notebook == release.notebook]
        with tqdm(total=len(mine), desc=release.notebook, disable=not mine) as bar:
            way = _alone if workers == 1 else partial(_together, workers=workers)
            for result in way(mine, release, engine):
                results.write(result)
                bar.update()


def _alone(todo: list[Job], release: Release, engine: Engine) -> Iterator[dict]:
    yield from (ungraded(job, release) for job in todo if job.submission.verdict)
    todo = [job for job in todo if not job.submission.verdict]
    if todo:
        with engine.sandbox(release) as sandbox:
            yield from (graded(sandbox, release, job) for job in todo)


def _together(todo: list[Job], release: Release, engine: Engine, workers: int) -> Iterator[dict]:
    """With a warm sandbox for each worker. What was running when a worker died is tried again,
    alone; what kills its worker three times is a verdict."""
    yield from (ungraded(job, release) for job in todo if job.submission.verdict)
    left = {job.pseudonym: job for job in todo if not job.submission.verdict}
    tries = dict.fromkeys(left, 0)
    while left:
        suspects = [job for name, job in left.items() if tries[name]]
        chosen, size = (suspects[:1], 1) if suspects else (list(left.values()), workers)
        running: dict[Future, Job] = {}
        try:
            for result in _pooled(chosen, running, min(size, len(chosen)), release, engine):
                del left[result["pseudonym"]]
                yield result
        except BrokenProcessPool:
            for job in running.values():
                tries[job.pseudonym] += 1
                if tries[job.pseudonym] == TRIES:
                    del left[job.pseudonym]
                    yield ungraded(job, release, KILLER)


def _pooled(
    todo: list[Job], running: dict[Future, Job], size: int, release: Release, engine: Engine
) -> Iterator[dict]:
    """Results from a pool of processes; ``running`` holds the jobs that are in one of them."""
    waiting = iter(todo)
    with ProcessPoolExecutor(size, get_context("fork"), _warm, (engine, release)) as pool:
        while True:
            for job in islice(waiting, size - len(running)):
                running[pool.submit(_in_worker, job)] = job
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                result = future.result()
                del running[future]
                yield result


_worker: tuple[Sandbox, Release] | Exception


def _warm(engine: Engine, release: Release) -> None:
    global _worker
    try:
        sandbox = engine.sandbox(release)
        sandbox.__enter__()
    except Exception as error:  # told by the first job: one raised here would break the pool
        _worker = error
        return
    Finalize(None, sandbox.__exit__, exitpriority=1)
    _worker = sandbox, release


def _in_worker(job: Job) -> dict:
    if isinstance(_worker, Exception):
        raise _worker
    return graded(*_worker, job)


def graded(sandbox: Sandbox, release: Release, job: Job) -> dict:
    """The result of one job. Whatever the submission does, there is one."""
    torch.set_num_threads(1)  # the judges' tensors are small, and the other cores have their own
    begin, started = time.monotonic(), datetime.datetime.now(datetime.UTC)
    for _ in range(TRIES):
        try:
            exercises, flags = referee.grade(
                sandbox, release, job.submission.cells, dict(job.seeds), job.submission.duplicates
            )
        except SandboxLost:
            continue
        except SandboxUnavailable:
            raise
        except Exception as error:  # whatever it is, the next student is graded
            result = ungraded(job, release, BREAKER, f"{type(error).__name__}: {error}"[:300])
            break
        result = _record(job, release, exercises, flags, "")
        break
    else:
        result = ungraded(job, release, KILLER)
    return result | {
        "versions": sandbox.versions,
        "checks": _checks(),
        "limits": asdict(sandbox.limits),
        "walls": "none" if sandbox.unsafe else "namespaces",
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - begin, 2),
    }


@cache
def _checks() -> str:
    """A hash of the bank, the probes and the judges, an instructor's own too."""
    folders = [*probes.__path__, *judges.__path__]
    files = [Path(bank.__file__), *(f for folder in folders for f in Path(folder).glob("*.py"))]
    digest = hashlib.sha256(repr(sorted(bank.EXERCISES.items())).encode())
    for data in sorted(file.read_bytes() for file in files):
        digest.update(data)
    return digest.hexdigest()


def ungraded(job: Job, release: Release, verdict: str = "", why: str = "") -> dict:
    """The result of a job with nothing to grade: no points, and why."""
    verdict = verdict or job.submission.verdict
    why = why or VERDICTS.get(verdict, "it brought the grading down three times")
    exercises = [
        {
            "id": exercise.id,
            "seed": 0,
            "points": 0,
            "max_points": exercise.points,
            "misconception": f"submission/{verdict}",
            "raised": "",
            "printed": "",
            "cases": [],
        }
        for exercise in release.exercises
    ]
    return _record(job, release, exercises, [f"{verdict}: {why}"], verdict)


def _record(
    job: Job, release: Release, exercises: list[dict], flags: list[str], verdict: str
) -> dict:
    submission = job.submission
    return {
        "schema": SCHEMA,
        "pseudonym": job.pseudonym,
        "notebook": submission.notebook,
        "verdict": verdict,
        "flags": [*submission.notes, *flags],
        "attempt": job.attempt,
        "exercises": exercises,
        "questions": [
            {"id": id, "max_points": most, "answer": submission.answers.get(id, "")}
            for id, most, _ in release.questions
        ],
        "submission": {
            "sha256": submission.sha256,
            "received": submission.received,
            "marked_late": submission.marked_late,
            "cells": submission.cells,
            "duplicates": list(submission.duplicates),
            "notes": list(submission.notes),
        },
    }


def again(result: dict) -> Job:
    """The job that gives a result once more: the same cells, the same seeds."""
    old = result["submission"]
    submission = Submission(
        student="",
        notebook=result["notebook"],
        cells=old["cells"],
        duplicates=tuple(old["duplicates"]),
        answers={question["id"]: question["answer"] for question in result["questions"]},
        notes=tuple(old["notes"]),
        verdict=result["verdict"] if result["verdict"] in VERDICTS else "",
        received=old["received"],
        marked_late=old["marked_late"],
    )
    seeds = tuple((exercise["id"], exercise["seed"]) for exercise in result["exercises"])
    return Job(result["pseudonym"], submission, result["attempt"], seeds)
