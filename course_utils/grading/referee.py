"""Grades the cells of one submission: the sandbox probes, the judges here say what it is worth."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

import course_utils
from course_utils.checks.bank import Case, Exercise
from course_utils.checks.report import CaseResult, Report
from course_utils.grading import room, suspicions
from course_utils.grading.release import Release
from course_utils.grading.sandbox import Reply, Sandbox, Visit

SEEDS = 1_000_000
LEAST_SECONDS = 1.0
JUDGE_SECONDS = 60
OUTCOMES = {
    "returned": {"value": object, "mutated": bool},
    "raised": {"error": str, "text": str, "line": str, "number": int},
    "signature": {"text": str},
    "wrong-kind": {"seen": str},
    "timeout": {},
}
FATES = {
    "missing": ("The cell of this exercise is missing.", "Begin with a fresh copy."),
    "undefined": (
        "The cell does not define the answer.",
        "Keep the name of the function or class as it was given.",
    ),
    "time": ("The cell did not come to an end in time.", "What makes its loops stop?"),
    "memory": ("The code used more memory than is allowed.", "Which tensor grows?"),
    "died": ("The process ended while the code ran.", "Leave out exit() and os._exit()."),
    "gone": ("The process ended while the code ran.", "Leave out exit() and os._exit()."),
    "length": ("The cell is longer than any answer.", "Leave out data; keep the code."),
    "protocol": ("The code disturbed the grading.", "Talk to your instructor."),
    "tampered": (
        "The code replaces functions of Python, torch or the course.",
        "Define functions of your own; leave others as they are.",
    ),
    "judge": ("The answer could not be judged.", "Your instructor looks at it."),
    "budget": ("The notebook as a whole took too long.", "Which cell is slow?"),
}
FOR_A_HUMAN = {
    "missing",
    "memory",
    "died",
    "gone",
    "length",
    "protocol",
    "tampered",
    "judge",
    "budget",
}


def seed(secret: bytes, submission: str, exercise: str, attempt: int) -> int:
    """A seed that nobody can foretell, the same for the same submission and attempt."""
    message = f"{submission} {exercise} {attempt}".encode()
    digest = hmac.new(secret, message, hashlib.sha256).digest()
    return 1 + int.from_bytes(digest[:8], "big") % SEEDS


def grade(
    sandbox: Sandbox, release: Release, cells: dict[str, str], seeds: dict[str, int]
) -> tuple[list[dict], list[str]]:
    """The exercises of a notebook, graded, and sentences for a human.

    ``cells`` are the sources by cell id, ``seeds`` by exercise id. Raises SandboxLost.
    """
    with sandbox.submission() as visit:
        grading = _Grading(sandbox, visit, release, cells)
        exercises = [grading.exercise(e, seeds[e.id]) for e in release.exercises]
    return exercises, grading.flags


class _Grading:
    def __init__(self, sandbox: Sandbox, visit: Visit, release: Release, cells: dict[str, str]):
        self.visit, self.release, self.cells, self.limits = visit, release, cells, sandbox.limits
        self.end = time.monotonic() + self.limits.submission_seconds
        self.flags: list[str] = []
        self.done: list[Callable[[], Reply]] = []
        self._begin()

    def _begin(self) -> None:
        """A clean interpreter in which the setup cells ran, and every cell that did no harm."""
        self.visit.begin()
        for source in self.release.setup:
            reply = self.visit.cell(source)
            if reply.ended or reply.value["error"]:
                seen = reply.ended or reply.value["error"]
                raise RuntimeError(f"a setup cell of {self.release.notebook} fails: {seen}")
        for again in self.done:
            if again().ended:
                self.done.remove(again)
                return self._begin()

    def exercise(self, exercise: Exercise, seed: int) -> dict:
        """Run the cell, then its cases; the record of it all."""
        source = self.cells.get(exercise.cell)
        note, raised = "", ""
        if source is None:
            note = "missing"
        elif time.monotonic() > self.end:
            note = "budget"
        else:
            self._flag(exercise, suspicions.find(source))
            note, raised = self._run(exercise, source)
        if note:
            results, printed = [_fate(note, case) for case in exercise.cases], ""
        else:
            results, printed = self._cases(exercise, seed)
        self._flag_fates(exercise, results, raised)
        if not all(result.passed for result in results):
            self._supply(exercise)
        report = Report(exercise.id, tuple(results), printed)
        return {
            "id": exercise.id,
            "seed": seed,
            "points": report.points,
            "max_points": report.max_points,
            "misconception": report.misconception,
            "raised": raised,
            "printed": printed,
            "cases": [asdict(result) for result in results],
        }

    def _run(self, exercise: Exercise, source: str) -> tuple[str, str]:
        """Run the exercise cell: its fate if it came to none, and what it raised."""

        def run() -> Reply:
            return self.visit.cell(source, forget=(exercise.answer,))

        reply = run()
        if reply.ended:
            self._begin()
            return reply.ended, ""
        value = reply.value
        if not (type(value) is dict and type(value.get("error")) is str):
            self._begin()
            return "protocol", ""
        self.done.append(run)
        return "", value["error"][:500]

    def _cases(self, exercise: Exercise, seed: int) -> tuple[list[CaseResult], str]:
        left, results, printed = self.limits.exercise_seconds, [], ""
        for case in exercise.cases:
            if time.monotonic() > self.end:
                results.append(_fate("budget", case))
                continue
            limit = max(left, LEAST_SECONDS)
            begin = time.monotonic()
            reply = self.visit.case(case.probe, exercise.kind, exercise.answer, seed, limit)
            left -= time.monotonic() - begin
            results.append(_result(exercise, case, reply, seed))
            if results[-1].misconception == "sandbox/tampered":
                self.done.pop()  # the cells that follow begin without this one
                self._begin()
                return [_fate("tampered", case) for case in exercise.cases], printed
            if reply.ended:
                self._begin()
            elif type(reply.value) is dict and type(reply.value.get("printed")) is str:
                printed = printed or reply.value["printed"][:2000]
        return results, printed

    def _supply(self, exercise: Exercise) -> None:
        """The course's version for the exercises that follow, as in the notebook."""
        source = _supplied(exercise, self.release)
        if not source:
            return
        name = exercise.reference.rpartition(".")[2]

        def define() -> Reply:
            return self.visit.define(exercise.answer, source, name)

        self.done.append(define)
        if define().ended:
            self.done.remove(define)
            self._begin()

    def _flag(self, exercise: Exercise, sentences: list[str]) -> None:
        self.flags += [f"{exercise.id}: {sentence}" for sentence in sentences]

    def _flag_fates(self, exercise: Exercise, results: list[CaseResult], raised: str) -> None:
        slugs = {r.misconception.removeprefix("sandbox/") for r in results if not r.passed}
        self._flag(exercise, [FATES[slug][0] for slug in sorted(slugs & FOR_A_HUMAN)])
        if raised:
            self._flag(exercise, [f"The cell raised {raised}"])


def _result(exercise: Exercise, case: Case, reply: Reply, seed: int) -> CaseResult:
    if reply.ended and reply.ended != "time":
        return _fate(reply.ended, case)
    observation = {"calls": [{"outcome": "timeout"}]} if reply.ended else reply.value
    if not isinstance(observation, dict):
        return _fate("died", case)
    if not observation:
        return _fate("undefined", case)
    if "tampered" in observation:
        return _fate("tampered", case)
    if not _is_observation(observation):
        return _fate("protocol", case)
    from course_utils.checks import judges

    try:
        with _deadline(JUDGE_SECONDS):
            return judges.judge(exercise, case, observation, seed)
    except Exception as error:
        return _fate("judge", case, f"{type(error).__name__}: {error}"[:300])


def _is_observation(observation: dict) -> bool:
    calls = observation.get("calls")
    return type(calls) is list and 0 < len(calls) < 10_000 and all(map(_is_outcome, calls))


def _is_outcome(call: object) -> bool:
    if type(call) is not dict or type(call.get("outcome")) is not str:
        return False
    fields = OUTCOMES.get(call["outcome"])
    return fields is not None and all(
        name in call and (kind is object or type(call[name]) is kind)
        for name, kind in fields.items()
    )


def _fate(slug: str, case: Case, seen: str = "") -> CaseResult:
    explanation, hint = FATES[slug]
    return CaseResult(
        name=case.name,
        passed=False,
        points=0,
        max_points=case.points,
        misconception=f"sandbox/{slug}",
        seen=seen,
        explanation=explanation,
        hint=hint,
    )


@contextlib.contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    """TimeoutError after so many seconds; without effect outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def late(signum, frame):
        raise TimeoutError(f"no judgement within {seconds} s")

    previous = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


@lru_cache(maxsize=256)
def _supplied(exercise: Exercise, release: Release) -> str:
    """The source of a reference, "" if it would give away an exercise that is still to come."""
    module, _, name = exercise.reference.rpartition(".")
    file = Path(course_utils.__file__).parents[1].joinpath(*module.split(".")).with_suffix(".py")
    if not file.is_file():
        return ""
    later = release.exercises[release.exercises.index(exercise) + 1 :]
    hidden = {e.reference.rpartition(".")[2] for e in later if e.reference.startswith(f"{module}.")}
    source = file.read_text(encoding="utf-8")
    if room.stands_on(source, name, hidden):
        return ""
    return room.excerpt(source, {name}, set())
