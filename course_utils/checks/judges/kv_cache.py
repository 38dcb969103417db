"""Judges of the exercises about caches, but for ``kv_cache.attention_with_cache``.

Oracles: ``F.scaled_dot_product_attention``, lists of tokens that are sliced and joined, the
scripted model without a cache, and counting.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.checks.judges import common
from course_utils.checks.judges.common import Refusal
from course_utils.checks.probes import kv_cache as probes
from course_utils.checks.probes import scripted

TOLERANCE = 1e-5
ROUNDED = 0.02
INF = torch.inf

SENTENCES = {
    "kv_cache.attention": {
        "math/no-scaling": (
            "The scores are not divided by the square root of d_head.",
            "scores = q @ k.mT / sqrt(d_head)",
        ),
        "math/wrong-scale": (
            "The scores are scaled by another number than 1 / sqrt(d_head).",
            "d_head is the last dimension of q: q.shape[-1].",
        ),
        "math/softmax-over-wrong-dimension": (
            "The softmax runs over the wrong dimension.",
            "The weights of one query, over all keys, sum to 1: dim=-1.",
        ),
        "math/no-softmax": ("There is no softmax.", "weights = scores.softmax(dim=-1)"),
        "math/unstable-softmax": (
            "Large scores give NaN: exp overflows, or all of a row underflows.",
            "Subtract each row's maximum after masking, or use torch.softmax.",
        ),
        "math/returns-scores": (
            "The second result is the scores.",
            "Return the weights after the softmax.",
        ),
        "math/averages-keys": ("The keys are averaged.", "output = weights @ v"),
        "contract/one-result": ("Only one thing is returned.", "return output, weights"),
        "contract/four-dimensions-only": (
            "It works with batch and heads in front, and fails without.",
            "Count dimensions from the end: k.transpose(-2, -1).",
        ),
        "contract/results-swapped": (
            "The two results are in the wrong order.",
            "return output, weights",
        ),
        "mask/ignored": ("The mask has no effect.", "Use it before the softmax."),
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
        "mask/wrong": ("With a mask the result is wrong.", "Print one row of the masked scores."),
        "math/wrong": (
            "The result is wrong without a mask.",
            "Compare scores, weights and output with the formula for one query and two keys.",
        ),
    },
    "kv_cache.causal_mask": {
        "mask/top-left": (
            "The triangle starts at the first key: new queries do not see the cached keys.",
            "Of n_keys the last n_new are new: query i sees the keys up to n_keys - n_new + i.",
        ),
        "mask/off-by-one": (
            "The diagonal is off by one.",
            "Query i sees the keys up to n_keys - n_new + i, that one too.",
        ),
        "mask/inverted": ("True and False are exchanged.", "True means: may attend."),
        "mask/transposed": (
            "Queries and keys are exchanged.",
            "A row for each new token, a column for each key.",
        ),
        "mask/upper": ("Queries see what comes later.", "tril, not triu."),
        "mask/everything": ("Every query sees every key.", "A chunk has a future of its own."),
        "mask/new-tokens-only": (
            "Cached keys are not seen.",
            "All cached keys come before all new queries.",
        ),
        "mask/not-boolean": (
            "The mask is not boolean.",
            "dtype=torch.bool, or compare: positions <= last.",
        ),
    },
    "kv_cache.grouped_cache": {
        "contract/one-result": ("Only one thing is returned.", "return keys, values"),
        "cache/overwritten": (
            "update returns the new tokens only: they replace, or hide, what was kept.",
            "torch.cat([self.keys, key_states], dim=-2)",
        ),
        "cache/prepended": (
            "New tokens are put before the kept ones.",
            "torch.cat([self.keys, key_states], dim=-2)",
        ),
        "cache/not-appended": (
            "What follows the first call does not stay.",
            "Assign the joined tensors to self.keys and self.values.",
        ),
        "cache/joined-along-wrong-dimension": (
            "Tokens are joined along the heads or the batch.",
            "[batch, heads, pos, d_head]: dim=-2.",
        ),
        "cache/keys-and-values-swapped": (
            "Keys and values change places.",
            "Return keys, values: in this order.",
        ),
        "cache/wrong-length": (
            "self.seen does not count the tokens.",
            "Add key_states.shape[-2] at every update.",
        ),
        "cache/shared-between-objects": (
            "Two objects share what they keep.",
            "Set it on self, in __init__.",
        ),
        "cache/another-dtype": (
            "What is kept has another dtype than what came.",
            "torch.cat keeps the dtype; leave out .to(...), .half() and .float().",
        ),
        "cache/changed-by-attend": (
            "After attend the cache is another.",
            "Repeat the heads into names of your own: self.keys and self.values stay as they are.",
        ),
        "cache/wrong": (
            "update does not give back the tokens that came, all of them and no others.",
            "Print the shapes.",
        ),
        "groups/tiled-heads": (
            "The KV heads are repeated in the wrong order: 0 1 0 1 0 1.",
            "Neighboring query heads share a KV head: 0 0 0 1 1 1, repeat_interleave.",
        ),
        "groups/one-head-for-all": (
            "All queries use the same KV head.",
            "Query head h uses KV head h // (n_heads // n_kv_heads).",
        ),
        "groups/stored-repeated": (
            "KV heads are stored more than once.",
            "update keeps them as they come; attend repeats them.",
        ),
        "groups/averaged": ("The KV heads are averaged.", "Each group uses its own."),
        "groups/wrong-shape": (
            "The output has another shape than the queries.",
            "A head of output for each head of queries.",
        ),
        "mask/new-tokens-only": (
            "attend uses the keys of the new tokens only.",
            "Attend to self.keys and self.values, all of them.",
        ),
        "mask/not-causal": (
            "A query sees keys that come after it.",
            "causal_mask(n_new, n_keys) hides them.",
        ),
        "mask/top-left": (
            "The causal mask starts at the first key.",
            "causal_mask(n_new, n_keys), with all keys.",
        ),
        "mask/off-by-one": (
            "The causal mask is off by one.",
            "Query i sees the keys up to n_keys - n_new + i, that one too.",
        ),
        "math/no-scaling": ("The scores are not scaled.", "Divide by sqrt(d_head)."),
        "math/wrong": ("The output of attend is wrong.", "Try it with as many KV heads as heads."),
    },
    "kv_cache.generate": {
        "efficiency/no-cache": (
            "The text is right, but all tokens go through the model at every step.",
            "Give the model the cache, and after the prefill the new token alone.",
        ),
        "efficiency/extra-pass": (
            "The model is run once more than needed.",
            "n tokens take n forward passes: the last token is not fed back.",
        ),
        "efficiency/prefill-token-by-token": (
            "The prompt goes in token by token.",
            "The first forward pass takes all of it.",
        ),
        "cache/fed-twice": (
            "The model is given tokens that the cache already holds.",
            "After the prefill give it the new token alone.",
        ),
        "cache/prompt-lost": (
            "The model decodes without having seen the earlier tokens.",
            "Pass past_key_values=cache in every call.",
        ),
        "result/prompt-included": ("The prompt is returned too.", "Collect new tokens only."),
        "cache/not-the-given-one": (
            "The given cache does not hold the tokens that the model was given.",
            "past_key_values=cache: this very object, in every call.",
        ),
        "result/first-token-lost": (
            "The first new token is missing: the one that the prefill gives.",
            "The prefill's last logits are those of the first new token.",
        ),
        "result/stops-early": (
            "The end token ends the loop.",
            "max_new_tokens tokens are asked for, whatever they are.",
        ),
        "result/wrong-length": (
            "The number of new tokens is not max_new_tokens.",
            "Count the tokens that the loop appends.",
        ),
        "position/not-the-last": (
            "The token is read off another position than the last.",
            "logits[:, -1]",
        ),
        "choice/first-row-for-all": (
            "One row of the batch decides for all.",
            "argmax over the last dimension, for each row: dim=-1, keepdim=True.",
        ),
        "choice/not-the-likeliest": (
            "The token is not the likeliest.",
            "argmax of the logits: nothing is drawn.",
        ),
    },
    "kv_cache.sink_cache": {
        "contract/one-result": ("Only one thing is returned.", "return keys, values"),
        "window/sinks-dropped": (
            "The first tokens fall out.",
            "Keep the first n_sinks and the last window tokens.",
        ),
        "window/off-by-one": (
            "The window holds one token too many or too few.",
            "states[:, :, -window:]",
        ),
        "window/counts-the-sinks": (
            "The sinks are taken out of the window.",
            "n_sinks + window tokens stay.",
        ),
        "window/never-drops": ("Nothing is ever dropped.", "Trim what is stored."),
        "window/duplicates": (
            "While the cache is short, sinks are stored twice.",
            "The recent tokens begin after the sinks.",
        ),
        "window/drops-early": (
            "Tokens are dropped although there is room.",
            "Nothing is dropped up to n_sinks + window tokens.",
        ),
        "window/returns-trimmed": (
            "A query does not see all of what was kept and its own chunk.",
            "Return what was kept and the new tokens; store the trimmed tensors.",
        ),
        "window/keeps-the-oldest": (
            "The window holds old tokens, not the last ones.",
            "states[:, :, -window:]",
        ),
        "window/zero-sinks": (
            "With n_sinks = 0 the result is wrong.",
            "[-0:] is everything: count from the left.",
        ),
        "position/counts-kept": (
            "get_seq_length() is the number of kept tokens.",
            "Positions go on: self.seen counts every token.",
        ),
        "cache/keys-only": ("Only keys are trimmed.", "Trim keys and values alike."),
        "cache/shared-between-objects": (
            "Two objects share what they keep.",
            "Set it on self, in __init__.",
        ),
        "cache/order": (
            "The kept tokens are in another order.",
            "Sinks first, then the window, then the new tokens.",
        ),
        "window/wrong": ("update returns other tokens.", "Print what is kept after each update."),
    },
    "kv_cache.paged_cache": {
        "contract/one-result": ("Only one thing is returned.", "return keys, values"),
        "append/wrong": (
            "gather does not give back what was appended.",
            "Token i lies in block table[i // block_size], at i % block_size.",
        ),
        "append/overwrites": (
            "Later tokens are written over earlier ones.",
            "Go on at the length of the sequence.",
        ),
        "append/sequences-mixed": (
            "One sequence writes into the blocks of another.",
            "A block belongs to one sequence, unless it was forked.",
        ),
        "gather/not-cut": (
            "gather returns whole blocks.",
            "Cut the result to the length of the sequence.",
        ),
        "gather/wrong-shape": (
            "gather returns another shape.",
            "[n_kv_heads, length, d_head]",
        ),
        "gather/empty-sequence": (
            "A sequence without tokens cannot be gathered.",
            "Index the pool with the table: torch.cat refuses an empty list.",
        ),
        "gather/wrong-order": (
            "gather returns the tokens in another order.",
            "Go through the blocks as the table has them: their numbers need not rise.",
        ),
        "names/reused": (
            "A new sequence gets the name of a living one.",
            "Count the sequences ever started; those that live may be fewer.",
        ),
        "cache/shared-between-objects": (
            "Two pools share what they keep.",
            "Set it on self, in __init__.",
        ),
        "blocks/too-many": (
            "More blocks are taken than the tokens need.",
            "A new block only when the last one is full.",
        ),
        "blocks/too-few": (
            "Fewer blocks are taken than the tokens need.",
            "Count a block when it is taken.",
        ),
        "fork/copies-blocks": (
            "After fork fewer blocks are free: it copies some, or shared ones are counted twice.",
            "Copy the table, and count one more owner for each block.",
        ),
        "fork/no-copy-on-write": (
            "What one sequence appends appears in, or overwrites, the other.",
            "Copy a shared block before writing into it.",
        ),
        "fork/wrong-length": (
            "The copy has another length than the sequence.",
            "Copy the length as well as the table.",
        ),
        "fork/table-shared": (
            "After a fork both sequences have one table, or write into one block.",
            "The copy needs a list of its own, and a block of its own to write into.",
        ),
        "fork/copies-when-alone": (
            "A block is copied although nobody else has it, or nothing is written into it.",
            "Copy if the last block is not full and has more than one owner.",
        ),
        "fork/copy-is-empty": (
            "The copied block lacks the tokens that were in it.",
            "Copy keys and values of the block.",
        ),
        "free/leaks": (
            "Blocks are not given back.",
            "free: a block without owners is free again.",
        ),
        "free/twice": (
            "A second free of the same sequence gives its blocks back again.",
            "free forgets the sequence: pop its table.",
        ),
        "free/takes-shared-blocks": (
            "Blocks are given back while another sequence has them.",
            "One owner fewer; free at 0.",
        ),
        "memory/no-error": (
            "More tokens are accepted than there are blocks.",
            "Raise MemoryError before anything is written.",
        ),
        "memory/another-error": (
            "An append that does not fit raises another error than MemoryError.",
            "Count the blocks that are needed, the copy of a shared one too, before you take any.",
        ),
        "memory/refuses-what-fits": (
            "An append is refused though there are blocks enough.",
            "Refuse if more are needed than are free; a copy is needed only of a shared block "
            "that is not full.",
        ),
        "memory/error-leaves-traces": (
            "After the refused append something is changed.",
            "Count the blocks that are needed before you take the first.",
        ),
    },
    "kv_cache.cache_bytes": {
        "bytes/keys-or-values": ("Only keys, or only values, are counted.", "The factor 2."),
        "bytes/no-layers": ("One layer is counted.", "Each layer has a cache of its own."),
        "bytes/no-heads": ("One head is counted.", "Each KV head has keys and values."),
        "bytes/not-in-bytes": (
            "Numbers are counted, not bytes, or bytes_per_value has no effect.",
            "Multiply by bytes_per_value.",
        ),
        "bytes/bits": ("Bits are counted.", "bytes_per_value is in bytes."),
        "length/longest": (
            "Every sequence is counted with the longest length.",
            "Add up the lengths: nothing is padded.",
        ),
        "length/squared": (
            "The bytes grow with the square of the length.",
            "Keys and values are stored, scores are not.",
        ),
        "blocks/not-rounded": (
            "The part of the last block that is not used is missing.",
            "Round each length up to whole blocks.",
        ),
        "blocks/rounded-down": ("Lengths are rounded down.", "-(-length // block_size)"),
        "blocks/rounded-together": (
            "The sum is rounded up, not each length.",
            "Sequences do not share blocks here.",
        ),
        "blocks/one-too-many": (
            "A full last block is followed by an empty one.",
            "A length of 16 fills one block of 16: length // block_size + 1 is too many.",
        ),
        "blocks/rounded-to-nearest": (
            "Lengths are rounded to the nearest block.",
            "A block that is begun counts: round up, -(-length // block_size).",
        ),
        "blocks/counted-as-tokens": (
            "Blocks are counted as if each held one token.",
            "Multiply the number of blocks by block_size.",
        ),
        "mutates/lengths": (
            "The number is right, but the list of lengths is changed.",
            "Leave lengths as it is: a generator inside sum() needs no list.",
        ),
        "result/not-an-integer": ("The result is no whole number.", "Use //, not /."),
    },
}


# Functions


def _values(
    calls: list[dict],
    inputs: list[tuple],
    right: Callable,
    candidates: list[tuple[str, Callable]],
    names: str,
    other: str = "value/wrong",
) -> Refusal | None:
    """Compare each call with ``right`` on the same inputs; ``names`` are those of the arguments."""
    given = [{"outcome": "returned", "value": _plain(right(*args))} for args in inputs]
    wrong = [i for i, call in enumerate(calls) if not common.same(call, given[i], TOLERANCE)]
    if not wrong:
        return common.mutation(calls)
    slug = common.explain(calls, wrong, inputs, candidates, TOLERANCE)
    where = _described(names, inputs[wrong[0]])
    refusal = _difference(calls[wrong[0]], given[wrong[0]]["value"], where)
    if refusal.slug == "value/wrong":
        refusal = Refusal(other, refusal.expected, refusal.seen)
    return Refusal(slug, refusal.expected, refusal.seen) if slug else refusal


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _described(names: str, arguments: tuple) -> str:
    """ "q [2, 3], mask bool [4, 6], n_new = 1": the arguments that were given, but for None."""
    pairs = zip(names.split(), arguments, strict=False)
    return ", ".join(_shown(name, value) for name, value in pairs if value is not None)


def _shown(name: str, value: object) -> str:
    if not isinstance(value, Tensor):
        return f"{name} = {value!r}"
    kind = f"{str(value.dtype).removeprefix('torch.')} " if name == "mask" else ""
    return f"{name} {kind}{list(value.shape)}"


def _difference(call: dict, right: object, where: str) -> Refusal:
    """Where one outcome differs from the right value."""
    if call["outcome"] == "raised":
        return common.raised(call, f"{_text(right)} ({where})")
    value = call["value"]
    if isinstance(right, list):
        if not isinstance(value, list) or len(value) != len(right):
            expected = f"{len(right)} results ({where})"
            return Refusal("contract/one-result", expected, _text(value))
        pairs = list(zip(value, right, strict=True))
    else:
        pairs = [(value, right)]
    for seen, wanted in pairs:
        if isinstance(wanted, Tensor):
            refusal = _tensor_difference(seen, wanted, where)
        else:
            refusal = None if seen == wanted else _other(seen, wanted, where)
        if refusal:
            return refusal
    return Refusal("value/wrong", _text(right), _text(value))


def _tensor_difference(seen: object, wanted: Tensor, where: str) -> Refusal | None:
    shape = list(wanted.shape)
    refusal = common.wrong_type(seen, f"a tensor of shape {shape} ({where})")
    if refusal:
        return refusal
    if list(seen.shape) != shape:
        return Refusal("shape/wrong", f"shape {shape} ({where})", f"shape {list(seen.shape)}")
    position = common.first_difference(seen, wanted, TOLERANCE)
    if not position:
        return None
    row = tuple(position[:-1])
    slug = "value/nan" if seen.isnan().any() and not wanted.isnan().any() else "value/wrong"
    expected, found = common.difference(wanted[row], seen[row], TOLERANCE, row)
    return Refusal(slug, f"{expected} ({where})", found)


def _other(seen: object, wanted: object, where: str) -> Refusal:
    if seen is None:
        return Refusal("result/none", f"{wanted} ({where})", "None")
    return Refusal("value/wrong", f"{wanted} ({where})", _text(seen))


def _text(value: object) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {list(value.shape)}"
    if isinstance(value, dict) and "text" in value:
        return value["text"]
    if isinstance(value, list):
        return f"{len(value)} results"
    return repr(value)[:80]


# attention


def _sdpa(q, k, v, mask=None):
    bias = _bias(mask, q.dtype) if mask is not None else None
    output = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
    one_hot = torch.eye(k.shape[-2], dtype=k.dtype).expand(*k.shape[:-2], -1, -1)
    return [output, F.scaled_dot_product_attention(q, k, one_hot, attn_mask=bias)]


def _bias(mask: Tensor, dtype: torch.dtype) -> Tensor:
    if mask.dtype != torch.bool:
        return mask
    return torch.zeros(mask.shape, dtype=dtype).masked_fill(~mask, -INF)


def _softmax(scores: Tensor) -> Tensor:
    return scores.softmax(-1)


def _attend(
    q,
    k,
    v,
    mask=None,
    scale=lambda d: d**-0.5,
    masked=lambda s, m: s + _bias(m, s.dtype),
    normalize=_softmax,
    late=lambda w, m: w,
    results=lambda w, v, k, s: [w @ v, w],
):
    """Attention in single steps, any of which can be another."""
    scores = q @ k.transpose(-2, -1) * scale(q.shape[-1])
    if mask is not None:
        scores = masked(scores, mask)
    weights = normalize(scores)
    if mask is not None:
        weights = late(weights, mask)
    return results(weights, v, k, scores)


def _with(slug: str, **changed: Callable) -> tuple[str, Callable]:
    return slug, partial(_attend, **changed)


def _exp(scores: Tensor) -> Tensor:
    return scores.exp() / scores.exp().sum(-1, keepdim=True)


def _boolean(change: Callable) -> Callable:
    return lambda s, m: change(s, m) if m.dtype == torch.bool else s + m


def _filled(number: float) -> list[tuple[str, Callable]]:
    slug = "mask/filled-with-a-number"
    return [
        _with(slug, masked=_boolean(lambda s, m: s.masked_fill(~m, number))),
        _with(slug, masked=_boolean(lambda s, m: s + number * ~m)),
    ]


_KEEP = {"masked": _boolean(lambda s, m: s)}
_READ = "mask/float-read-as-boolean"

ATTENTION = [
    _with("math/no-scaling", scale=lambda d: 1),
    _with("math/wrong-scale", scale=lambda d: d**0.5),
    _with("math/wrong-scale", scale=lambda d: 1 / d),
    *(
        _with("math/softmax-over-wrong-dimension", normalize=lambda s, d=d: s.softmax(d))
        for d in (-2, 1, 0)
    ),
    _with("math/no-softmax", normalize=lambda s: s),
    _with("math/no-softmax", normalize=torch.exp),
    _with("math/no-softmax", normalize=torch.sigmoid),
    _with("math/unstable-softmax", normalize=_exp),
    _with("math/unstable-softmax", normalize=lambda s: _exp(s).nan_to_num()),
    _with("math/unstable-softmax", normalize=lambda s: _exp(s - s.max())),
    _with("math/returns-scores", results=lambda w, v, k, s: [w @ v, s]),
    _with("math/averages-keys", results=lambda w, v, k, s: [w @ k, w]),
    _with("contract/one-result", results=lambda w, v, k, s: w @ v),
    _with("contract/results-swapped", results=lambda w, v, k, s: [w, w @ v]),
    _with("mask/ignored", masked=lambda s, m: s),
    _with("mask/inverted", masked=_boolean(lambda s, m: s.masked_fill(m, -INF))),
    _with("mask/boolean-added", masked=_boolean(lambda s, m: s + m)),
    _with("mask/boolean-added", masked=_boolean(lambda s, m: s + ~m)),
    *(case for number in (0.0, -1.0, -10.0, -100.0, 1e-9) for case in _filled(number)),
    _with("mask/multiplied-after-softmax", **_KEEP, late=lambda w, m: w * (m > -INF)),
    _with(
        "mask/multiplied-after-softmax",
        **_KEEP,
        late=lambda w, m: w * m if m.dtype == torch.bool else w,
    ),
    _with("mask/multiplied-after-softmax", masked=lambda s, m: s, late=lambda w, m: w * m),
    _with("mask/multiplied-after-softmax", masked=lambda s, m: s, late=lambda w, m: w * (m > -INF)),
    _with(_READ, masked=lambda s, m: s.masked_fill(m == 0, -INF)),
    _with(_READ, masked=lambda s, m: s.masked_fill(~m if m.dtype == torch.bool else m < 0, -INF)),
    _with(
        _READ,
        masked=lambda s, m: s.masked_fill(~m if m.dtype == torch.bool else m == -INF, -INF),
    ),
    _with("mask/scaled", masked=lambda s, m: s + _bias(m, s.dtype) / 5**0.5),
]
ARGUMENTS = "q k v mask"


def attention(calls: list[dict], seed: int) -> Refusal | None:
    inputs = probes.attention_inputs(seed)
    refusal = _values(calls, inputs, _sdpa, ATTENTION, ARGUMENTS, "math/wrong")
    if refusal and refusal.slug == "math/wrong" and _rescaled(calls, inputs):
        return Refusal("math/wrong-scale", refusal.expected, refusal.seen)
    raised = [call["outcome"] == "raised" for call in calls]
    if refusal and refusal.slug == "raises/error" and raised == [False, True, False]:
        return Refusal("contract/four-dimensions-only", refusal.expected, refusal.seen)
    return refusal


def _rescaled(calls: list[dict], inputs: list[tuple]) -> bool:
    """Whether the weights are the softmax of the scores times some number, in every call."""
    for call, (q, k, v) in zip(calls, inputs, strict=True):
        value, scores = call.get("value"), q @ k.mT
        if not isinstance(value, list) or len(value) != 2 or not isinstance(value[1], Tensor):
            return False
        if value[1].shape != scores.shape or not common.close(value[0], value[1] @ v, TOLERANCE):
            return False
        logs, scores = (x - x.mean(-1, keepdim=True) for x in (value[1].log(), scores))
        factor = (logs * scores).sum() / (scores * scores).sum()
        if factor <= 0 or not common.close(logs, factor * scores, TOLERANCE):
            return False
    return True


def attention_masks(calls: list[dict], seed: int) -> Refusal | None:
    """The last call is without a mask: what is wrong there is not the mask's fault."""
    inputs = probes.attention_mask_inputs(seed)
    unmasked = {"outcome": "returned", "value": _sdpa(*inputs[-1])}
    other = "mask/wrong" if common.same(calls[-1], unmasked, TOLERANCE) else "math/wrong"
    return _values(calls, inputs, _sdpa, ATTENTION, ARGUMENTS, other)


def attention_large(calls: list[dict], seed: int) -> Refusal | None:
    """Beside large scores a mask of -100, or of -10,000, looks like none."""
    inputs = probes.attention_large_inputs(seed)
    candidates = [case for number in (-1e2, -1e3, -1e4) for case in _filled(number)] + ATTENTION
    refusal = _values(calls, inputs, _sdpa, candidates, ARGUMENTS)
    if refusal and refusal.slug in ("value/nan", "value/wrong"):
        return Refusal("math/unstable-softmax", refusal.expected, refusal.seen)
    return refusal


# causal_mask


def _triangle(n_new: int, n_keys: int) -> Tensor:
    rows = [[key <= n_keys - n_new + i for key in range(n_keys)] for i in range(n_new)]
    return torch.tensor(rows)


def _tril(n_new: int, n_keys: int, diagonal: int) -> Tensor:
    return torch.ones(n_new, n_keys, dtype=torch.bool).tril(diagonal)


def _padded(n_new: int, n_keys: int, value: bool) -> Tensor:
    return F.pad(_tril(n_new, n_new, 0), (n_keys - n_new, 0), value=value)


MASKS = [
    ("mask/new-tokens-only", lambda n, s: _padded(n, s, False)),
    ("mask/new-tokens-only", lambda n, s: _tril(n, n, 0)),
    ("mask/new-tokens-only", lambda n, s: _padded(n, s, n > 1)),
    ("mask/top-left", lambda n, s: _tril(n, s, 0)),
    ("mask/top-left", lambda n, s: _tril(n, s, 0) if n > 1 else _tril(n, s, s)),
    ("mask/off-by-one", lambda n, s: _tril(n, s, s - n + 1)),
    ("mask/off-by-one", lambda n, s: _tril(n, s, s - n - 1)),
    ("mask/off-by-one", lambda n, s: _tril(n, s, s - n + (s > n))),
    ("mask/off-by-one", lambda n, s: _tril(n, s, s - n - (s > n))),
    ("mask/inverted", lambda n, s: ~_tril(n, s, s - n)),
    ("mask/upper", lambda n, s: torch.ones(n, s, dtype=torch.bool).triu(s - n)),
    ("mask/upper", lambda n, s: torch.ones(n, s, dtype=torch.bool).triu()),
    ("mask/transposed", lambda n, s: _tril(n, s, s - n).mT),
    ("mask/everything", lambda n, s: _tril(n, s, s)),
    ("mask/everything", lambda n, s: _tril(n, s, s if s > n else 0)),
    ("mask/everything", lambda n, s: _tril(n, s, s if s == n else s - n)),
]


def _mask(calls: list[dict], sizes: list[tuple[int, int]]) -> Refusal | None:
    for call in calls:
        value = call.get("value")
        if isinstance(value, Tensor) and value.dtype != torch.bool:
            return Refusal("mask/not-boolean", "a mask of torch.bool", f"{value.dtype}")
    return _values(calls, sizes, _triangle, MASKS, "n_new n_keys")


def mask_of_prefill(calls: list[dict], seed: int) -> Refusal | None:
    return _mask(calls, probes.prefill_sizes(seed))


def mask_of_chunk(calls: list[dict], seed: int) -> Refusal | None:
    return _mask(calls, probes.chunk_sizes(seed))


def mask_of_token(calls: list[dict], seed: int) -> Refusal | None:
    return _mask(calls, probes.token_sizes(seed))


# Classes: the oracle is a class, and so is a misconception; each goes through the same steps


def _steps(
    calls: list[dict],
    probe: Callable,
    seed: int,
    oracle: type,
    candidates: list[tuple[str, type]],
    other: Callable[[dict, dict], str],
    exact: bool = False,
) -> Refusal | None:
    """Refuse the first step that differs from the oracle's; ``other(call, right)`` gives its slug
    where no misconception gives what was seen: in most steps, or in every one if ``exact``."""
    right = probe(oracle, seed)
    for call in calls:
        if call["step"] == "building it" and call["outcome"] == "raised":
            return common.raised(call, "an object of the class")
    wrong = [i for i, pair in enumerate(zip(calls, right, strict=True)) if not _same(*pair)]
    if not wrong:
        return common.mutation(calls)
    call, wanted = calls[wrong[0]], right[wrong[0]]
    slug = _candidate(calls, wrong, probe, seed, candidates, exact)
    if wanted["outcome"] == "raised":
        seen = common.error_text(call) if call["outcome"] == "raised" else "no error"
        expected = f"{wanted['error']} ({call['step']})"
        return Refusal(slug or other(call, wanted), expected, seen)
    plain = _difference(call, wanted["value"], call["step"])
    special = call["outcome"] == "raised" and plain.slug != "raises/error"
    slug = plain.slug if special else slug or other(call, wanted) or plain.slug
    return Refusal(slug, plain.expected, plain.seen)


def _same(call: dict, right: dict) -> bool:
    if call["step"].endswith(" again"):
        return True
    if right["outcome"] == "raised":
        return call["outcome"] == "raised" and call["error"] == right["error"]
    return common.same(call, right, TOLERANCE)


def _candidate(calls, wrong, probe, seed, candidates, exact) -> str:
    best, best_score = "", (False, 0)
    for slug, answer in candidates:
        given = probe(answer, seed)
        agree = [_same(call, other) for call, other in zip(calls, given, strict=False)]
        agree += [False] * (len(calls) - len(agree))
        explained = sum(agree[i] and _says_much(calls[i]) for i in wrong)
        enough = all(agree) or (2 * explained >= len(wrong) and not exact)
        if enough and (all(agree), explained) > best_score:
            best, best_score = slug, (all(agree), explained)
    return best


def _says_much(call: dict) -> bool:
    return call["outcome"] == "returned" and not call["step"].startswith("get_")


def _changed(slug: str, base: type, **methods: Callable) -> tuple[str, type]:
    return slug, type("Changed", (base,), methods)


# GroupedCache


class Grouped:
    """All tokens, in lists."""

    def __init__(self):
        self.chunks: list[tuple[Tensor, Tensor]] = []

    def update(self, k, v):
        self.chunks.append((k, v))
        return self.all()

    def all(self):
        return tuple(torch.cat(parts, dim=2) for parts in zip(*self.chunks, strict=True))

    def get_seq_length(self):
        return sum(k.shape[2] for k, _ in self.chunks)

    def attend(self, q):
        k, v = (self.repeated(x, q.shape[1]) for x in self.all())
        bias = _bias(self.mask(q.shape[2], k.shape[2]), q.dtype)
        return F.scaled_dot_product_attention(q, k, v, bias, scale=self.scale(q.shape[3]))

    def repeated(self, x, n_heads):
        return x.repeat_interleave(n_heads // x.shape[1], dim=1)

    def mask(self, n_new, n_keys):
        return _tril(n_new, n_keys, n_keys - n_new)

    def scale(self, d_head):
        return d_head**-0.5


class GroupedSteps(Grouped):
    """The same in single steps, with NaN where a query sees nothing."""

    def attend(self, q):
        k, v = (self.repeated(x, q.shape[1]) for x in self.all())
        bias = _bias(self.mask(q.shape[2], k.shape[2]), q.dtype)
        return (q @ k.mT * self.scale(q.shape[3]) + bias).softmax(-1) @ v


def _latest(self, k, v):
    self.chunks = [(k, v)]
    return k, v


def _joined_then_latest(self, k, v):
    joined = Grouped.update(self, k, v)
    self.chunks = [(k, v)]
    return joined


def _first(self, k, v):
    joined = Grouped.update(self, k, v)
    self.chunks = self.chunks[:1]
    return joined


def _prepend(self, k, v):
    self.chunks.insert(0, (k, v))
    return self.all()


def _new_only(self, k, v):
    self.chunks.append((k, v))
    return k, v


def _one_head(head: int) -> Callable:
    return lambda self, x, n: x[:, [head]].expand(-1, n, -1, -1)


def _tiled(self, x, n):
    return x.repeat(1, n // x.shape[1], 1, 1)


def _tiled_values(self, q):
    k, v = self.all()
    bias = _bias(self.mask(q.shape[2], k.shape[2]), q.dtype)
    weights = (
        q @ Grouped.repeated(self, k, q.shape[1]).mT * self.scale(q.shape[3]) + bias
    ).softmax(-1)
    return weights @ _tiled(self, v, q.shape[1])


def _to_new(self, q):
    new = Grouped()
    new.update(*(x[:, :, -q.shape[2] :] for x in self.all()))
    return new.attend(q)


def _mean_head(self, x, n):
    return x.mean(1, keepdim=True).expand(-1, n, -1, -1)


GROUPED = [
    _changed("cache/overwritten", GroupedSteps, update=_latest),
    _changed("cache/overwritten", GroupedSteps, update=_joined_then_latest),
    _changed("cache/not-appended", GroupedSteps, update=_first),
    _changed("cache/prepended", GroupedSteps, update=_prepend),
    _changed("cache/overwritten", GroupedSteps, update=_new_only),
    _changed(
        "cache/keys-and-values-swapped",
        GroupedSteps,
        update=lambda s, k, v: Grouped.update(s, k, v)[::-1],
    ),
    *(
        _changed(
            "cache/joined-along-wrong-dimension",
            GroupedSteps,
            all=lambda self, d=d: tuple(
                torch.cat(p, dim=d) for p in zip(*self.chunks, strict=True)
            ),
        )
        for d in (0, 1, 3)
    ),
    _changed("groups/tiled-heads", GroupedSteps, repeated=_tiled),
    _changed("groups/tiled-heads", GroupedSteps, attend=_tiled_values),
    _changed("mask/new-tokens-only", GroupedSteps, attend=_to_new),
    _changed("groups/one-head-for-all", GroupedSteps, repeated=_one_head(0)),
    _changed("groups/one-head-for-all", GroupedSteps, repeated=_one_head(-1)),
    _changed("groups/averaged", GroupedSteps, repeated=_mean_head),
    _changed("mask/not-causal", GroupedSteps, mask=lambda s, n, m: _tril(n, m, m)),
    _changed("mask/not-causal", GroupedSteps, mask=lambda s, n, m: _tril(n, m, m if m > n else 0)),
    _changed("mask/top-left", GroupedSteps, mask=lambda s, n, m: _tril(n, m, 0)),
    _changed("mask/top-left", GroupedSteps, mask=lambda s, n, m: _tril(n, m, 0 if n > 1 else m)),
    _changed("mask/off-by-one", GroupedSteps, mask=lambda s, n, m: _tril(n, m, m - n + 1)),
    _changed("mask/off-by-one", GroupedSteps, mask=lambda s, n, m: _tril(n, m, m - n - 1)),
    _changed("math/no-scaling", GroupedSteps, scale=lambda s, d: 1.0),
]


def _grouped_other(call: dict, right: dict) -> str:
    step = call["step"]
    if "another object" in step:
        return "cache/shared-between-objects"
    if step.endswith("after attend"):
        return "cache/changed-by-attend"
    if step.startswith("get_seq_length"):
        return "cache/wrong-length"
    if call["outcome"] == "raised":
        sizes = "Sizes of tensors must match" in call["text"]
        return "cache/joined-along-wrong-dimension" * sizes
    value = call.get("value")
    if step.startswith("update"):
        return _update_slug(value, right["value"])
    same_shape = isinstance(value, Tensor) and value.shape == right["value"].shape
    return "math/wrong" if same_shape else "groups/wrong-shape" * isinstance(value, Tensor)


def _update_slug(value: object, right: list[Tensor]) -> str:
    keys = value[0] if isinstance(value, list) and value else None
    if isinstance(keys, Tensor) and keys.dim() == 4 and keys.shape[1] > right[0].shape[1]:
        return "groups/stored-repeated"
    tensors = keys is not None and all(isinstance(x, Tensor) for x in value)
    rounded = tensors and all(map(common.close, value, right, (ROUNDED, ROUNDED)))
    return "cache/another-dtype" if rounded else "cache/wrong"


def grouped_update(calls: list[dict], seed: int) -> Refusal | None:
    refusal = _steps(calls, probes.grouped_update, seed, Grouped, GROUPED, _grouped_other)
    return refusal or _another_dtype(calls)


def _another_dtype(calls: list[dict]) -> Refusal | None:
    for call in calls:
        for tensor in call["value"] if isinstance(call.get("value"), list) else []:
            if isinstance(tensor, Tensor) and tensor.dtype != torch.float64:
                expected = f"torch.float64, as it came ({call['step']})"
                return Refusal("cache/another-dtype", expected, f"{tensor.dtype}")
    return None


def grouped_prefill(calls: list[dict], seed: int) -> Refusal | None:
    return _steps(calls, probes.grouped_prefill, seed, Grouped, GROUPED, _grouped_other)


def grouped_chunks(calls: list[dict], seed: int) -> Refusal | None:
    return _steps(calls, probes.grouped_chunks, seed, Grouped, GROUPED, _grouped_other)


# generate


def generate(calls: list[dict], seed: int) -> Refusal | None:
    requests = probes.generate_requests(seed)
    right = [_greedy(request, lambda ids, new: ids + new) for request in requests]
    wrong = [i for i, call in enumerate(calls) if not _same_ids(call, right[i])]
    if not wrong:
        return None
    call, wanted = calls[wrong[0]], right[wrong[0]]
    if call["outcome"] == "raised":
        return common.raised(call, f"token ids {wanted.tolist()}")
    refusal = common.wrong_type(call["value"], f"token ids of shape {list(wanted.shape)}")
    if refusal:
        return refusal
    slug = _generate_slug(calls, requests, wrong, right)
    expected = f"{wanted.tolist()} for a prompt of shape {list(requests[wrong[0]]['ids'].shape)}"
    return Refusal(slug, expected, f"{call['value'].tolist()}")


def _same_ids(call: dict, right: Tensor) -> bool:
    value = call.get("value")
    return (
        isinstance(value, Tensor)
        and value.shape == right.shape
        and torch.equal(value.long(), right)
    )


def _greedy(request: dict, context: Callable, count: int = 0, position: int = -1) -> Tensor:
    """Greedy tokens of each row, with the model seeing ``context(prompt, new)``."""
    rows = []
    for prompt in request["ids"].tolist():
        new: list[int] = []
        for _ in range(count or request["new"]):
            rules = scripted.rule(torch.tensor(context(prompt, new)), request["key"])
            at = rules[position] if not new else rules[-1]
            new.append(int(request["table"][at].argmax()))
        rows.append(new)
    return torch.tensor(rows)


def _fed_twice(prompt: list[int], new: list[int]) -> list[int]:
    """What a cache holds after every step was given all tokens."""
    return [i for step in range(len(new) + 1) for i in prompt + new[:step]]


GENERATED = [
    ("cache/fed-twice", lambda r: _greedy(r, _fed_twice)),
    ("cache/fed-twice", lambda r: _greedy(r, lambda p, n: (p + p + n) if n else p)),
    ("cache/fed-twice", lambda r: _greedy(r, lambda p, n: p + [p[-1]] + n)),
    ("cache/fed-twice", lambda r: _greedy(r, lambda p, n: p + [p[-1]] + n if n else p)),
    ("cache/prompt-lost", lambda r: _greedy(r, lambda p, n: n[-1:] or p)),
    ("cache/prompt-lost", lambda r: _greedy(r, lambda p, n: n or p)),
    ("cache/prompt-lost", lambda r: _greedy(r, lambda p, n: (p + n)[-1:])),
    ("position/not-the-last", lambda r: _greedy(r, lambda p, n: p + n, position=0)),
    ("position/not-the-last", lambda r: _greedy(r, lambda p, n: p + n, position=-2)),
    ("result/prompt-included", lambda r: torch.cat([r["ids"], _right(r)], dim=1)),
    ("result/first-token-lost", lambda r: _greedy(r, lambda p, n: p + n, r["new"] + 1)[:, 1:]),
    ("result/stops-early", lambda r: _until_end(r, 1)),
    ("result/stops-early", lambda r: _until_end(r, 0)),
    ("result/wrong-length", lambda r: _greedy(r, lambda p, n: p + n, r["new"] + 1)),
    ("result/wrong-length", lambda r: _right(r)[:, :-1]),
    ("result/wrong-length", lambda r: _right(r)[:, -1:]),
    ("result/wrong-length", lambda r: _right(r)[:, 1:]),
    ("choice/first-row-for-all", lambda r: _right(r)[:1]),
    ("choice/first-row-for-all", lambda r: _right(r)[:1].expand(len(r["ids"]), -1)),
    ("choice/not-the-likeliest", lambda r: _greedy(_turned(r), lambda p, n: p + n)),
]


def _right(request: dict) -> Tensor:
    return _greedy(request, lambda p, n: p + n)


def _until_end(request: dict, kept: int) -> Tensor:
    """Cut behind the first end token of the first row, or before it if ``kept`` is 0."""
    right, end = _right(request), request["table"].shape[1] - 1
    places = (right[0] == end).nonzero().flatten().tolist()
    return right[:, : places[0] + kept] if places else right


def _turned(request: dict) -> dict:
    return request | {"table": -request["table"]}


def _generate_slug(calls, requests, wrong, right) -> str:
    for slug, candidate in GENERATED:
        if all(_same_ids(calls[i], candidate(requests[i])) for i in wrong):
            return slug
    value, wanted = calls[wrong[0]]["value"], right[wrong[0]]
    if list(wrong) == [2]:
        return "choice/first-row-for-all"
    if value.dim() == 2 and value.shape[1] > wanted.shape[1] + 1:
        return "result/prompt-included"
    if value.shape != wanted.shape:
        return "result/wrong-length"
    if torch.equal(value[:, :1].long(), wanted[:, :1]):
        return "cache/fed-twice" if calls[wrong[0]]["fed"][1:2] != [1] else "value/wrong"
    return "choice/not-the-likeliest"


def generate_work(calls: list[dict], seed: int) -> Refusal | None:
    """Passes and tokens alone; what is returned is another case."""
    for call, request in zip(calls, probes.generate_requests(seed), strict=True):
        if call["outcome"] == "raised":
            return common.raised(call, "no error")
        prompt, fed = request["ids"].shape[1], call["fed"]
        wanted = [prompt] + [1] * (request["new"] - 1)
        if fed != wanted:
            return Refusal(_work_slug(fed, wanted, prompt), f"passes of {wanted}", f"{fed}")
        if call["cached"] != sum(fed):
            expected = f"{sum(fed)} tokens in the given cache"
            return Refusal("cache/not-the-given-one", expected, f"{call['cached']}")
    return None


def _work_slug(fed: list[int], wanted: list[int], prompt: int) -> str:
    if fed == wanted[: len(fed)]:
        return "result/wrong-length"
    if fed[: len(wanted)] == wanted:
        return "efficiency/extra-pass"
    if prompt > 1 and fed[:prompt] == [1] * prompt:
        return "efficiency/prefill-token-by-token"
    if len(fed) > 1 and fed[:1] == wanted[:1] and fed[1] > 1:
        return "efficiency/no-cache"
    return "efficiency/extra-pass"


# SinkCache


class Sinks:
    """Every token with its number; what is kept is chosen by number."""

    def __init__(self, n_sinks, window):
        self.n_sinks, self.window, self.seen = n_sinks, window, 0
        self.k = self.v = None

    def update(self, k, v):
        self.seen += k.shape[2]
        if self.k is not None:
            k, v = torch.cat([self.k, k], dim=2), torch.cat([self.v, v], dim=2)
        self.k, self.v = self.trim(k, self.keep), self.trim(v, self.keep_values)
        return self.returned(k, v)

    def returned(self, k, v):
        return k, v

    def trim(self, x, keep):
        return x[:, :, keep(x.shape[2])]

    def keep(self, n):
        return [i for i in range(n) if i < self.n_sinks or i >= n - self.window]

    def keep_values(self, n):
        return self.keep(n)

    def get_seq_length(self):
        return self.seen

    def get_mask_sizes(self, query_length):
        kept = 0 if self.k is None else self.k.shape[2]
        return kept + query_length, self.seen - kept


def _numbers(keep: Callable) -> Callable:
    """``keep(first, window, n)`` gives the numbers of the kept tokens among n."""
    return lambda self, n: [i for i in keep(self.n_sinks, self.window, n) if 0 <= i < n]


def _keeping(slug: str, keep: Callable) -> tuple[str, type]:
    return _changed(slug, Sinks, keep=_numbers(keep))


def _first_and_last(first: int, last: int, n: int) -> list[int]:
    return [i for i in range(n) if i < first or i >= n - last]


def _first_call(self, k, v):
    """Sinks of the first call alone."""
    self.n_sinks = min(self.n_sinks, self.seen or k.shape[2])
    return Sinks.update(self, k, v)


def _trims_chunks(self, k, v):
    if k.shape[2] > 1:
        return Sinks.update(self, k, v)
    self.seen += 1
    self.k, self.v = torch.cat([self.k, k], dim=2), torch.cat([self.v, v], dim=2)
    return self.k, self.v


SINKS = [
    _changed("window/never-drops", Sinks, update=_trims_chunks),
    _keeping("window/never-drops", lambda s, w, n: range(n)),
    _keeping("window/sinks-dropped", lambda s, w, n: range(n - w, n)),
    _keeping("window/sinks-dropped", lambda s, w, n: range(n - w - s, n)),
    _changed("window/sinks-dropped", Sinks, update=_first_call),
    _keeping("window/off-by-one", lambda s, w, n: _first_and_last(s, w - 1, n)),
    _keeping("window/off-by-one", lambda s, w, n: _first_and_last(s, w + 1, n)),
    _keeping("window/off-by-one", lambda s, w, n: _first_and_last(s + 1, w, n)),
    _keeping("window/off-by-one", lambda s, w, n: _first_and_last(s - 1, w, n)),
    _keeping("window/counts-the-sinks", lambda s, w, n: _first_and_last(s, w - s, n)),
    _keeping("window/keeps-the-oldest", lambda s, w, n: range(s + w)),
    _keeping("window/duplicates", lambda s, w, n: [*range(min(s, n)), *range(max(0, n - w), n)]),
    _keeping(
        "window/duplicates",
        lambda s, w, n: [*range(s), *range(max(0, n - w), n)] if n > w else range(n),
    ),
    _keeping("cache/order", lambda s, w, n: [*range(max(s, n - w), n), *range(s)]),
    _keeping("window/zero-sinks", lambda s, w, n: _first_and_last(s, w, n) if s else range(n)),
    _keeping(
        "window/drops-early", lambda s, w, n: range(n) if n <= s else _first_and_last(s, 1, n)
    ),
    _changed("window/returns-trimmed", Sinks, returned=lambda self, k, v: (self.k, self.v)),
    _changed(
        "position/counts-kept",
        Sinks,
        get_seq_length=lambda self: self.k.shape[2],
        get_mask_sizes=lambda self, q: (self.k.shape[2] + q, 0),
    ),
    _changed("position/counts-kept", Sinks, get_seq_length=lambda self: self.k.shape[2]),
    _changed("cache/keys-only", Sinks, keep_values=lambda self, n: list(range(n))),
]


def _sinks_other(call: dict, right: dict) -> str:
    if call["outcome"] == "raised":
        return ""
    if call["step"].startswith("get_"):
        return "position/counts-kept"
    value = call["value"]
    more = isinstance(value, list) and isinstance(value[0], Tensor) and value[0].dim() == 4
    more = more and value[0].shape[2] > right["value"][0].shape[2]
    first = call["step"].endswith("after 0")
    return "cache/shared-between-objects" if first and more else "window/wrong"


def sinks_short(calls: list[dict], seed: int) -> Refusal | None:
    return _steps(calls, probes.sinks_short, seed, Sinks, SINKS, _sinks_other)


def sinks_full(calls: list[dict], seed: int) -> Refusal | None:
    return _steps(calls, probes.sinks_full, seed, Sinks, SINKS, _sinks_other)


def sinks_chunks(calls: list[dict], seed: int) -> Refusal | None:
    return _steps(calls, probes.sinks_chunks, seed, Sinks, SINKS, _sinks_other)


# PagedCache


class Pages:
    """Tokens in one tensor a sequence; blocks are only counted."""

    def __init__(self, n_blocks, n_kv_heads, d_head, block_size=16):
        self.total, self.size = n_blocks, block_size
        self.shape = n_kv_heads, 0, d_head
        self.states: list[tuple[Tensor, Tensor] | None] = []
        self.blocks: list[list[object]] = []

    def allocate(self):
        self.states.append((torch.zeros(self.shape), torch.zeros(self.shape)))
        self.blocks.append([])
        return len(self.states) - 1

    def n_free_blocks(self):
        return self.total - len({id(b) for blocks in self.blocks for b in blocks})

    def append(self, name, k, v):
        blocks, length = self.blocks[name], self.states[name][0].shape[1]
        last = [b for other in self.blocks for b in other if length % self.size and b is blocks[-1]]
        new = math.ceil((length + k.shape[1]) / self.size) - len(blocks)
        copy = self.copies(len(last) > 1, bool(length % self.size))
        if new + copy > self.n_free_blocks():
            raise MemoryError
        if copy:
            blocks[-1] = object()
        blocks += [object() for _ in range(new)]
        old = self.states[name]
        self.states[name] = torch.cat([old[0], k], dim=1), torch.cat([old[1], v], dim=1)

    def copies(self, shared, partial):
        return shared and partial

    def gather(self, name):
        return self.states[name]

    def fork(self, name):
        copy = self.allocate()
        self.states[copy], self.blocks[copy] = self.states[name], list(self.blocks[name])
        return copy

    def free(self, name):
        self.states[name], self.blocks[name] = None, []


def _whole_blocks(self, name):
    states = self.states[name]
    missing = -states[0].shape[1] % self.size
    return [F.pad(x, (0, 0, 0, missing)) for x in states]


def _deep_fork(self, name):
    copy = Pages.fork(self, name)
    self.blocks[copy] = [object() for _ in self.blocks[copy]]
    return copy


def _block_each(self, name, k, v):
    old = self.states[name]
    self.states[name] = torch.cat([old[0], k], dim=1), torch.cat([old[1], v], dim=1)
    self.blocks[name] += [object() for _ in range(math.ceil(k.shape[1] / self.size))]


def _never(self, name):
    self.states[name] = None


PAGED = [
    _changed("gather/not-cut", Pages, gather=_whole_blocks),
    _changed(
        "gather/wrong-shape", Pages, gather=lambda s, n: [x.transpose(0, 1) for x in s.states[n]]
    ),
    _changed("fork/copies-blocks", Pages, fork=_deep_fork),
    _changed("blocks/too-many", Pages, append=_block_each),
    _changed("fork/copies-when-alone", Pages, copies=lambda s, shared, partial: partial),
    _changed("free/leaks", Pages, free=_never),
]


def _paged_other(calls: list[dict]) -> Callable:
    """The slug by the step that went wrong first, and by what came before."""

    def other(call: dict, right: dict) -> str:
        step = call["step"]
        before = calls[: next(i for i, c in enumerate(calls) if c is call)]
        writing = [c for c in before if not c["step"].startswith(("gather", "n_free"))]
        if writing and writing[-1]["step"].endswith(" again"):
            return "free/twice"
        forked = any("fork" in c["step"] for c in writing)
        freed = any(c["step"].startswith("free(") for c in writing)
        if right["outcome"] == "raised":
            return "memory/another-error" if call["outcome"] == "raised" else "memory/no-error"
        if "allocate" in step or "fork" in step:
            return "names/reused" if isinstance(call.get("value"), str) else ""
        if step.endswith("another pool"):
            return "cache/shared-between-objects"
        if step.startswith("gather") and right["value"][0].shape[1] == 0:
            return "gather/empty-sequence"
        if step.startswith("append"):
            return "memory/refuses-what-fits" if call.get("error") == "MemoryError" else ""
        if writing[-1]["outcome"] == "raised":
            return "memory/error-leaves-traces"
        if step == "n_free_blocks()":
            return _block_slug(call, right, forked, freed)
        if step.startswith("gather"):
            mixed = "(a" in step and writing[-1]["step"].startswith("append(b") and not forked
            return "append/sequences-mixed" if mixed else _gather_slug(call, right, forked, freed)
        return ""

    return other


def _block_slug(call: dict, right: dict, forked: bool, freed: bool) -> str:
    value = call.get("value")
    if not isinstance(value, int):
        return ""
    fewer = value < right["value"]
    if freed:
        return "free/leaks" if fewer else "free/takes-shared-blocks"
    if forked:
        return "fork/copies-when-alone" if fewer else "fork/no-copy-on-write"
    return "blocks/too-many" if fewer else "blocks/too-few"


def _gather_slug(call: dict, right: dict, forked: bool, freed: bool) -> str:
    value = call.get("value")
    if not isinstance(value, list) or [type(x) for x in value] != [Tensor, Tensor]:
        return ""
    wanted = right["value"][0]
    same_shape = all(x.shape == wanted.shape for x in value)
    pairs = list(zip(value, right["value"], strict=True))
    if same_shape and all(_moved(*pair, partly=freed) for pair in pairs):
        return "gather/wrong-order"
    if freed:
        return "free/takes-shared-blocks"
    if forked and same_shape:
        empty = any((x == 0).all(0).all(-1).any() for x in value)
        return "fork/copy-is-empty" if empty else "fork/table-shared"
    if forked:
        return "fork/wrong-length"
    if value[0].shape != wanted.shape:
        return "gather/wrong-shape"
    first = value[0][0, 0]
    return "append/wrong" if torch.equal(first, wanted[0, 0]) else "append/overwrites"


def _moved(seen: Tensor, wanted: Tensor, partly: bool) -> bool:
    """Whether these are the same tokens in other places; ``partly``: in most that differ."""
    one, other = seen[..., 0], wanted[..., 0]  # the first number of a token tells it from others
    differ = one != other
    if partly:
        return bool(2 * (differ & torch.isin(one, other)).sum() > differ.sum())
    return bool(differ.any()) and torch.equal(one.sort().values, other.sort().values)


def _paged(probe: Callable, calls: list[dict], seed: int) -> Refusal | None:
    return _steps(calls, probe, seed, Pages, PAGED, _paged_other(calls), exact=True)


def paged_append(calls: list[dict], seed: int) -> Refusal | None:
    return _paged(probes.paged_append, calls, seed)


def paged_fork(calls: list[dict], seed: int) -> Refusal | None:
    return _paged(probes.paged_fork, calls, seed)


def paged_free(calls: list[dict], seed: int) -> Refusal | None:
    return _paged(probes.paged_free, calls, seed)


# cache_bytes


def _bytes(lengths, layers, heads, d_head, size=2, block=1):
    return 2 * layers * heads * d_head * size * sum(math.ceil(n / block) * block for n in lengths)


def _ceil(n: int, block: int) -> int:
    return math.ceil(n / block) * block


BYTES = [
    ("bytes/keys-or-values", lambda *a: _bytes(*a) // 2),
    ("bytes/no-layers", lambda n, layers, *a: _bytes(n, 1, *a)),
    ("bytes/no-heads", lambda n, layers, heads, *a: _bytes(n, layers, 1, *a)),
    ("bytes/not-in-bytes", lambda n, la, h, d, size=2, block=1: _bytes(n, la, h, d, 1, block)),
    ("bytes/not-in-bytes", lambda n, la, h, d, size=2, block=1: _bytes(n, la, h, d, 2, block)),
    ("bytes/bits", lambda *a: 8 * _bytes(*a)),
    ("length/longest", lambda n, *a: _bytes([max(n, default=0)] * len(n), *a)),
    ("length/longest", lambda n, *a: _bytes([max(n, default=0)], *a)),
    ("length/squared", lambda n, *a: _bytes([x * x for x in n], *a)),
    ("blocks/not-rounded", lambda n, la, h, d, size=2, block=1: _bytes(n, la, h, d, size)),
    (
        "blocks/rounded-down",
        lambda n, la, h, d, size=2, b=1: _bytes([x // b * b for x in n], la, h, d, size),
    ),
    (
        "blocks/rounded-together",
        lambda n, la, h, d, size=2, b=1: _bytes([_ceil(sum(n), b)], la, h, d, size),
    ),
    (
        "blocks/rounded-to-nearest",
        lambda n, la, h, d, size=2, b=1: _bytes([round(x / b) * b for x in n], la, h, d, size),
    ),
    (
        "blocks/counted-as-tokens",
        lambda n, la, h, d, size=2, b=1: _bytes([math.ceil(x / b) for x in n], la, h, d, size),
    ),
    (
        "blocks/one-too-many",
        lambda n, la, h, d, size=2, b=1: _bytes([(x // b + 1) * b for x in n], la, h, d, size),
    ),
]


SIZES = "lengths n_layers n_kv_heads d_head bytes_per_value block_size"


def _counted(calls: list[dict], inputs: list[tuple]) -> Refusal | None:
    for call, arguments in zip(calls, inputs, strict=True):
        value = call.get("value")
        if isinstance(value, float):
            expected = f"{_bytes(*arguments)} bytes ({_described(SIZES, arguments)})"
            return Refusal("result/not-an-integer", expected, f"{value}")
    refusal = _values(calls, inputs, _bytes, BYTES, SIZES)
    if refusal and refusal.slug == "mutates/input":
        return Refusal("mutates/lengths", "the list of lengths as it was", "another")
    return refusal


def bytes_contiguous(calls: list[dict], seed: int) -> Refusal | None:
    return _counted(calls, probes.bytes_inputs(seed))


def bytes_blocks(calls: list[dict], seed: int) -> Refusal | None:
    return _counted(calls, probes.block_inputs(seed))
