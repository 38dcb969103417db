"""What judges share whose answers are lists, texts, numbers and dicts of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from course_utils.checks.judges import common
from course_utils.checks.judges.common import Refusal

TOLERANCE = 1e-6

Candidates = Sequence[tuple[str, Callable]]
Canonical = Callable[[object], object]


def as_it_is(value: object) -> object:
    return value


def numbers_out(value: object) -> object:
    """Tensors as lists of numbers, also inside of lists; numbers and texts as they are."""
    if isinstance(value, Tensor):
        return value.tolist()
    return [numbers_out(item) for item in value] if isinstance(value, list) else value


def judged(
    calls: list[dict],
    given: Sequence[tuple],
    right: Callable,
    candidates: Candidates,
    canonical: Canonical = as_it_is,
    asked: Callable[..., str] = lambda *_: "",
) -> Refusal | None:
    """A refusal if any call gave something else than ``right``, named by the candidates.

    ``canonical`` brings values of equal meaning to one form; what it does not know it leaves.
    ``asked`` says in words what was given.
    """
    calls = [_with(call, canonical) for call in calls]
    expected = [canonical(plain(right(*arguments))) for arguments in given]
    wrong = [i for i, call in enumerate(calls) if not _gave(call, expected[i])]
    if not wrong:
        return common.mutation(calls)
    call, best = calls[wrong[0]], expected[wrong[0]]
    where = asked(*given[wrong[0]])
    told = f"{show(best)}{' for ' if where else ''}{where}"
    if call["outcome"] == "raised":
        return common.raised(call, told)
    renamed = [(slug, _then(function, canonical)) for slug, function in candidates]
    slug = common.explain(calls, wrong, given, renamed, TOLERANCE)
    return (
        Refusal(slug, told, show(call["value"])) if slug else unexplained(call["value"], best, told)
    )


def plain(value: object) -> object:
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def unexplained(seen: object, right: object, told: str) -> Refusal:
    if seen is None:
        return Refusal("result/none", told, "None")
    if isinstance(seen, dict) and "type" in seen:
        return common.wrong_type(seen, told)
    kinds = {type(x) for x in (seen, right)} - {int, float}
    if len(kinds) > 1 and right is not None:
        return Refusal("result/wrong-type", told, f"a {type(seen).__name__}: {show(seen)}")
    return Refusal("value/wrong", told, show(seen))


def show(value: object, most: int = 160) -> str:
    """A value in one line, numbers rounded, cut."""
    text = _show(value)
    return text if len(text) <= most else text[:most] + " …"


def _show(value: object) -> str:
    if isinstance(value, float):
        return common.number(value)
    if isinstance(value, Tensor):
        return common.number(value.item()) if value.numel() == 1 else common.numbers(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_show, value))}]"
    if isinstance(value, dict) and set(value) == {"type", "text"}:
        return value["text"]
    return repr(value)


def _with(call: dict, canonical: Canonical) -> dict:
    return call | {"value": canonical(call["value"])} if "value" in call else call


def _then(function: Callable, canonical: Canonical) -> Callable:
    return lambda *arguments: canonical(plain(function(*arguments)))


def _gave(call: dict, right: object) -> bool:
    outcomes = call | {"outcome": call["outcome"]}, {"outcome": "returned", "value": right}
    return common.same(*outcomes, TOLERANCE)
