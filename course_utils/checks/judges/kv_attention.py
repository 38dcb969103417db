"""Judge of ``kv_cache.attention_with_cache``.

What the classes of ``kv_variants`` give in the same steps is compared with what was seen: first the
oracle, then the misconceptions. Where none gives that, the steps that went wrong tell.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

from course_utils.checks.judges import common
from course_utils.checks.judges.common import Refusal
from course_utils.checks.judges.kv_variants import (
    CACHES,
    MASKS,
    MASKS_OVER_A_CACHE,
    MATH,
    Candidate,
    Oracle,
)
from course_utils.checks.probes import kv_attention as probes

TOLERANCE = 1e-5
HALF_TOLERANCE = 0.1
_LOOK = "Print the shapes and the values at the first position that differs."

SENTENCES = {
    "kv_cache.attention_with_cache": {
        # fake
        "fake/zeros": (
            "The output is zero whatever goes in.",
            "Project x, attend, project back: the output depends on every earlier token.",
        ),
        "fake/constant": (
            "The output does not depend on the values of x.",
            "Project x, attend, project back.",
        ),
        "fake/random": (
            "The same call on the same weights gives another output each time.",
            "Nothing in attention is random while dropout_p is 0.",
        ),
        "fake/returns-its-input": (
            "The output is x itself.",
            "Project x, attend, project back.",
        ),
        "fake/uniform-weights": (
            "Every key gets the same weight, whatever the queries are.",
            "The weights are the softmax of the scores q @ k.mT / sqrt(d_head).",
        ),
        "fake/counter-without-cache": (
            "Tokens are counted, but attention never sees the earlier ones.",
            "With use_cache=True the keys and values are those of the cache and the new ones.",
        ),
        "fake/zero-cache": (
            "The cache holds zeros instead of the keys and values of earlier tokens.",
            "Store what W_k and W_v gave for them.",
        ),
        # math
        "math/no-scaling": (
            "The scores are not divided by the square root of the head's width.",
            "scores = q @ k.mT / sqrt(d_head)",
        ),
        "math/scaled-by-d-model": (
            "The scores are divided by the square root of d_model.",
            "Each head has its own width: d_model // n_heads.",
        ),
        "math/wrong-scale": (
            "The scores are multiplied by another number than 1 / sqrt(d_head).",
            "scores = q @ k.mT / sqrt(d_head), with d_head = d_model // n_heads",
        ),
        "math/scaled-after-softmax": (
            "The weights are scaled after the softmax and no longer sum to 1.",
            "Scale the scores, then take the softmax.",
        ),
        "math/softmax-over-wrong-dimension": (
            "The softmax runs over the wrong dimension.",
            "The weights of one query, over all keys, sum to 1: dim=-1.",
        ),
        "math/no-softmax": (
            "The weights are scores: there is no softmax.",
            "weights = scores.softmax(dim=-1)",
        ),
        "math/softmax-twice": ("The softmax is applied twice.", "Once is enough."),
        "math/unstable-softmax": (
            "Large scores give NaN or rows that do not sum to 1: exp overflows.",
            "Subtract each row's maximum after masking, or use torch.softmax.",
        ),
        "math/keys-and-values-swapped": (
            "Keys and values are swapped.",
            "Scores come from queries and keys; the weights average the values.",
        ),
        "math/queries-and-keys-swapped": (
            "Queries and keys are swapped.",
            "Row i of the scores belongs to query i.",
        ),
        "math/same-projection-twice": (
            "One projection stands in for another.",
            "q, k and v come from W_q, W_k and W_v.",
        ),
        "math/averages-keys": (
            "The weights average the keys, or x, instead of the values.",
            "output = weights @ v",
        ),
        "math/one-head": (
            "There is one head over all of d_model.",
            "Split d_model into n_heads parts and attend in each.",
        ),
        "math/heads-split-wrongly": (
            "The heads are cut out of the wrong dimension.",
            "view(batch, length, n_heads, d_head), then transpose(1, 2).",
        ),
        "math/heads-joined-wrongly": (
            "The heads are put back together in the wrong order.",
            "transpose(1, 2) before you flatten the heads.",
        ),
        "math/w-o-missing": ("W_o is not applied.", "The last step is W_o(heads joined)."),
        "math/w-o-twice": ("W_o is applied twice.", "The last step is W_o(heads joined)."),
        "math/residual-added": (
            "x is added to the output.",
            "The residual connection is the block's, not the attention's.",
        ),
        "math/weights-averaged": (
            "The returned weights are averaged over the heads.",
            "Return them for each head: (batch, n_heads, L, S).",
        ),
        "math/returns-scores": (
            "The second result is the scores.",
            "Return the weights after the softmax.",
        ),
        "math/wrong-output": (
            "The weights are right, the output is not.",
            "output = W_o(heads of weights @ v, joined)",
        ),
        "math/wrong-weights": ("The weights are wrong without a cache and without a mask.", _LOOK),
        "math/weights-do-not-sum-to-1": (
            "The weights of a query do not sum to 1.",
            "The softmax comes last, over the keys.",
        ),
        "math/not-finite": ("The result holds NaN or infinity.", "Look for 0/0 or inf - inf."),
        "math/wrong-shape": ("A result has the wrong shape.", "Print the shape after each line."),
        "math/fails": ("The call raises without a cache and without a mask.", _LOOK),
        # mask
        "mask/ignored": ("attn_mask has no effect.", "Use it before the softmax."),
        "mask/causal-ignored": ("is_causal has no effect.", "A query sees no later key."),
        "mask/always-causal": (
            "The attention is causal without is_causal.",
            "Without is_causal and attn_mask every query sees every key.",
        ),
        "mask/inverted": (
            "The mask is read the other way round.",
            "True means attend: fill where the mask is False.",
        ),
        "mask/boolean-added": (
            "A boolean mask is added to the scores: True counts as 1.",
            "Look at mask.dtype: masked_fill(~mask, -inf) for a boolean one.",
        ),
        "mask/multiplied-after-softmax": (
            "The weights are multiplied by the mask: they no longer sum to 1.",
            "Fill the scores with -inf before the softmax.",
        ),
        "mask/multiplied-before-softmax": (
            "The scores are multiplied by the mask: a score of 0 is a score like any other.",
            "Fill with -inf.",
        ),
        "mask/filled-with-a-number": (
            "Masked scores have a value from which the softmax still gives weight.",
            "Fill with -inf.",
        ),
        "mask/float-read-as-boolean": (
            "A float mask is read as yes or no.",
            "It is added to the scores, whatever numbers it holds.",
        ),
        "mask/scaled": (
            "A float mask is divided by sqrt(d_head) too.",
            "Scale the scores, then add the mask.",
        ),
        "mask/float-ignored": ("A float mask has no effect.", "Add it to the scores."),
        "mask/boolean-ignored": ("A boolean mask has no effect.", "Fill where it is False."),
        "mask/first-sequence-for-all": (
            "The mask of the first sequence is used for the whole batch.",
            "A mask (B, 1, L, S) broadcasts by itself.",
        ),
        "mask/either-or": (
            "is_causal and attn_mask are not used together.",
            "Two ifs, not if and elif: a query sees a key that both allow.",
        ),
        "mask/ignored-while-caching": (
            "attn_mask has no effect while the cache is used.",
            "Mask the scores after the cached keys have joined.",
        ),
        "mask/causal-ignored-while-caching": (
            "is_causal has no effect while the cache is used.",
            "New tokens of one chunk must not see each other's future.",
        ),
        "mask/top-left": (
            "The causal mask starts at the first key: new queries do not see the cached keys.",
            "Of S keys the last L are new: query i sees the keys up to S - L + i.",
        ),
        "mask/off-by-one": (
            "The diagonal of the causal mask is off by one.",
            "Of S keys the last L are new: query i sees the keys up to S - L + i, that one too.",
        ),
        "mask/among-new-tokens-only": (
            "The mask is cut to, or made for, the new keys only.",
            "It has S columns, the cached keys first.",
        ),
        "mask/counts-an-unused-cache": (
            "With use_cache=False the causal mask counts the cached tokens.",
            "The diagonal is moved by S - L, with S the keys that are attended to.",
        ),
        "mask/changed-in-place": (
            "The call changes the mask that it was given.",
            "mask & causal makes a new tensor; mask &= causal and masked_fill_ do not.",
        ),
        "mask/wrong": ("With a mask the result is wrong.", _LOOK),
        "mask/fails": ("A mask of an allowed shape raises.", "Masks broadcast to (B, H, L, S)."),
        "mask/fails-over-a-cache": (
            "A mask over cached and new keys raises.",
            "S counts the cached keys.",
        ),
        "mask/wrong-over-a-cache": ("With a mask and a cache the result is wrong.", _LOOK),
        # cache
        "cache/never-read": (
            "Attention sees the new tokens only.",
            "With use_cache=True the keys are those of the cache and the new ones.",
        ),
        "cache/not-appended": (
            "What follows the first call does not stay in the cache.",
            "Store the joined keys and values again.",
        ),
        "cache/overwritten": (
            "New tokens replace what was cached.",
            "Join along the length: torch.cat([cached, new], dim=2).",
        ),
        "cache/overwritten-by-a-chunk": (
            "A chunk of several tokens replaces what was cached.",
            "L > 1 does not mean that a sequence begins.",
        ),
        "cache/prepended": (
            "New tokens are put before the cached ones.",
            "torch.cat([cached, new], dim=2)",
        ),
        "cache/appended-twice": ("New tokens are cached twice.", "Append once a call."),
        "cache/new-token-missing": (
            "A query does not see its own token.",
            "Append first, then attend.",
        ),
        "cache/window": (
            "Old tokens fall out of the cache.",
            "Every query sees all earlier tokens.",
        ),
        "cache/keys-and-values-swapped": (
            "Keys and values change places on the way through the cache.",
            "Store and read them in the same order.",
        ),
        "cache/values-not-cached": (
            "The cached values are not those of the earlier tokens.",
            "Store keys and values.",
        ),
        "cache/written-with-use-cache-false": (
            "A call with use_cache=False writes the cache.",
            "Only use_cache=True reads or writes it.",
        ),
        "cache/read-with-use-cache-false": (
            "A call with use_cache=False sees the cached tokens.",
            "Only use_cache=True reads or writes it.",
        ),
        "cache/cleared-by-use-cache-false": (
            "A call with use_cache=False clears the cache.",
            "Only clear_cache() does.",
        ),
        "cache/clear-leaves-something": (
            "After clear_cache() something is left.",
            "Reset everything that __init__ sets: keys, values, counters.",
        ),
        "cache/clear-fails": (
            "clear_cache() raises.",
            "It must work on an empty cache too.",
        ),
        "cache/shared-between-objects": (
            "Two objects of the class share one cache.",
            "Set the cache in __init__, on self: an attribute of the class belongs to all.",
        ),
        "cache/counts-calls": (
            "get_cache_size() counts calls.",
            "It is the number of cached tokens.",
        ),
        "cache/wrong-size": (
            "get_cache_size() is not the number of cached tokens.",
            "It is the length of the cached keys: 0 before anything.",
        ),
        "cache/wrong-after-prefill": ("A token after the prefill is wrong.", _LOOK),
        "cache/wrong-first-call": ("The first call with use_cache=True is wrong.", _LOOK),
        "cache/wrong-chunk": (
            "Single tokens are right, a chunk of several is not.",
            "L > 1 with a cache: the keys are the cached ones and all L new ones.",
        ),
        "cache/fails": ("A call with use_cache=True raises.", _LOOK),
        # efficiency
        "efficiency/recomputes": (
            "Earlier tokens go through the projections, or attend, again at every call.",
            "Store keys and values, and project the new tokens only.",
        ),
        "efficiency/caches-keys-only": (
            "Earlier values are computed again at every call.",
            "Store values as well as keys.",
        ),
        "efficiency/caches-values-only": (
            "Earlier keys are computed again at every call.",
            "Store keys as well as values.",
        ),
        "efficiency/projects-twice": (
            "A token goes through the same projection twice in one call.",
            "Keep the result in a variable.",
        ),
        "efficiency/fails": ("The call raises.", _LOOK),
        # contract
        "contract/weights": (
            "The projections are not W_q, W_k, W_v and W_o, each nn.Linear without a bias.",
            "nn.Linear(d_model, d_model, bias=False) for each, in __init__.",
        ),
        "contract/cannot-be-built": (
            "The class cannot be built as (d_model, n_heads, dropout_p).",
            "Keep the signature of __init__; call super().__init__() first.",
        ),
        "contract/one-result": (
            "forward returns one thing.",
            "return output, weights",
        ),
        "contract/changes-its-input": (
            "The call changes x.",
            "Leave out in-place operations on x.",
        ),
        "contract/broadcast-batch": (
            "A batch that does not fit the cache is accepted: one of the two is repeated.",
            "Compare the batch sizes and raise before anything is stored.",
        ),
        "contract/silent-reset": (
            "A batch that does not fit the cache silently starts a new one.",
            "Raise: who wants a new sequence calls clear_cache().",
        ),
        "contract/accepts-another-batch": (
            "A batch that does not fit the cache is accepted.",
            "Compare the batch sizes and raise before anything is stored.",
        ),
        "contract/refusal-changes-the-cache": (
            "The batch is refused, but the cache is no longer what it was.",
            "Compare the batch sizes before anything is stored or counted.",
        ),
        "contract/no-dropout": (
            "dropout_p has no effect in training.",
            "Drop weights, after the softmax: nn.Dropout(dropout_p).",
        ),
        "contract/dropout-in-eval": (
            "Dropout is active in eval().",
            "nn.Dropout knows the mode; F.dropout needs training=self.training.",
        ),
        "contract/dropout-elsewhere": (
            "Dropout is applied to something else than the weights.",
            "weights = dropout(softmax(scores)); these average the values, and are returned.",
        ),
        "contract/wrong-dropout": (
            "Weights are dropped with another probability, or the others are not scaled.",
            "nn.Dropout(dropout_p) does both.",
        ),
        "contract/weights-before-dropout": (
            "The returned weights are those before dropout.",
            "Return the weights that the values are averaged with.",
        ),
        "contract/detached": (
            "No gradient reaches some of the projections when use_cache=False.",
            "Detach what goes into the cache, if anything; not what is attended to.",
        ),
        "contract/cache-in-state-dict": (
            "The cache is part of state_dict(): it would be saved with the weights.",
            "A plain attribute, or register_buffer(..., persistent=False).",
        ),
        "contract/cache-in-another-dtype": (
            "The cache has another dtype than the keys and values.",
            "Make it with dtype=k.dtype, or join with torch.cat.",
        ),
        "contract/mask-in-another-dtype": (
            "The mask makes the scores another dtype than x's.",
            "Use a boolean mask and masked_fill, or dtype=x.dtype.",
        ),
        "contract/another-dtype": (
            "The result is of another dtype than x, or dtypes do not fit.",
            "Every tensor that you make needs dtype=x.dtype.",
        ),
        "contract/tensor-on-the-cpu": (
            "A tensor is made on the CPU whatever device x is on; it would fail on a GPU.",
            "Give device=x.device where you make it.",
        ),
        "contract/fails": ("The call raises.", _LOOK),
    }
}


# Judging


def plain(calls: list[dict], seed: int) -> Refusal | None:
    return _judged(calls, seed, probes.plain, MATH, _math_slug, "math/fails")


def masks(calls: list[dict], seed: int) -> Refusal | None:
    refusal = _judged(calls, seed, probes.masks, MASKS, _unless_raised("mask/wrong"), "mask/fails")
    return refusal or _mutation(calls)


def decoding(calls: list[dict], seed: int) -> Refusal | None:
    return _judged(calls, seed, probes.decoding, CACHES, _decoding_slug, "cache/fails")


def state(calls: list[dict], seed: int) -> Refusal | None:
    return _judged(calls, seed, probes.state, [], _state_slug, "cache/fails")


def masks_over_a_cache(calls: list[dict], seed: int) -> Refusal | None:
    refusal = _judged(
        calls,
        seed,
        probes.masks_over_a_cache,
        MASKS_OVER_A_CACHE,
        _over_a_cache_slug,
        "mask/fails-over-a-cache",
    )
    return refusal or _mutation(calls)


def _judged(
    calls: list[dict],
    seed: int,
    probe: Callable,
    candidates: list[Candidate],
    other_slug: Callable,
    failing_slug: str,
) -> Refusal | None:
    """The refusal for the first step that differs from the oracle's, None where none does."""
    refusal = _unusable(calls)
    if refusal:
        return refusal
    right = _given(probe, Oracle, seed)
    wrong = _wrong(calls, right)
    if not wrong:
        return None
    call, other = calls[wrong[0]], right[wrong[0]]
    slug = _explained(calls, wrong, probe, candidates, seed)
    plain = _difference(call, other, slug or failing_slug)
    if slug:
        return Refusal(slug, plain.expected, plain.seen)
    if plain.slug.split("/")[0] in ("result", "contract", "raises"):
        return plain
    slug = other_slug(calls, right, [calls[i]["step"] for i in wrong]) or plain.slug
    return Refusal(slug, plain.expected, plain.seen)


def _over_a_cache_slug(calls: list[dict], right: list[dict], wrong: list[str]) -> str:
    if all("use_cache=False" in step for step in wrong):
        return "mask/counts-an-unused-cache"
    return _unless_raised("mask/wrong-over-a-cache")(calls, right, wrong)


def _unless_raised(slug: str) -> Callable:
    def choose(calls: list[dict], right: list[dict], wrong: list[str]) -> str:
        return "" if _raises(calls, wrong) else slug

    return choose


def _raises(calls: list[dict], wrong: list[str]) -> bool:
    """Whether the first step that went wrong raised."""
    return next(call for call in calls if call["step"] == wrong[0])["outcome"] == "raised"


@lru_cache(maxsize=512)
def _given(probe: Callable, answer: type, seed: int) -> list[dict]:
    """What a class gives in the steps of a probe."""
    return probe(answer, seed)


def _unusable(calls: list[dict]) -> Refusal | None:
    """A refusal where an object cannot be built or lacks its projections."""
    for call in calls:
        if call["step"] == "building it" and call["outcome"] == "raised":
            return _raised(call, "an object of the class", "contract/cannot-be-built")
        if call["step"] == "its weights" and call["outcome"] == "raised":
            return _raised(call, "W_q, W_k, W_v and W_o", "contract/weights")
        if call["step"] == "its weights" and call["value"]:
            expected = "W_q, W_k, W_v and W_o, each nn.Linear(d_model, d_model, bias=False)"
            slug = "math/w-o-missing" if "no W_o" in call["value"] else "contract/weights"
            return Refusal(slug, expected, call["value"])
    return None


def _wrong(calls: list[dict], right: list[dict]) -> list[int]:
    """The steps that differ. A sequence beyond some length may be refused with an error."""
    wrong, full = [], False
    for i, (call, other) in enumerate(zip(calls, right, strict=True)):
        late = call["step"].startswith("long") and not call["step"].startswith("long: 60 ")
        full = full or (late and call["outcome"] == "raised")
        if not (late and full) and not _same(call, other):
            wrong.append(i)
    return wrong


def _same(call: dict, other: dict, tolerance: float = TOLERANCE) -> bool:
    if call["step"].startswith("get_cache_size"):
        return _number(call) == other["value"]
    if call["step"] == "clear_cache()":
        return call["outcome"] == "returned"
    value = call.get("value")
    if isinstance(value, list) and len(value) > 2:
        call = call | {"value": value[:2]}
    return common.same(call, other, tolerance)


def _number(call: dict) -> object:
    value = call.get("value")
    if isinstance(value, Tensor) and value.numel() == 1:
        value = value.item()
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _explained(
    calls: list[dict], wrong: list[int], probe: Callable, candidates: list[Candidate], seed: int
) -> str:
    """The slug of the misconception that gives what was seen, "" if none.

    One that does so in every step goes first; then one that does in most of the wrong steps.
    """
    best, best_score = "", (False, 0)
    for slug, answer in candidates:
        given = _given(probe, answer, seed)
        agree = [_same(call, other) for call, other in zip(calls, given, strict=True)]
        explained = sum(agree[i] and _says_much(calls[i]) for i in wrong)
        score = (all(agree), explained)
        if all(agree) and explained:
            return slug
        if 2 * explained >= len(wrong) and score > best_score and explained:
            best, best_score = slug, score
    return best


def _says_much(call: dict) -> bool:
    return call["outcome"] == "returned" and not call["step"].startswith("get_cache_size")


def _raised(call: dict, expected: str, slug: str) -> Refusal:
    refusal = common.raised(call, expected)
    if refusal.slug not in ("raises/error", "dtype/mixed"):
        return refusal
    if common.DEVICE_MISMATCH.search(call["text"]):
        slug = "contract/tensor-on-the-cpu"
    elif refusal.slug == "dtype/mixed":
        slug = _dtype_slug(call["step"])
    return Refusal(slug, expected, refusal.seen)


def _dtype_slug(step: str) -> str:
    if "cached" in step or "after" in step or "prefill" in step or "long" in step:
        return "contract/cache-in-another-dtype"
    if "mask" in step or "causal" in step or "(" in step:
        return "contract/mask-in-another-dtype"
    return "contract/another-dtype"


def _difference(call: dict, other: dict, failing_slug: str) -> Refusal:
    """Where a step differs from the oracle's, with a slug for what is wrong in general."""
    step = call["step"]
    if step == "clear_cache()":
        return _raised(call, step, "cache/clear-fails")
    if step.startswith("get_cache_size"):
        return _size_difference(call, other, failing_slug)
    if step.startswith("longest"):
        expected = f"{other['value']} keys in sight ({step})"
        return Refusal("cache/window", expected, f"{call.get('value')}")
    expected = [list(tensor.shape) for tensor in other["value"]]
    if call["outcome"] == "raised":
        results = f"output of shape {expected[0]}, weights of shape {expected[1]} ({step})"
        return _raised(call, results, failing_slug)
    value = call["value"]
    if not isinstance(value, list) or len(value) < 2:
        seen = (
            "None"
            if value is None
            else "one result"
            if not isinstance(value, dict)
            else value["text"]
        )
        slug = "result/none" if value is None else "contract/one-result"
        return Refusal(slug, f"a pair, output and weights ({step})", seen)
    for name, tensor, right in zip(("output", "weights"), value, other["value"], strict=False):
        refusal = common.wrong_type(
            tensor, f"{name}: a tensor of shape {list(right.shape)} ({step})"
        )
        if refusal:
            return refusal
    pairs = list(zip(("weights", "output"), value[1::-1], other["value"][::-1], strict=True))
    for name, tensor, right in pairs:
        if tensor.shape != right.shape:
            return Refusal(
                "math/wrong-shape",
                f"{name} of shape {list(right.shape)} ({step})",
                f"{list(tensor.shape)}",
            )
    for name, tensor, right in pairs:
        position = common.first_difference(tensor, right, TOLERANCE)
        if position:
            row = tuple(position[:-1])
            expected, seen = common.difference(right[row], tensor[row], TOLERANCE, row)
            slug = "math/wrong-weights" if name == "weights" else "math/wrong-output"
            return Refusal(slug, f"{name}{[*row]} = {expected} ({step})", seen)
    return Refusal("result/wrong-type", f"floating-point tensors ({step})", f"{value[0].dtype}")


def _size_difference(call: dict, other: dict, failing_slug: str) -> Refusal:
    step, right = call["step"], other["value"]
    if call["outcome"] == "raised":
        return _raised(call, f"{right} ({step})", failing_slug)
    value = call["value"]
    seen = value["text"] if isinstance(value, dict) and "text" in value else repr(value)[:60]
    return Refusal("cache/wrong-size", f"{right} ({step})", seen)


def _math_slug(calls: list[dict], right: list[dict], wrong: list[str]) -> str:
    """What the outputs have in common, where no misconception gives them."""
    values = {call["step"]: call.get("value") for call in calls}
    first, again = values["forward(x)"], values["forward(x) again"]
    if not (_pair(first) and _pair(again)):
        return ""
    output, weights = first[:2]
    if not output.any():
        return "fake/zeros"
    if output.shape == again[0].shape and not torch.equal(output, again[0]):
        return "fake/random"
    if wrong == ["large scores"]:
        return "math/unstable-softmax"
    oracle = right[[call["step"] for call in calls].index("forward(x)")]["value"]
    if output.shape == oracle[0].shape and _is_constant(output):
        return "fake/constant"
    if not (output.isfinite().all() and weights.isfinite().all()):
        return "math/not-finite"
    if weights.shape == oracle[1].shape and not torch.allclose(
        weights.sum(-1).double(), torch.ones(1, dtype=torch.float64), atol=1e-4
    ):
        return "math/weights-do-not-sum-to-1"
    return ""


def _pair(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) >= 2
        and all(isinstance(item, Tensor) and item.is_floating_point() for item in value[:2])
    )


def _is_constant(output: Tensor) -> bool:
    return bool((output == output[:1, :1]).all())


SINGLE = ("a token after 4", "a token after 5", "a second token", "a third token")


def _decoding_slug(calls: list[dict], right: list[dict], wrong: list[str]) -> str:
    if _raises(calls, wrong):
        return ""
    sizes = [call for call in calls if call["step"].startswith("get_cache_size")]
    if all(step.startswith("get_cache_size") for step in wrong):
        return _sizes_slug(sizes)
    if all(step.startswith("long") for step in wrong):
        return "cache/window"
    if "prefill of 4" in wrong or "a first token alone" in wrong:
        return "cache/wrong-first-call"
    if not set(wrong) & set(SINGLE):
        return "cache/wrong-chunk"
    return "cache/wrong-after-prefill"


def _sizes_slug(sizes: list[dict]) -> str:
    """``sizes`` were asked after 0, 1, 2, 3 calls, after 2 and 4, and after 3."""
    calls = [0, 1, 2, 3, 2, 4, 3]
    return "cache/counts-calls" if [_number(c) for c in sizes] == calls else "cache/wrong-size"


WRITTEN = ("get_cache_size() after use_cache=False at first", "prefill after it")
UNUSED = ("get_cache_size() after use_cache=False", "a token after use_cache=False")
CLEARED = (
    "get_cache_size() after clear_cache()",
    "another batch, cleared",
    "get_cache_size() after 2 tokens",
    "a token after clearing",
)


def _state_slug(calls: list[dict], right: list[dict], wrong: list[str]) -> str:
    values = {call["step"]: call for call in calls}
    if {"use_cache=False at first", "prefill of 3", "prefill of 4", "clear_cache()"} & set(wrong):
        return ""
    if "a token after 3" in wrong:
        return "" if _raises(calls, wrong) else "cache/wrong-after-prefill"
    if "get_cache_size() before use_cache=False" in wrong:
        return "cache/wrong-size"
    if set(wrong) & set(WRITTEN):
        return "cache/written-with-use-cache-false"
    if "use_cache=False between" in wrong:
        return "cache/read-with-use-cache-false"
    if set(wrong) & set(UNUSED):
        size = _number(values[UNUSED[0]])
        lost = size == 0 or size == 1
        return "cache/cleared-by-use-cache-false" if lost else "cache/written-with-use-cache-false"
    if set(wrong) & set(CLEARED):
        return "cache/clear-leaves-something"
    return "cache/shared-between-objects"


def _mutation(calls: list[dict]) -> Refusal | None:
    """A refusal if a call changed its mask; or x, where it was given no mask."""
    for call in calls:
        if call.get("mutated"):
            no_mask = call["step"].startswith("is_causal")
            slug = "contract/changes-its-input" if no_mask else "mask/changed-in-place"
            return Refusal(slug, "the arguments as they were", f"others ({call['step']})")
    return None


# Cost


def work(calls: list[dict], seed: int) -> Refusal | None:
    refusal = _unusable(calls)
    if refusal:
        return refusal
    steps = {call["step"]: call for call in calls}
    for call in calls:
        if call["outcome"] == "raised":
            return _raised(call, f"no error ({call['step']})", "efficiency/fails")
    keys = 0
    for step, length in probes.WORK_STEPS:
        keys += length
        refusal = _projections(steps[step], length, keys)
        if refusal:
            return refusal
    return _growth(steps)


def _projections(call: dict, length: int, keys: int) -> Refusal | None:
    tokens = call["value"]
    due = probes.BATCH * length
    if tokens["flops"] < 8 * due * probes.WORK["d_model"] ** 2:
        expected = "the operations of four projections"
        return Refusal("efficiency/recomputes", expected, f"{tokens['flops']} FLOPs")
    over = {name: tokens[name] for name in probes.PROJECTIONS if tokens[name] > due}
    if not over:
        return None
    name, count = next(iter(over.items()))
    expected = f"{due} tokens through each projection ({call['step']}, batch {probes.BATCH})"
    again = {name for name in over if over[name] >= probes.BATCH * keys and keys > length}
    if again == {"W_v"}:
        slug = "efficiency/caches-keys-only"
    elif again == {"W_k"}:
        slug = "efficiency/caches-values-only"
    elif again:
        slug = "efficiency/recomputes"
    else:
        slug = "efficiency/projects-twice"
    return Refusal(slug, expected, f"{count} through {name}")


def _growth(steps: dict) -> Refusal | None:
    """FLOPs of a token must not grow by more than its attention to each further key."""
    early, late = (steps[f"a token after {n}"]["value"]["flops"] for n in (8, 33))
    each = 4 * probes.BATCH * probes.WORK["d_model"]
    if late - early <= 6 * each * 25:  # weights read off one-hot values cost 3 times as much
        return None
    expected = f"{each} FLOPs more for each further key"
    return Refusal("efficiency/recomputes", expected, f"{(late - early) // 25} more")


# Contract


def other_batch(calls: list[dict], seed: int) -> Refusal | None:
    refusal = _unusable(calls)
    if refusal:
        return refusal
    right = _given(probes.other_batch, Oracle, seed)
    for call, other in zip(calls, right, strict=True):
        if call.get("error") == "NameError":
            return common.raised(call, "an error that refuses the batch")
        if other["outcome"] == "raised":
            if call["outcome"] != "raised":
                return _accepted(call, calls)
        elif not _same(call, other):
            return _changed(call, other)
    return None


def _changed(call: dict, other: dict) -> Refusal:
    before = "prefill" in call["step"]
    slug = "contract/refusal-changes-the-cache"
    plain = _difference(call, other, "cache/fails" if before else slug)
    if before and plain.slug.startswith("math/"):
        first = call["step"].startswith("prefill")
        slug = "cache/wrong-first-call" if first else "cache/wrong-after-prefill"
    elif before:
        slug = plain.slug
    return Refusal(slug, plain.expected, plain.seen)


def _accepted(call: dict, calls: list[dict]) -> Refusal:
    step = call["step"]
    after = calls[next(i for i, c in enumerate(calls) if c is call) + 1]
    expected = f"an error ({step})"
    if _number(after) == 1:
        return Refusal("contract/silent-reset", expected, "a cache of 1 token afterwards")
    value = call["value"]
    if _pair(value) and value[1].shape[-1] == 1:
        return Refusal("contract/silent-reset", expected, "attention to the new token alone")
    shape = list(value[0].shape) if _pair(value) else "a result"
    one = "for a cache of 1" in step or "batch 1 for" in step
    repeated = one and _pair(value) and len(value[0]) > 1
    slug = "contract/broadcast-batch" if repeated else "contract/accepts-another-batch"
    return Refusal(slug, expected, f"an output of shape {shape}")


def module(calls: list[dict], seed: int) -> Refusal | None:
    refusal = _unusable(calls)
    if refusal:
        return refusal
    steps = {call["step"]: call for call in calls}
    for call in calls:
        if call["outcome"] == "raised" and not call["step"].startswith(("other device", "moving")):
            return _raised(call, f"no error ({call['step']})", "contract/fails")
    return (
        _evaluating(steps, seed)
        or _training(steps, seed)
        or _precision(steps, seed)
        or _gradient(steps["gradients, use_cache=False"])
        or _saved(steps["state_dict() while caching"])
        or _half(calls, seed)
        or _elsewhere(calls)
        or _input_changed(calls)
    )


def _right(seed: int) -> dict[str, dict]:
    return {call["step"]: call for call in _given(probes.module, Oracle, seed)}


def _evaluating(steps: dict[str, dict], seed: int) -> Refusal | None:
    step = "dropout_p=0.25 in eval()"
    call, right = steps[step], _right(seed)[step]
    if _same(call, right):
        return None
    plain = _difference(call, right, "contract/fails")
    if _same(call, steps[f"{step} again"]):
        return plain
    return Refusal("contract/dropout-in-eval", plain.expected, plain.seen)


def _training(steps: dict[str, dict], seed: int) -> Refusal | None:
    several = _several(steps, seed)
    one = _one(steps["dropout_p=0.25 in train()"]["value"], seed)
    hidden = one and several and (one.slug, several.slug) == (_NONE, _ELSEWHERE)
    return several if hidden else one or several


_NONE, _ELSEWHERE = "contract/no-dropout", "contract/dropout-elsewhere"


def _several(steps: dict[str, dict], seed: int) -> Refusal | None:
    """The returned weights of several keys, cached: each is 0 or 1 / (1 - p) of the oracle's,
    which drops nothing."""
    step = "dropout_p=0.25 in train(), cached prefill"
    value, right = steps[step]["value"], _right(seed)[step]["value"][1]
    expected = f"weights of 0, or {1 / (1 - probes.DROPOUT):.3f} of the softmax (use_cache=True)"
    if not _pair(value) or value[1].shape != right.shape:
        shape = f"weights of shape {list(right.shape)} (use_cache=True)"
        return Refusal("math/wrong-shape", shape, "something else")
    weights = value[1].double()
    if _dropped(weights / right):
        return None
    if torch.allclose(weights, right, atol=1e-6):
        return Refusal(_NONE, expected, "the softmax as it is")
    slug = "contract/wrong-dropout" if (weights == 0).any() else _ELSEWHERE
    rows = common.numbers(weights[0, 0, 0]), common.numbers(right[0, 0, 0])
    return Refusal(slug, expected, f"{rows[0]} of {rows[1]}")


def _one(value: object, seed: int) -> Refusal | None:
    """Weights of 1 become 0 or 1 / (1 - p); each head's output is its value, times that."""
    inputs, x, _ = probes.dropout_inputs(seed)
    shape = (probes.ROWS, probes.HEADS, 1, 1)
    if not _pair(value) or value[1].shape != shape:
        return Refusal("math/wrong-shape", f"weights of shape {list(shape)}", "something else")
    weights = value[1].double()
    values = (x @ inputs.weights["W_v"].T).unflatten(-1, (probes.HEADS, -1))
    heads = torch.linalg.solve(inputs.weights["W_o"], value[0].double().mT).mT
    factors = heads.unflatten(-1, (probes.HEADS, -1)) / values
    expected = f"weights of 0 or {1 / (1 - probes.DROPOUT):.3f}, a quarter of them 0"
    seen = common.numbers(weights.flatten().unique())
    if not _dropped(weights):
        changed = not torch.allclose(factors, torch.ones_like(factors), atol=1e-4)
        if (weights - 1).abs().max() > 1e-4:
            return Refusal("contract/wrong-dropout", expected, f"weights of {seen}")
        if changed and _dropped(factors[..., :1]) and _equal_in_head(factors):
            return Refusal("contract/weights-before-dropout", expected, f"weights of {seen}")
        slug = _ELSEWHERE if changed else _NONE
        return Refusal(slug, expected, f"weights of {seen}")
    if not (_dropped(factors[..., :1]) and _equal_in_head(factors)):
        seen = "the values averaged with other weights than the returned ones"
        return Refusal(_ELSEWHERE, "the same weights in the output", seen)
    return None


def _dropped(factors: Tensor) -> bool:
    kept = (factors - 1 / (1 - probes.DROPOUT)).abs() < 1e-4
    share = (factors.abs() < 1e-4).double().mean()
    return bool((kept | (factors.abs() < 1e-4)).all()) and abs(share - probes.DROPOUT) < 0.1


def _equal_in_head(factors: Tensor) -> bool:
    return bool(((factors - factors[..., :1]).abs() < 1e-4).all())


def _precision(steps: dict[str, dict], seed: int) -> Refusal | None:
    right = _right(seed)
    slugs = {
        "float64, prefill of 4": "cache/wrong-first-call",
        "float64, a token after 4": "cache/wrong-after-prefill",
        "float64, large values, prefill of 4": "contract/another-dtype",
        "float64, large values, a token after 4": "contract/cache-in-another-dtype",
    }
    for step, slug in slugs.items():
        tolerance = HALF_TOLERANCE if slug.startswith("cache/") else TOLERANCE
        if not _same(steps[step], right[step], tolerance):
            plain = _difference(steps[step], right[step], slug)
            return Refusal(slug, plain.expected, plain.seen)
    return None


def _gradient(call: dict) -> Refusal | None:
    missing = [
        name
        for name, norm in zip(probes.PROJECTIONS, call["value"], strict=True)
        if not norm > 1e-9
    ]
    if not missing:
        return None
    expected = "a gradient for W_q, W_k, W_v and W_o (use_cache=False)"
    return Refusal("contract/detached", expected, f"none for {', '.join(missing)}")


def _saved(call: dict) -> Refusal | None:
    if not call["value"]:
        return None
    expected = "state_dict() as it was before the cached call"
    seen = f"new or changed: {', '.join(map(str, call['value']))}"
    return Refusal("contract/cache-in-state-dict", expected, seen)


def _half(calls: list[dict], seed: int) -> Refusal | None:
    right = _given(probes.module, Oracle, seed)
    for call, other in zip(calls, right, strict=True):
        if not call["step"].startswith("bfloat16"):
            continue
        value, expected = call["value"], f"an output of torch.bfloat16 ({call['step']})"
        if not _pair(value):
            return Refusal("contract/another-dtype", expected, "something else")
        if value[0].dtype != torch.bfloat16:
            return Refusal(_dtype_slug(call["step"][9:]), expected, f"{value[0].dtype}")
        if not common.close(value[0], other["value"][0], HALF_TOLERANCE):
            slug = _dtype_slug(call["step"][9:])
            return Refusal(slug, "values near those of float64", "others")
    return None


def _elsewhere(calls: list[dict]) -> Refusal | None:
    expected = "every tensor on the device of x"
    for call in calls:
        if not call["step"].startswith("other device"):
            continue
        if call["outcome"] == "raised" and common.DEVICE_MISMATCH.search(call["text"]):
            seen = f"{common.error_text(call)} ({call['step']})"
            return Refusal("contract/tensor-on-the-cpu", expected, seen)
        value = call.get("value")
        if isinstance(value, list) and any(isinstance(item, Tensor) for item in value[:2]):
            return Refusal("contract/tensor-on-the-cpu", expected, "a result on the CPU")
    return None


def _input_changed(calls: list[dict]) -> Refusal | None:
    for call in calls:
        if call.get("mutated"):
            return Refusal("contract/changes-its-input", "x as it was", f"another ({call['step']})")
    return None
