"""Grades the cells of one submission: the sandbox probes, the judges here say what it is worth."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import importlib
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, replace
from functools import cache, lru_cache
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
LONGEST_TEXT = 2000  # characters of anything that a result keeps
ANSWERED = frozenset(("outcome", "value", "error", "text", "line", "number", "seen"))
OUTCOMES = {
    "returned": {"value": object, "mutated": bool},
    "raised": {"error": str, "text": str, "line": str, "number": int},
    "signature": {"text": str},
    "wrong-kind": {"seen": str},
    "timeout": {},
}
FATES = {
    "missing": ("The cell of this exercise is missing.", "Begin with a fresh copy."),
    "duplicate": (
        "The cell of this exercise is there more than once, with different content.",
        "Leave one of the copies in the notebook.",
    ),
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
        "The code replaces functions of Python, torch or the course, or looks into Python itself.",
        "Define functions of your own; leave others as they are.",
    ),
    "judge": ("The answer could not be judged.", "Your instructor looks at it."),
    "budget": ("The notebook as a whole took too long.", "Which cell is slow?"),
}
FOR_A_HUMAN = {
    "missing",
    "duplicate",
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
    sandbox: Sandbox,
    release: Release,
    cells: dict[str, str],
    seeds: dict[str, int],
    duplicates: Collection[str] = (),
) -> tuple[list[dict], list[str]]:
    """The exercises of a notebook, graded, and sentences for a human.

    ``cells`` are the sources by cell id, ``seeds`` by exercise id; ``duplicates`` are cells that
    are there twice. Raises SandboxLost.
    """
    with sandbox.submission() as visit:
        grading = _Grading(sandbox, visit, release, cells, duplicates)
        exercises = [grading.exercise(e, seeds[e.id]) for e in release.exercises]
    return exercises, grading.flags


class _Grading:
    def __init__(
        self,
        sandbox: Sandbox,
        visit: Visit,
        release: Release,
        cells: dict[str, str],
        duplicates: Collection[str],
    ):
        self.visit, self.release, self.limits = visit, release, sandbox.limits
        self.cells, self.duplicates = cells, duplicates
        self.end = time.monotonic() + self.limits.submission_seconds
        self.flags: list[str] = []
        self.done: list[Callable[[], Reply]] = []
        self._begin()

    def _left(self) -> float:
        return self.end - time.monotonic()

    def _begin(self) -> None:
        """A clean interpreter in which the setup cells ran, and every cell that did no harm."""
        while True:
            self.visit.begin()
            if self._left() < 0:
                self.done.clear()
            harmful = next((again for again in self.done if again().ended), None)
            if harmful is None:
                return
            self.done.remove(harmful)

    def _begin_without(self, cell: Callable[[], Reply]) -> None:
        self.done = [again for again in self.done if again is not cell]
        self._begin()

    def exercise(self, exercise: Exercise, seed: int) -> dict:
        """Run the cell, then its cases; the record of it all."""
        source = self.cells.get(exercise.cell)
        raised, printed = "", ""
        if source is None:
            fate = "duplicate" if exercise.cell in self.duplicates else "missing"
            results = _all(fate, exercise)
        elif self._left() < 0:
            results = _all("budget", exercise)
        else:
            self._flag(exercise, suspicions.find(source))
            results, raised, printed = self._graded(exercise, source, seed)
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

    def _graded(
        self, exercise: Exercise, source: str, seed: int
    ) -> tuple[list[CaseResult], str, str]:
        """Run the exercise cell and its cases: results, what it raised, what it printed."""

        def run() -> Reply:
            return self.visit.cell(source, (exercise.answer,), self._left())

        reply = run()
        fate = _fate_of_cell(reply)
        if fate:
            self._begin()
            return _all(fate, exercise, _tampering(reply)), "", ""
        self.done.append(run)
        results, printed = self._cases(exercise, seed)
        if any(result.misconception == "sandbox/tampered" for result in results):
            self._begin_without(run)
        return results, reply.value["error"][:500], printed

    def _cases(self, exercise: Exercise, seed: int) -> tuple[list[CaseResult], str]:
        left, results, printed = self.limits.exercise_seconds, [], ""
        for case in exercise.cases:
            if self._left() < 0:
                results.append(_fate("budget", case))
                continue
            limit = max(left, LEAST_SECONDS)
            reply = self.visit.case(case.probe, exercise.kind, exercise.answer, seed, limit)
            left -= _spent(reply, limit)
            results.append(_result(exercise, case, reply, seed))
            if results[-1].misconception == "sandbox/tampered":
                return _all("tampered", exercise, results[-1].seen), printed
            if reply.ended:
                self._begin()
            elif type(reply.value) is dict and type(reply.value.get("printed")) is str:
                printed = printed or reply.value["printed"][:LONGEST_TEXT]
        return results, printed

    def _supply(self, exercise: Exercise) -> None:
        """The course's version for the exercises that follow, as in the notebook."""
        source = _supplied(exercise, self.release)
        if not source:
            return
        name = exercise.reference.rpartition(".")[2]

        def define() -> Reply:
            return self.visit.define(exercise.answer, source, name)

        reply = define()
        if reply.ended:
            return self._begin()
        self.done.append(define)
        if type(reply.value) is not dict or reply.value.get("error") != "":
            self._flag(exercise, ["The course's version could not take the answer's place."])

    def _flag(self, exercise: Exercise, sentences: list[str]) -> None:
        self.flags += [f"{exercise.id}: {sentence}" for sentence in sentences]

    def _flag_fates(self, exercise: Exercise, results: list[CaseResult], raised: str) -> None:
        fates = {r.misconception.removeprefix("sandbox/"): r.seen for r in results if not r.passed}
        for slug in sorted(fates.keys() & FOR_A_HUMAN):
            seen = f" ({fates[slug]})" if fates[slug] else ""
            self._flag(exercise, [FATES[slug][0] + seen])
        if raised:
            self._flag(exercise, [f"The cell raised {raised}"])


def _fate_of_cell(reply: Reply) -> str:
    """A slug of FATES; "" for a cell that came to its end, be it by an error."""
    if _tampering(reply):
        return "tampered"
    is_known = type(reply.value) is dict and type(reply.value.get("error")) is str
    return reply.ended or ("" if is_known else "protocol")


def _tampering(reply: Reply) -> str:
    seen = reply.value.get("tampered") if type(reply.value) is dict else None
    return str(seen)[:100] if seen else ""


def _spent(reply: Reply, limit: float) -> float:
    """Seconds of the answer's own. It may say what it likes: the notebook's time is measured."""
    left = reply.value.get("seconds_left") if type(reply.value) is dict else None
    return limit - min(max(left, 0.0), limit) if type(left) is float else limit


def _result(exercise: Exercise, case: Case, reply: Reply, seed: int) -> CaseResult:
    if tampering := _tampering(reply):
        return _fate("tampered", case, tampering)
    if reply.ended and reply.ended != "time":
        return _fate(reply.ended, case)
    observation = {"calls": [{"outcome": "timeout"}]} if reply.ended else reply.value
    if not isinstance(observation, dict):
        return _fate("died", case)
    if not observation:
        return _fate("undefined", case)
    if not _is_observation(observation):
        return _fate("protocol", case)
    from course_utils.checks import judges

    try:
        with _deadline(JUDGE_SECONDS):
            result = judges.judge(exercise, case, observation, seed)
    except (Exception, Late) as error:
        return _fate("judge", case, f"{type(error).__name__}: {error}"[:300])
    if result.passed and (form := _form(exercise, case)) and form != _form_of(observation):
        return _fate("protocol", case, "other calls than the probe makes")
    return replace(result, expected=result.expected[:LONGEST_TEXT], seen=result.seen[:LONGEST_TEXT])


@cache
def _form(exercise: Exercise, case: Case) -> tuple | None:
    """The calls that the probe makes of a right answer; None where the bank names no reference.

    A submission that speaks for the probe must not leave any out.
    """
    from course_utils.checks import probes

    module, _, name = exercise.reference.rpartition(".")
    if not module:
        return None
    reference = getattr(importlib.import_module(module), name)
    return _form_of(probes.observe(exercise, case, reference, 0, JUDGE_SECONDS))


def _form_of(observation: dict) -> tuple:
    """The facts that come with each call, and its step, without arguments from the seed."""
    calls = observation["calls"]
    return tuple((str(c.get("step")).partition("(")[0], frozenset(c) - ANSWERED) for c in calls)


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


def _all(slug: str, exercise: Exercise, seen: str = "") -> list[CaseResult]:
    return [_fate(slug, case, seen) for case in exercise.cases]


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


class Late(BaseException):
    """A judge needs too long."""


@contextlib.contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    """Late after so many seconds, again and again; without effect outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def late(signum, frame):
        raise Late(f"no judgement within {seconds} s")

    previous = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
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
