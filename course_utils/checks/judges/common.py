"""What every judge shares: refusals, what goes wrong in any exercise, and comparing outcomes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from course_utils.checks import bank
from course_utils.checks.probes.guard import attempt
from course_utils.checks.report import NOT_ATTEMPTED

DTYPE_MISMATCH = re.compile(r"\bdtypes?\b|scalar type")
DEVICE_MISMATCH = re.compile(r"(not on the expected|on the same) device")

SENTENCES = {
    NOT_ATTEMPTED: ("This exercise is not attempted yet.", "Replace the line that raises."),
    "depends/unsolved-exercise": (
        "Your code calls the function of an exercise that is not solved yet.",
        "Run the check cell of that exercise first: it puts the course's version in place.",
    ),
    "answer/not-callable": (
        "The answer is not a function.",
        "Give the check the function's bare name, without brackets or arguments.",
    ),
    "answer/class": ("The answer is a class where a function is expected.", "Use def, not class."),
    "answer/not-a-class": (
        "The answer is not a class where a class is expected.",
        "Give the check the class's bare name, not an object made from it.",
    ),
    "signature/wrong-arguments": (
        "The function does not take the arguments of the exercise.",
        "Keep the first line of the cell as it was given.",
    ),
    "time/loops": (
        "Your code did not finish in time: it looks like a loop that never ends.",
        "What makes the loop stop, and does it always get there?",
    ),
    "raises/error": ("Your code raised an error.", "Read the line shown above."),
    "raises/undefined-name": (
        "Your code uses a name that is not defined.",
        "Is it misspelt, or defined in another cell? Helpers belong in the exercise cell.",
    ),
    "raises/recursion": (
        "Your function calls itself without end.",
        "Does it call itself by the name of a library function that it hides?",
    ),
    "raises/exits": (
        "Your code ends the whole program.",
        "Leave out exit() and sys.exit(); raise an error instead.",
    ),
    "result/none": (
        "The function returns None: it looks like a missing return.",
        "End the function with a return of the result.",
    ),
    "result/wrong-type": (
        "The result is of the wrong type.",
        "Look at the return type in the first line of the function.",
    ),
    "result/function": (
        "The result is a function or a method.",
        "Is a pair of brackets missing after a method's name?",
    ),
    "shape/wrong": ("The result has the wrong shape.", "Print the shape after each line."),
    "value/not-floating": (
        "The result holds whole numbers or truth values.",
        "Which line turns the numbers into another dtype?",
    ),
    "value/nan": (
        "The result holds NaN, not a number.",
        "Look for 0/0, inf - inf, inf/inf or 0 * inf.",
    ),
    "value/wrong": (
        "The values differ; no misconception that the check knows gives these.",
        "Work out the first differing position by hand.",
    ),
    "mutates/input": (
        "The values are right, but the function changes the tensor it was given.",
        "Work on a copy: logits.clone(), masked_fill or torch.where leave the input alone.",
    ),
    "dtype/mixed": (
        "Tensors of different dtypes meet: it looks like a tensor made in float32 (torch.full, "
        "torch.zeros …) whatever dtype the input has, or a float where an index is expected.",
        "Give dtype=logits.dtype, or use zeros_like, full_like, ones_like.",
    ),
    "device/wrong": (
        "The function makes a tensor on the CPU whatever device the input is on; it would fail on "
        "a GPU.",
        "Give device=logits.device, or use zeros_like, full_like, ones_like.",
    ),
}


@dataclass(frozen=True)
class Refusal:
    slug: str
    expected: str = ""
    seen: str = ""


def unanswered(calls: list[dict], exercise: bank.Exercise) -> Refusal | None:
    """A refusal where there is no answer to judge: a stub, a wrong kind of object, a loop."""
    for call in calls:
        if call["outcome"] == "wrong-kind":
            return _wrong_kind(call, exercise)
        if call["outcome"] == "signature":
            return Refusal("signature/wrong-arguments", exercise.signature, call["text"])
        if call.get("error") == "NotImplementedError" and call["text"].startswith("exercise"):
            return _stub(call, exercise)
    for number, call in enumerate(calls, start=1):
        if call["outcome"] == "timeout":
            return Refusal("time/loops", "an answer in moments", f"no end in call {number}")
    return None


def _wrong_kind(call: dict, exercise: bank.Exercise) -> Refusal:
    if exercise.kind == "class":
        return Refusal("answer/not-a-class", f"a class, {exercise.signature}", call["seen"])
    is_class = call["seen"].startswith("the class")
    slug = "answer/class" if is_class else "answer/not-callable"
    return Refusal(slug, f"the function {exercise.signature}", call["seen"])


def _stub(call: dict, exercise: bank.Exercise) -> Refusal:
    others = [
        id for id in bank.EXERCISES if id != exercise.id and re.search(_word(id), call["text"])
    ]
    if others and not re.search(_word(exercise.id), call["text"]):
        return Refusal("depends/unsolved-exercise", f"{others[0]} solved", call["text"])
    return Refusal(NOT_ATTEMPTED)


def _word(id: str) -> str:
    return rf"(?<![\w.]){re.escape(id)}(?!\w)"


def raised(call: dict, expected: str) -> Refusal:
    """The refusal for a call that raised, with the student's own line."""
    slug = {
        "NameError": "raises/undefined-name",
        "UnboundLocalError": "raises/error",
        "RecursionError": "raises/recursion",
        "SystemExit": "raises/exits",
    }.get(call["error"], "raises/error")
    if slug == "raises/error" and DTYPE_MISMATCH.search(call["text"]):
        slug = "dtype/mixed"
    return Refusal(slug, expected, error_text(call))


def error_text(call: dict) -> str:
    place = f" (line {call['number']}: {call['line']})" if call["line"] else ""
    text = f": {call['text']}" if call["text"] else ""
    return f"{call['error']}{text}{place}"


def wrong_type(value: object, expected: str) -> Refusal | None:
    """A refusal for a result that is no tensor."""
    if isinstance(value, Tensor):
        return None
    if value is None:
        return Refusal("result/none", expected, "None")
    if isinstance(value, dict) and "type" in value:
        callables = ("function", "builtin_function_or_method", "method")
        slug = "result/function" if value["type"] in callables else "result/wrong-type"
        return Refusal(slug, expected, value["text"])
    return Refusal("result/wrong-type", expected, f"a {type(value).__name__}")


def same(one: dict, other: dict, tolerance: float) -> bool:
    """Whether two outcomes are the same: equal values, or the same error with the same text."""
    if one["outcome"] != other["outcome"]:
        return False
    if one["outcome"] == "raised":
        return (one["error"], one["text"]) == (other["error"], other["text"])
    return _same_values(one["value"], other["value"], tolerance)


def _same_values(one: object, other: object, tolerance: float) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return close(one, other, tolerance)
    if isinstance(one, list) and isinstance(other, list):
        pairs = zip(one, other, strict=False)
        return len(one) == len(other) and all(_same_values(a, b, tolerance) for a, b in pairs)
    return type(one) is type(other) and one == other


def close(one: Tensor, other: Tensor, tolerance: float) -> bool:
    """Same shape, both or neither of floating point, and values within the tolerance; NaN = NaN."""
    if one.shape != other.shape or one.is_floating_point() != other.is_floating_point():
        return False
    return torch.allclose(
        one.double(), other.double(), rtol=tolerance, atol=tolerance, equal_nan=True
    )


def explain(
    calls: Sequence[dict],
    wrong: Sequence[int],
    inputs: Sequence[tuple],
    candidates: Sequence[tuple[str, Callable]],
    tolerance: float,
) -> str:
    """The slug of the candidate that gives what was seen in most of the wrong calls; "" if none.

    A candidate is (slug, function): what the answer would be under a misconception. One that
    gives what was seen in every call, right or wrong, goes before one that does so in some; and
    errors and NaN, which many roads lead to, speak only for a candidate of the first kind. Less
    than half of the wrong calls is chance, and as many right calls that the candidate would get
    wrong speak against it.
    """
    best, best_score = "", (False, 0)
    for slug, function in candidates:
        given = [attempt(function, *arguments) for arguments in inputs]
        agree = [same(call, other, tolerance) for call, other in zip(calls, given, strict=True)]
        explained = sum(agree[i] and (all(agree) or _says_much(calls[i])) for i in wrong)
        contradicted = sum(not agree[i] for i in range(len(calls)) if i not in wrong)
        likely = 2 * explained >= len(wrong) and explained > contradicted
        if likely and (all(agree), explained) > best_score:
            best, best_score = slug, (all(agree), explained)
    return best


def _says_much(call: dict) -> bool:
    value = call.get("value")
    return not (isinstance(value, Tensor) and value.isnan().any()) and call["outcome"] == "returned"


def mutation(calls: Sequence[dict]) -> Refusal | None:
    """A refusal if any call changed its input."""
    for number, call in enumerate(calls, start=1):
        if call.get("mutated"):
            return Refusal(
                "mutates/input", "the input as it was", f"another input after call {number}"
            )
    return None


def device(call: dict) -> Refusal | None:
    """A refusal if a call with an input on the device "meta" made a tensor elsewhere.

    Any other error is none: code that looks at values cannot run on "meta".
    """
    expected = "tensors on the device of the input"
    if call["outcome"] == "raised" and DEVICE_MISMATCH.search(call["text"]):
        return Refusal("device/wrong", expected, error_text(call))
    if call["outcome"] == "returned" and isinstance(call["value"], Tensor):
        return Refusal("device/wrong", expected, "a result on the CPU for an input elsewhere")
    return None


def number(value: float, digits: int = 3) -> str:
    """A number to so many significant digits, from 1000 on to at least six."""
    digits = max(digits, 6) if abs(value) >= 1000 else digits
    return "0" if value == 0 else f"{value:.{digits}g}"


def numbers(row: Tensor, most: int = 8, digits: int = 3) -> str:
    """A row of numbers, cut after the first few."""
    shown = ", ".join(number(value, digits) for value in row.flatten()[:most].tolist())
    return f"[{shown}{', …' if row.numel() > most else ''}]"


def difference(
    expected: Tensor, seen: Tensor, tolerance: float, row: Sequence[int] = ()
) -> tuple[str, str]:
    """Two rows of numbers and the first place where they differ, with digits enough to see it.

    ``row`` is the place of the rows in the whole result.
    """
    place = first_difference(seen, expected, tolerance)
    if not place:
        return numbers(expected), numbers(seen)
    one, other = expected[tuple(place)].item(), seen[tuple(place)].item()
    digits = next((n for n in range(3, 12) if number(one, n) != number(other, n)), 12)
    where = f"first difference at position {[*row, *place]}"
    return (
        numbers(expected, digits=digits),
        f"{numbers(seen, digits=digits)}; {where}: {number(other, digits)} instead of "
        f"{number(one, digits)}",
    )


def first_difference(seen: Tensor, right: Tensor, tolerance: float) -> list[int]:
    """The first position at which two tensors of one shape differ."""
    differ = ~torch.isclose(seen.double(), right.double(), rtol=tolerance, atol=tolerance)
    return differ.nonzero()[0].tolist() if differ.any() else []


def excerpt(text: str, most: int = 60) -> str:
    """A text in quotes, cut."""
    return repr(text if len(text) <= most else text[:most] + "…")
