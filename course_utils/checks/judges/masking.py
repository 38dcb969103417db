"""Judges of ``anatomy.masking``. Oracle: how the probe made the models.

What the answer looked at is seen in the masks and token ids that it ran.
"""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.checks.judges import common
from course_utils.checks.judges.common import Refusal

WORDS = ("additive", "multiplicative")

SENTENCES = {
    "anatomy.masking": {
        "experiment/none": (
            "The model is not run: the answer is a guess, or it is read off a name.",
            "Run the model with a mask of your own and look at its logits.",
        ),
        "experiment/no-mask": (
            "The model is run without a mask.",
            "Give one: model(ids, attention_mask=mask), of shape [1, 1, pos, pos].",
        ),
        "experiment/padding-mask": (
            "The mask has two dimensions: transformers takes it for padding and makes its own "
            "mask from it.",
            "Give a mask of shape [1, 1, pos, pos]: it goes through to attention as it is.",
        ),
        "experiment/boolean-mask": (
            "The mask is boolean: True and False choose keys, and nothing is added or multiplied.",
            "Make a mask of floats: dtype=model.dtype.",
        ),
        "experiment/hides-nothing": (
            "The mask is the same number everywhere, and hides nothing either way.",
            "A causal mask hides the future: torch.ones(...).tril().",
        ),
        "experiment/hides-everything": (
            "The mask is 0 everywhere: where weights are multiplied by it nothing is left, and 0/0 "
            "is nan.",
            "Leave each token something to see: torch.ones(...).tril().",
        ),
        "experiment/hides-the-past": (
            "The mask lets the first token see the last.",
            "The future is above the diagonal: torch.ones(...).tril().",
        ),
        "experiment/one-text": (
            "Only one text is run under the mask, and it says nothing about who sees whom.",
            "Run two texts that differ in the last token, and compare at the first.",
        ),
        "experiment/changes-what-all-see": (
            "The token that changes is one that every token may see.",
            "Change the last token: under a causal mask the others do not see it.",
        ),
        "look/where-the-change-is-seen": (
            "The logits are compared where the change is seen with any mask.",
            "Compare at the first position: may it see the last token? And compare up to "
            "rounding, with torch.allclose.",
        ),
        "conclusion/reversed": (
            "The experiment is there, the conclusion is wrong.",
            "A mask of ones and zeros hides what is multiplied by 0; added to the scores it "
            "hides nothing. Compare all logits of a position, up to rounding only.",
        ),
        "conclusion/wrong": (
            "The answer is wrong for some models.",
            "Print the logits of the first token for two texts that differ in the last.",
        ),
        "result/other-word": (
            "The answer is another word.",
            'Return "additive" or "multiplicative".',
        ),
        "mutates/model": (
            "The answer is right, but the model is not as it was.",
            "Put back what you change, in finally; or change nothing.",
        ),
    }
}


def additive(calls: list[dict], seed: int) -> Refusal | None:
    return _judged(calls, ["additive"] * len(calls))


def multiplicative(calls: list[dict], seed: int) -> Refusal | None:
    return _judged(calls, ["multiplicative"] * len(calls))


def leaves(calls: list[dict], seed: int) -> Refusal | None:
    """Judges the change alone: the other cases judge the words."""
    for call in calls:
        if call["changed"]:
            return Refusal("mutates/model", "the model as it was", _list(call["changed"]))
    return _not_run(calls)


def _list(names: list[str]) -> str:
    return f"{' and '.join(names)} changed"


def _judged(calls: list[dict], right: list[str]) -> Refusal | None:
    for call, word in zip(calls, right, strict=True):
        if call["outcome"] == "raised":
            return common.raised(call, repr(word))
        if not isinstance(call["value"], str):
            refusal = common.wrong_type(call["value"], repr(word))
            return refusal or Refusal("result/wrong-type", repr(word), "a tensor")
        if call["value"] not in WORDS:
            seen = common.excerpt(call["value"])
            return Refusal("result/other-word", f"one of {', '.join(WORDS)}", seen)
    if refusal := _not_run(calls):
        return refusal
    wrong = [call for call, word in zip(calls, right, strict=True) if call["value"] != word]
    if not wrong:
        return None
    seen = f"{wrong[0]['value']!r}, after {_told(wrong[0]['passes'])}"
    return Refusal(_slug(wrong[0]), f"{right[0]!r}", seen)


def _not_run(calls: list[dict]) -> Refusal | None:
    if all(call["outcome"] != "raised" and not call["passes"] for call in calls):
        return Refusal("experiment/none", "a model that is run", "no forward pass")
    return None


def _told(passes: list[dict]) -> str:
    masks = [_mask(one["mask"]) for one in passes[:3]]
    times = "1 forward pass" if len(passes) == 1 else f"{len(passes)} forward passes"
    return f"{times} with {', '.join(masks)}"


def _mask(mask: object) -> str:
    return f"a mask of shape {list(mask.shape)}" if isinstance(mask, Tensor) else "no mask"


def _slug(call: dict) -> str:
    """What is wrong with the experiment; where nothing is, with what was made of it."""
    passes = [one for one in call["passes"] if isinstance(one["mask"], Tensor)]
    if not passes:
        return "experiment/no-mask"
    masks = [one["mask"] for one in passes]
    if all(mask.dim() < 4 for mask in masks):
        return "experiment/padding-mask"
    if all(mask.dtype == torch.bool for mask in masks):
        return "experiment/boolean-mask"
    if all((mask == 0).all() for mask in masks):
        return "experiment/hides-everything"
    if all((mask == mask.flatten()[0]).all() for mask in masks):
        return "experiment/hides-nothing"
    if all((mask[..., 0, -1] >= mask[..., 0, 0]).all() for mask in masks):
        return "experiment/hides-the-past"
    texts = [one["ids"] for one in passes]
    if any(not isinstance(ids, Tensor) or ids.shape != texts[0].shape for ids in texts):
        return "conclusion/wrong"
    if len(texts[0]) == 1 and all(torch.equal(ids, texts[0]) for ids in texts):
        return "experiment/one-text"
    rows = torch.cat(texts)
    differing = (rows != rows[0]).any(0).nonzero().flatten()
    if len(differing) and differing[0] == 0:
        return "experiment/changes-what-all-see"
    if call["value"] == "additive":
        return "look/where-the-change-is-seen"
    return "conclusion/reversed"
