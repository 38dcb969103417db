"""What the refusals of notebook 09 say, and answers that the bank does not hold."""

import pytest

from course_utils import checks


def refusal(id, answer, case):
    (found,) = [c for c in checks.run(id, answer).cases if c.name == case]
    return found


def test_a_refusal_shows_the_facts_and_the_text():
    found = refusal("rag.split_facts", lambda text: [(text, 0, len(text))], "clauses")
    assert not found.passed
    assert " and " in found.expected and found.seen


def test_a_refusal_names_budget_and_passages():
    def long(question, passages, count, budget):
        return checks.reference("rag.build_prompt")(question, passages, count, 10**6)

    found = refusal("rag.build_prompt", long, "the budget")
    assert found.misconception == "budget/ignored"
    assert "4 passages and a budget of" in found.expected


@pytest.mark.parametrize(
    "id",
    [exercise.id for exercise in checks.exercises() if exercise.id.startswith("rag.")],
)
@pytest.mark.parametrize("value", [None, 0, "text", [], {}, [1, 2, 3], [["a"]], object()])
def test_an_answer_of_any_type_is_refused_with_a_message(id, value):
    report = checks.run(id, lambda *given: value)
    assert not report.passed
    assert all(case.passed or case.message for case in report.cases)


@pytest.mark.parametrize(
    "id",
    [exercise.id for exercise in checks.exercises() if exercise.id.startswith("rag.")],
)
def test_an_answer_that_raises_is_refused(id):
    def fails(*given):
        raise KeyError("broken")

    report = checks.run(id, fails)
    assert not report.passed and report.points == 0
    assert "KeyError" in str(report)
