"""What the referee makes of what comes out of the sandbox, whoever wrote it."""

import importlib

import pytest

from course_utils.checks import bank, judges, probes
from course_utils.grading import referee
from course_utils.grading.sandbox import Reply

SEED = 3
CASES = [
    (exercise, case)
    for exercise in bank.EXERCISES.values()
    for case in exercise.cases
    if exercise.notebook in ("00_sampling", "02_kv_cache")
]


def observed(exercise, case) -> dict:
    """The observation of the course's own answer."""
    module, _, name = exercise.reference.rpartition(".")
    answer = getattr(importlib.import_module(module), name)
    return probes.observe(exercise, case, answer, SEED, 60.0)


def result(exercise, case, observation):
    return referee._result(exercise, case, Reply(observation, ""), SEED)


@pytest.mark.parametrize("exercise, case", CASES, ids=[f"{e.id}-{c.name}" for e, c in CASES])
def test_every_call_and_every_fact_is_insisted_on(exercise, case):
    whole = observed(exercise, case)
    assert result(exercise, case, whole).passed
    calls = whole["calls"]
    right = range(len(calls))
    for order in ([], right[:1], right[:-1], right[1:], right[::-1] if len(right) > 2 else []):
        if list(order) != list(right):
            changed = whole | {"calls": [calls[i] for i in order]}
            assert not result(exercise, case, changed).passed
    bare = [{k: v for k, v in call.items() if k in referee.ANSWERED} for call in calls]
    assert not result(exercise, case, whole | {"calls": bare}).passed
    assert not result(exercise, case, whole | {"calls": calls + calls[-1:]}).passed


ODD = [
    None,
    3,
    [],
    {"calls": 3},
    {"calls": [3]},
    {"calls": [{"outcome": ["returned"]}]},
    {"calls": [{"outcome": "passed"}]},
    {"calls": [{"outcome": "returned", "value": None}]},
    {"calls": [{"outcome": "raised", "error": 1, "text": "", "line": "", "number": 0}]},
    {"calls": [{"outcome": "returned", "value": {"type": 3}, "mutated": False}] * 6},
    {"calls": [{"outcome": "returned", "value": {"text": []}, "mutated": True}] * 6},
]


@pytest.mark.parametrize("observation", ODD, ids=repr)
def test_odd_observations_earn_nothing(observation):
    exercise, case = CASES[0]
    assert not result(exercise, case, observation).passed


def test_what_was_tampered_with_is_named():
    exercise, case = CASES[0]
    found = result(exercise, case, observed(exercise, case) | {"tampered": "guard.attempt"})
    assert (found.misconception, found.seen) == ("sandbox/tampered", "guard.attempt")


@pytest.mark.parametrize("left, spent", [(7.5, 2.5), (99.0, 0.0), (-1.0, 10.0), ("x", 10.0)])
def test_seconds_that_the_answer_claims_are_bounded(left, spent):
    assert referee._spent(Reply({"seconds_left": left}, ""), 10.0) == spent


def test_a_judge_that_does_not_end_is_left(monkeypatch):
    def judge(*given):
        try:
            while True:
                pass
        except BaseException:
            while True:
                pass

    monkeypatch.setattr(judges, "judge", judge)
    monkeypatch.setattr(referee, "JUDGE_SECONDS", 0.05)
    exercise, case = CASES[0]
    assert result(exercise, case, observed(exercise, case)).misconception == "sandbox/judge"


def test_long_texts_are_cut(monkeypatch):
    exercise, case = CASES[0]
    observation = observed(exercise, case)
    observation["calls"][0]["value"] = "x" * 10**6
    found = result(exercise, case, observation)
    assert len(found.seen) <= referee.LONGEST_TEXT and len(found.expected) <= referee.LONGEST_TEXT
