"""Checks never raise because of an answer, leave no trace, and say what is wrong in one way."""

import functools
import os
import re
import signal
import subprocess
import sys
import threading
import time
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from course_utils import checks
from course_utils.checks import bank
from course_utils.checks.judges import common
from course_utils.checks.probes import guard

SOFTMAX = "sampling.softmax"


def right(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature")
    return torch.softmax(logits / temperature, dim=-1)


def slug(answer, id=SOFTMAX, time_limit=20.0):
    return checks.run(id, answer, time_limit=time_limit).misconception


def loops(logits, temperature):
    while True:
        pass


def catches_everything(logits, temperature):
    while True:
        try:
            logits = logits + 1
        except BaseException:  # noqa: B036
            continue


def sleeps(logits, temperature):
    time.sleep(60)


def prints_for_ever(logits, temperature):
    while True:
        print("hello" * 1000)


@pytest.mark.parametrize("answer", [loops, catches_everything, sleeps, prints_for_ever])
def test_a_loop_is_stopped(answer):
    report = checks.run(SOFTMAX, answer, time_limit=0.2)
    assert report.misconception == "time/loops"
    assert len(report.printed) < 1000


def test_a_loop_is_stopped_in_another_thread():
    found = []
    thread = threading.Thread(
        target=lambda: found.extend(slug(f, time_limit=0.2) for f in (loops, catches_everything))
    )
    thread.start()
    thread.join()
    assert found == ["time/loops", "time/loops"]


def test_a_loop_in_one_case_leaves_the_other_cases_their_points():
    def answer(logits, temperature):
        while temperature <= 0:
            pass
        return right(logits, temperature)

    report = checks.run(SOFTMAX, answer, time_limit=1)
    assert [case.passed for case in report.cases] == [True, True, False]


def exits(logits, temperature):
    sys.exit(0)


def calls_itself(logits, temperature):
    return calls_itself(logits, temperature)


def interrupts(logits, temperature):
    raise KeyboardInterrupt


def yields(logits, temperature):
    yield logits


async def waits(logits, temperature):
    return logits


def uses_helper(logits, temperature):
    return helper(logits)


class Softmax:
    def __init__(self, logits, temperature):
        pass


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (exits, "raises/exits"),
        (calls_itself, "raises/recursion"),
        (interrupts, "raises/error"),
        (uses_helper, "raises/undefined-name"),
        (lambda x, t: 1 / 0, "raises/error"),
        (yields, "result/wrong-type"),
        (waits, "result/wrong-type"),
        (lambda x, t: None, "result/none"),
        (lambda x, t: x.tolist(), "result/wrong-type"),
        (lambda x, t: right(x, t).numpy(), "result/wrong-type"),
        (lambda x, t: (right(x, t), t), "result/wrong-type"),
        (lambda x, t: x.softmax, "result/function"),
        (lambda x, t: right(x, t)[..., :-1], "shape/wrong"),
        (lambda x, t: right(x, t) > 0.5, "value/not-floating"),
        (lambda x, t: right(x, t) * torch.nan, "value/nan"),
        (lambda x, t: right(x, t) * 0.9, "value/wrong"),
        (lambda x: x, "signature/wrong-arguments"),
        (lambda x, t, p: x, "signature/wrong-arguments"),
        (Softmax, "answer/class"),
        (torch.ones(2), "answer/not-callable"),
        (None, "answer/not-callable"),
        ("softmax", "answer/not-callable"),
        (torch.softmax, "raises/error"),
    ],
)
def test_an_odd_answer_is_refused_in_words(answer, expected):
    report = checks.run(SOFTMAX, answer)
    assert report.misconception == expected
    case = next(case for case in report.cases if not case.passed)
    assert case.message
    assert "0x" not in str(report)


class Labelled(torch.Tensor):
    pass


class Module(torch.nn.Module):
    def forward(self, logits, temperature):
        return right(logits, temperature)


@pytest.mark.parametrize(
    "answer",
    [
        right,
        lambda x, t: right(x, t),
        lambda x, t, dim=-1, *, verbose=False: right(x, t),
        lambda *arguments: right(*arguments),
        functools.partial(lambda x, t, dim: right(x, t), dim=-1),
        lambda x, t: right(x, t).double(),
        lambda x, t: right(x, t).float(),
        lambda x, t: right(x, t).as_subclass(Labelled),
        lambda x, t: right(x, t).requires_grad_(),
        torch.no_grad()(right),
        Module(),
    ],
)
def test_what_does_not_matter_is_accepted(answer):
    report = checks.run(SOFTMAX, answer)
    assert report.passed, str(report)


def test_the_users_interrupt_goes_through(interruptible):
    threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        checks.run(SOFTMAX, loops)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_untouched_stub_is_not_attempted():
    def stub(logits, temperature):
        raise NotImplementedError("exercise sampling.softmax")

    report = checks.run(SOFTMAX, stub)
    assert report.misconception == "not-attempted"
    assert {case.misconception for case in report.cases} == {"not-attempted"}
    assert report.points == 0
    assert "not attempted" in str(report)
    assert "Traceback" not in str(report) + report.html


def test_a_suite_of_stubs_is_not_attempted():
    class TrainerTests:
        def test_loss(self, make):
            raise NotImplementedError("exercise reproducibility.trainer_tests: your code")

    report = checks.run("reproducibility.trainer_tests", TrainerTests)
    assert report.misconception == "not-attempted"
    assert report.points == 0


def test_a_stub_of_another_exercise_is_named():
    def answer(logits, temperature):
        raise NotImplementedError("exercise sampling.top_k is not solved yet")

    report = checks.run(SOFTMAX, answer)
    assert report.misconception == "depends/unsolved-exercise"
    assert "sampling.top_k" in str(report)


def test_any_other_not_implemented_error_is_an_error():
    def answer(logits, temperature):
        raise NotImplementedError

    assert slug(answer) == "raises/error"


def test_an_error_is_shown_with_the_students_own_line():
    def answer(logits, temperature):
        return torch.softmax(logits, dim=7)

    report = checks.run(SOFTMAX, answer)
    assert "return torch.softmax(logits, dim=7)" in report.cases[0].seen
    assert "IndexError" in report.cases[0].seen


def test_state_is_put_back():
    def answer(logits, temperature):
        torch.manual_seed(3)
        np.random.seed(3)
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        sys.setrecursionlimit(5000)
        print("working on it")
        return right(logits, temperature)

    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    limit = sys.getrecursionlimit()
    report = checks.run(SOFTMAX, answer)
    assert report.passed
    assert report.printed.startswith("working on it")
    assert torch.equal(torch_state, torch.get_rng_state())
    assert np.array_equal(numpy_state, np.random.get_state()[1])
    assert torch.get_default_dtype() == torch.float32
    assert torch.is_grad_enabled()
    assert sys.getrecursionlimit() == limit


def test_a_long_print_is_cut():
    def answer(logits, temperature):
        print("x" * 100_000)
        return right(logits, temperature)

    report = checks.run(SOFTMAX, answer)
    assert "cut" in report.printed
    assert len(report.printed) < 1000


def test_a_report_says_what_was_expected_and_seen():
    report = checks.run(SOFTMAX, lambda x, t: torch.softmax(x, dim=-1))
    case = report.cases[0]
    assert case.misconception == "scale/ignores-temperature"
    assert case.points == 0
    assert "position [0, 0]" in case.message
    for part in (case.expected, case.seen, case.explanation, case.hint):
        assert part and part in case.message
    assert checks.misconceptions(SOFTMAX)["scale/ignores-temperature"] == case.explanation


def test_a_report_is_frozen_and_the_same_every_time():
    def answer(logits, temperature):
        return logits

    one, two = checks.run(SOFTMAX, answer), checks.run(SOFTMAX, answer)
    assert one == two
    assert one.html == two.html
    with pytest.raises(AttributeError):
        one.cases[0].points = 1


def test_the_headline_names_the_misconception():
    def answer(logits, temperature):
        return torch.softmax(logits.round(decimals=1) / temperature, dim=-1)

    report = checks.run(SOFTMAX, answer)
    slugs = [case.misconception for case in report.cases]
    assert slugs[0] == "value/wrong" and report.misconception != slugs[0]
    assert report.misconception in str(report).splitlines()[0]
    assert report.misconception in report.html.split("<table>")[0]


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16, torch.float32])
def test_expected_and_seen_have_digits_enough_to_differ(dtype):
    expected = torch.tensor([0.1, 0.7001, 0.2], dtype=torch.float64)
    one, other = common.difference(expected, expected.to(dtype), 1e-12)
    assert one != other.split(";")[0]
    new, old = re.search(r": (\S+) instead of (\S+)", other).groups()
    assert new != old


def test_an_error_where_logits_are_tied_is_not_taken_for_a_wrong_set():
    def answer(logits, k):
        if len(logits.flatten().unique()) < logits.numel():
            raise TypeError("tied")
        return checks.reference("sampling.top_k")(logits, k)

    report = checks.run("sampling.top_k", answer)
    assert {case.misconception for case in report.cases} <= {"raises/error", ""}
    assert not report.passed


def test_an_error_for_a_dtype_is_named():
    def answer(logits, p):
        kept = checks.reference("sampling.top_p")(logits, p)
        return torch.zeros(logits.shape).index_put_(torch.where(kept < 9), kept.flatten())

    assert slug(answer, "sampling.top_p") == "dtype/mixed"


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.text = [], ""

    def handle_starttag(self, tag, attributes):
        if tag not in ("br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_html_is_whole_and_the_students_text_is_escaped():
    def answer(logits, temperature):
        print("<script>alert(1)</script>")
        raise ValueError("<img src=x>")

    html = checks.run(SOFTMAX, answer).html
    parser = Tags()
    parser.feed(html)
    assert parser.open == []
    assert "<script>" in parser.text and "<script>" not in html
    assert "<img src=x>" in parser.text


def test_other_seeds_make_other_inputs():
    seen = []

    def answer(logits, temperature):
        seen.append(logits)
        return right(logits, temperature)

    checks.run(SOFTMAX, answer, seed=0)
    first, seen = seen[0], []
    checks.run(SOFTMAX, answer, seed=1)
    assert not torch.equal(first, seen[0])


def test_an_unknown_id_names_the_nearest():
    with pytest.raises(ValueError, match="sampling.softmax"):
        checks.run("sampling.sofmax", right)
    with pytest.raises(ValueError, match="sampling.top_k"):
        checks.check("top_k", right)
    with pytest.raises(ValueError, match="no exercise"):
        checks.mine_or_reference("nonsense", right)


@pytest.fixture
def kernel(monkeypatch):
    """A kernel in which nothing was checked yet; ``shown`` holds what was displayed."""
    monkeypatch.setattr(checks, "_accepted", {})
    monkeypatch.setattr(checks, "_refusals", checks.Counter())
    monkeypatch.setattr(checks, "_in_notebook", lambda: True)
    monkeypatch.delenv("COURSE_GRADED", raising=False)
    shown = []
    fake = SimpleNamespace(display=lambda data, raw: shown.append(data))
    monkeypatch.setitem(sys.modules, "IPython.display", fake)
    return shown


def test_check_shows_a_table_and_returns_the_report(kernel):
    report = checks.check(SOFTMAX, right)
    assert report.passed
    assert "passed, 3 of 3 points" in kernel[0]["text/plain"]
    assert "<table>" in kernel[0]["text/html"]
    assert not hasattr(report, "_repr_html_")  # or a lone check would show the table twice


def test_the_solution_is_offered_folded_after_three_refusals(kernel):
    for _ in range(4):
        checks.check(SOFTMAX, lambda x, t: x)
    offered = ["<details>" in data["text/html"] for data in kernel]
    assert offered == [False, False, True, True]
    assert "def softmax" in kernel[-1]["text/html"]
    checks.check(SOFTMAX, right)
    assert "<details>" not in kernel[-1]["text/html"]


def test_the_solution_is_not_offered_when_graded_nor_for_a_stub(kernel, monkeypatch):
    def stub(logits, temperature):
        raise NotImplementedError("exercise sampling.softmax")

    for _ in range(4):
        checks.check(SOFTMAX, stub)
    monkeypatch.setenv("COURSE_GRADED", "1")
    for _ in range(4):
        checks.check(SOFTMAX, lambda x, t: x)
    assert not any("<details>" in data["text/html"] for data in kernel)


@pytest.mark.parametrize("exercise", checks.exercises(), ids=lambda exercise: exercise.id)
def test_the_offered_solution_is_the_cell_of_the_notebook(exercise):
    solution = checks._solution(exercise)
    assert exercise.answer in solution
    assert "### " not in solution


def test_outside_a_checkout_the_reference_is_offered(monkeypatch, tmp_path):
    monkeypatch.setattr(checks, "SOLUTIONS", tmp_path)
    assert "def softmax" in checks._solution(checks.bank.find(SOFTMAX))


def test_mine_or_reference_gives_the_object_that_passed(kernel, capsys):
    from course_utils.sampling import softmax

    assert checks.mine_or_reference(SOFTMAX, right) is softmax
    checks.check(SOFTMAX, right)
    assert checks.mine_or_reference(SOFTMAX, right) is right
    other = functools.partial(right)
    assert checks.mine_or_reference(SOFTMAX, other) is softmax
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert ["your own" in line for line in lines] == [False, True, False]


@pytest.mark.parametrize("exercise", checks.exercises(), ids=lambda exercise: exercise.id)
def test_the_courses_own_version_passes(exercise):
    report = checks.run(exercise.id, checks.reference(exercise.id), seed=123)
    assert report.passed, str(report)


def test_points():
    points = {exercise.id: exercise.points for exercise in checks.exercises()}
    assert points["sampling.softmax"] == 3
    assert points["sampling.top_k"] == 3
    assert points["sampling.top_p"] == 4
    assert points["sampling.generate"] == 5


@pytest.mark.parametrize("exercise", checks.exercises(), ids=lambda exercise: exercise.id)
def test_every_slug_has_a_sentence(exercise):
    for name, sentence in checks.misconceptions(exercise.id).items():
        assert name == "not-attempted" or name.count("/") == 1
        assert sentence.endswith(".")


def test_an_exercise_id_is_made_of_its_notebook_and_cell():
    for exercise in checks.exercises():
        topic = exercise.notebook.split("_", 1)[1]
        assert exercise.id == f"{topic}.{exercise.cell.replace('-', '_')}"


def test_importing_checks_is_light_and_probes_need_no_judges():
    code = (
        "import sys; from course_utils import checks; checks.exercises();"
        "assert not {'torch', 'transformers', 'numpy'} & set(sys.modules);"
        "sys.modules['course_utils.checks.judges'] = None;"
        "from course_utils.checks import bank, probes;"
        "exercise = bank.find('sampling.top_k');"
        "seen = probes.observe(exercise, exercise.cases[0], lambda x, k: x, 0, 20);"
        "assert seen['calls'][0]['outcome'] == 'returned'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_observation_is_plain_data():
    exercise = bank.find("sampling.top_k")
    from course_utils.checks import probes

    def is_plain(value):
        if isinstance(value, dict):
            return all(isinstance(k, str) and is_plain(v) for k, v in value.items())
        if isinstance(value, list):
            return all(map(is_plain, value))
        return value is None or type(value) in (bool, int, float, str, torch.Tensor)

    for answer in (lambda x, k: x.as_subclass(Labelled), lambda x, k: {1: (x, np.ones(2))}, 3):
        for case in exercise.cases:
            assert is_plain(probes.observe(exercise, case, answer, 0, 20))


def test_plain_cuts_cycles():
    endless = []
    endless.append(endless)
    assert guard.plain(endless)
