"""Judges of ``03_logit_lens``. Oracles: recorded residual streams through the model's own final
norm and unembedding; PyTorch's ``kl_div``; the words that the inputs were made from.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import LlamaForCausalLM

from course_utils.anatomy import anatomy
from course_utils.checks.judges import common
from course_utils.checks.judges.common import Refusal
from course_utils.checks.probes import logit_lens as probes
from course_utils.hooks import edit, record

TOLERANCE = 1e-3
EMBEDDING = "embedding"
KEYS = ("layer", "top_tokens", "top_token_logits")

READING = {
    "norm/skipped": (
        "The states are unembedded without the final norm: inner logits have another scale.",
        "Each state goes through the final norm exactly once; which entries have been through it?",
    ),
    "norm/twice": (
        "The last entry is normed twice: in hidden_states it has been through the final norm.",
        "The last row has to be the model's own logits. Is it?",
    ),
    "norm/wrong-way-round": (
        "The last state is normed, and the inner ones are not.",
        "In hidden_states it is the other way round: the last entry alone has been normed.",
    ),
    "norm/last-skipped": (
        "The output of the last block is unembedded without the final norm.",
        "A hook on a block sees its output before the final norm, for the last block too.",
    ),
    "norm/without-weights": (
        "The states are normed without the learned weights of the final norm.",
        "Call the module: anatomy(model).final_norm(states).",
    ),
    "norm/of-another-kind": (
        "The norm is written by hand, and of another kind than this model's.",
        "RMSNorm or LayerNorm, with or without a bias: call anatomy(model).final_norm.",
    ),
    "norm/of-a-block": (
        "A norm inside a block is used in place of the final norm.",
        "The one norm behind the last block: anatomy(model).final_norm.",
    ),
    "layers/embedding-missing": (
        "The embedding, what enters block 0, is missing.",
        'The first row is {"layer": "embedding"}; then come the blocks.',
    ),
    "layers/last-missing": (
        "The last block is missing.",
        "There are n_blocks + 1 rows: the embedding and every block.",
    ),
    "layers/off-by-one": (
        "The rows are one block late: a block's row shows what enters it, not its output.",
        "hidden_states[i] is the input of block i; its output is entry i + 1.",
    ),
    "layers/wrong-number": (
        "The result has the wrong number of rows.",
        "n_blocks + 1 rows: the embedding and every block.",
    ),
    "layers/wrong-names": (
        "The readings are right, their layers are misnamed.",
        'The layers are called "embedding", 0, 1, … in this order.',
    ),
    "layers/reversed": (
        "The rows come from the last block to the embedding.",
        "Begin with the embedding.",
    ),
    "position/first": (
        "The lens looks at the first token.",
        "What comes next is said at the last position: index -1.",
    ),
    "position/not-the-last": (
        "The lens does not look at the last position.",
        "What comes next is said at the last position: index -1.",
    ),
    "position/all": (
        "The result holds several positions.",
        "One position, the last: states[0, -1].",
    ),
    "order/ascending": (
        "The tokens come in ascending order.",
        "The likeliest comes first, as torch.topk gives them.",
    ),
    "order/least": (
        "These are the tokens with the smallest logits.",
        "topk takes the largest; argsort begins with the smallest.",
    ),
    "values/probabilities": (
        "These are probabilities, not logits: a softmax came before the top-k.",
        "Take the top-k of the logits themselves.",
    ),
    "values/log-probabilities": (
        "These are log-probabilities, not logits.",
        "Take the top-k of the logits themselves.",
    ),
    "values/half-precision": (
        "The logits are rounded to half precision.",
        "Give them in float32: .float().",
    ),
    "values/of-the-final-layer": (
        "Every row shows the last layer.",
        "Which state does your loop unembed?",
    ),
    "values/wrong-number": (
        "A row does not have top_k entries.",
        "Use top_k, and nothing in its place.",
    ),
    "unembedding/embedding-matrix": (
        "The embedding's matrix is used to unembed; this model's unembedding has its own.",
        "anatomy(model).unembedding is the module: call it.",
    ),
    "states/part-of-a-block": (
        "What a part of the block adds is unembedded, not the residual stream.",
        "Use the block's output: the stream after attention and MLP have been added.",
    ),
    "states/change-alone": (
        "What the block adds is unembedded, not the residual stream.",
        "The lens reads the whole stream, what came before included.",
    ),
    "embedding/no-positions": (
        "The embedding row lacks the positions that this model adds to its tokens.",
        "Take what enters block 0: a forward pre-hook on it, or hidden_states[0].",
    ),
    "tokens/joined": (
        "The tokens are decoded together, as one text.",
        "Decode one by one: [tokenizer.decode(i) for i in ids].",
    ),
    "tokens/ids": ("top_tokens holds token ids, not text.", "tokenizer.decode(id) gives the text."),
    "tokens/raw": (
        "These are the tokenizer's inner names of the tokens.",
        'tokenizer.decode(id) gives " cat" where the inner name is "Ġcat".',
    ),
    "tokens/stripped": (
        "Spaces were taken off the tokens.",
        "A space belongs to its token: leave out strip().",
    ),
    "tokens/special-skipped": (
        "Special tokens are left out of the text: one that leads shows as nothing.",
        "tokenizer.decode(id), without skip_special_tokens.",
    ),
    "input/special-tokens": (
        "The text is read without the special token that this tokenizer begins every text with.",
        "tokenizer(text), without add_special_tokens=False.",
    ),
    "tokens/of-another-row": (
        "The logits are right, but the tokens are not those that have them.",
        "topk gives values and indices: decode the indices of the same row.",
    ),
    "architecture/one-only": (
        "It works for some models only: the parts have other names in this one.",
        "anatomy(model) has blocks, final_norm, unembedding and embed, whatever they are called.",
    ),
    "result/other-keys": (
        "A row is not a dict with the three keys.",
        f"Give each row {', '.join(KEYS)}.",
    ),
}
HOOKS = {
    "hooks/none": (
        "The states come from output_hidden_states, not from hooks of your own.",
        "anatomy(model).blocks[i].register_forward_hook(function) sees the output of block i.",
    ),
    "architecture/tuples": (
        "It fails where a block returns a tuple, whose first item is the state.",
        "output[0] if isinstance(output, tuple) else output: a tensor's [0] is row 0 of the batch.",
    ),
    "hooks/replaces-output": (
        "Your hook returns something, and that replaces the block's output.",
        "Append to a list and return nothing.",
    ),
    "hooks/left-behind": (
        "Hooks of yours stay on the model: they run at every later pass.",
        "register_forward_hook returns a handle: call its remove().",
    ),
    "hooks/left-after-error": (
        "After a pass that ends in an error, or by Ctrl-C, hooks of yours stay on the model.",
        "Remove them in finally: it is run however the pass ends.",
    ),
    "hooks/others-removed": (
        "Hooks that were there before are gone; transformers' own hidden_states need theirs.",
        "Remove your own handles, one by one; never clear _forward_hooks.",
    ),
    "hooks/error-swallowed": (
        "The pass ended in an error, and your function says nothing about it.",
        "try … finally, without except: the error goes on to the caller.",
    ),
}
SENTENCES = {
    "logit_lens.logit_lens": READING,
    "logit_lens.by_hooks": READING | HOOKS,
    "logit_lens.first_block": {
        "stays/first-lead": (
            "This is the first block at which the answer leads, though it loses the lead again.",
            "From that block on it has to lead at every block: look from the end.",
        ),
        "stays/count": (
            "This is counted from how many blocks the answer leads at, wherever they lie.",
            "Only the blocks at the end, in one piece, count.",
        ),
        "stays/longest-run": (
            "This is where the longest run begins, wherever it lies.",
            "The run that counts is the one that ends at the last block.",
        ),
        "never/zero": (
            "Where the answer does not lead at the end, the result is 0, a block.",
            "argmax of nothing but False is 0. Give the number of blocks there.",
        ),
        "never/minus-one": (
            "Where the answer does not lead at the end, the result is -1.",
            "Give the number of blocks there: one more than the last block.",
        ),
        "never/last-block": (
            "Where the answer does not lead at the end, the result is the last block.",
            "Give the number of blocks there: one more than the last block.",
        ),
        "never/earlier-lead": (
            "The answer does not lead at the last block, and still a block is given.",
            "Whoever loses the lead at the end has no such block: give the number of blocks.",
        ),
        "never/none": (
            "Where the answer does not lead at the end, the result is no number.",
            "Give the number of blocks there.",
        ),
        "index/off-by-one": (
            "The block is one off.",
            "Blocks count from 0; the row of logits is the block's number.",
        ),
        "index/from-the-end": (
            "The block is counted from the end.",
            "After flip, index 0 is the last block.",
        ),
        "index/number-of-leads": (
            "This is how many blocks the answer leads at to the end, not the first of them.",
            "n_blocks minus that number.",
        ),
        "index/number-of-prompts": (
            "The number of prompts stands in the place of the number of blocks.",
            "logits is [block, batch, vocab]: len(logits) is the number of blocks.",
        ),
        "index/block-0-missing": (
            "An answer that leads at every block gets block 1: block 0 is never looked at.",
            "range(n - 1, 0, -1) ends at 1; range(n - 1, -1, -1) and reversed(range(n)) reach 0.",
        ),
        "leads/in-the-top": (
            "The answer counts as leading where it is only near the top.",
            "It leads where its logit is the largest: argmax over the vocabulary.",
        ),
        "leads/from-the-last-token": (
            "The token that leads at the end is looked for, not the answer.",
            "Compare the argmax with answers.",
        ),
        "leads/positive": (
            "The answer counts as leading where its logit passes a threshold.",
            "It leads where no token has a larger logit.",
        ),
        "batch/first-row": (
            "The first row's result stands for every row.",
            "Each prompt has an answer and a block of its own.",
        ),
        "batch/squeezed": (
            "A dimension of size 1 is lost.",
            "squeeze() without a dimension drops the batch when there is one prompt.",
        ),
        "batch/summed": (
            "The rows are put together into one number.",
            "Reduce over the blocks, dim=0, and keep the batch.",
        ),
    },
    "logit_lens.kl_curve": {
        "direction/reversed": (
            "This is KL(layer ‖ final), the other direction.",
            "The final distribution is the weight: sum of p_final · (log p_final − log p_layer).",
        ),
        "direction/both": (
            "Both directions are averaged.",
            "KL has one direction here: from the final distribution to the layer's.",
        ),
        "reference/previous-layer": (
            "Each layer is compared with another one than the last.",
            "The final distribution is that of logits[-1], for every layer.",
        ),
        "reference/first-layer": (
            "The layers are compared with the first one.",
            "The final distribution is that of logits[-1].",
        ),
        "logs/missing": (
            "Probabilities stand where logarithms belong.",
            "F.kl_div wants the log-probabilities of the layer as its input.",
        ),
        "logs/of-logits": (
            "Logits stand where log-probabilities belong.",
            "log_softmax turns logits into log-probabilities.",
        ),
        "logs/unstable": (
            "Large logits give inf or nan: a probability is rounded to 0 before its logarithm.",
            "log_softmax computes the logarithm in one step.",
        ),
        "logs/smoothed": (
            "A small number is added before the logarithm, and it shows with large logits.",
            "log_softmax needs no such help.",
        ),
        "entropy/forgotten": (
            "This is the cross-entropy: the final layer's own entropy is missing.",
            "KL is 0 at the last layer. Is yours?",
        ),
        "entropy/instead": (
            "This is an entropy of each layer, which knows nothing of the final one.",
            "KL compares two distributions.",
        ),
        "unit/bits": ("This is in bits.", "Nats: the natural logarithm."),
        "sign/negative": ("The sign is the wrong way round.", "KL is never negative."),
        "sum/mean": (
            "The vocabulary is averaged, not summed.",
            "The weights p_final add up to 1 already: sum over the last dimension.",
        ),
        "sum/over-everything": (
            "Positions are put together.",
            "Reduce over the vocabulary alone: dim=-1.",
        ),
        "sum/missing": (
            "The vocabulary is still there.",
            "Sum over the last dimension.",
        ),
        "dim/not-the-vocabulary": (
            "The softmax runs over another dimension than the vocabulary.",
            "The vocabulary is the last one: dim=-1.",
        ),
        "dim/three-only": (
            "It works for logits of three dimensions only.",
            "Any batch shape: index the first dimension and the last one, logits[-1] and dim=-1.",
        ),
        "distance/other": (
            "This is another distance between the two distributions.",
            "KL: sum of p_final · (log p_final − log p_layer).",
        ),
        "layers/last-missing": (
            "The last layer is left out.",
            "It belongs to the curve, and its KL is 0.",
        ),
    },
    "logit_lens.translator": {
        "residual/change-alone": (
            "Before training the output is 0: the state itself is missing.",
            "Residual form: states + change(states).",
        ),
        "residual/twice": (
            "Before training the output is twice the state.",
            "Where the state is added, the learned map has to begin with zeros.",
        ),
        "residual/not-the-identity": (
            "Before training the translator changes the states: training would have to find the "
            "plain lens first.",
            "Set the weight and the bias of the change to zeros.",
        ),
        "affine/no-bias": (
            "The map has no bias, or a bias that is not learned.",
            "x + W x + b: nn.Linear has a bias unless told otherwise.",
        ),
        "affine/diagonal": (
            "Each dimension is translated by itself.",
            "W is a matrix, d_model × d_model.",
        ),
        "affine/nonlinear": ("The map is not affine.", "x + W x + b, and nothing behind it."),
        "affine/no-parameters": (
            "The translator has no parameters that could be trained.",
            "nn.Linear or nn.Parameter, as attributes of the module.",
        ),
        "loss/reversed": (
            "This is KL(translated ‖ final), the other direction.",
            "The final distribution is the weight.",
        ),
        "loss/not-translated": (
            "The loss is that of the states themselves, not of their translation.",
            "unembed(self(states)).",
        ),
        "loss/cross-entropy": (
            "This is the cross-entropy: the same gradients, but not the KL.",
            "Subtract the entropy of the final distribution.",
        ),
        "loss/hard-target": (
            "The target is the likeliest token alone.",
            "The target is the whole final distribution, softmax of final_logits.",
        ),
        "loss/squared-error": (
            "This is a squared error.",
            "The two distributions are compared by KL.",
        ),
        "loss/no-logarithm": (
            "Probabilities or logits stand where log-probabilities belong.",
            "log_softmax on both sides.",
        ),
        "loss/summed": (
            "The rows are summed.",
            "Mean over all rows, whatever their shape.",
        ),
        "loss/wrong-mean": (
            "The sum is divided by the wrong number.",
            "Sum over the vocabulary, mean over the rows: reduction batchmean counts dimension 0 "
            "alone, mean counts the vocabulary too.",
        ),
        "loss/negative": ("The sign is the wrong way round.", "KL is never negative."),
        "loss/detached": (
            "The loss is cut off from the parameters: nothing could be trained by it.",
            "No item(), no detach(), no torch.no_grad() on the way.",
        ),
        "fit/no-training": (
            "fit runs no backward pass.",
            "loss.backward(), then optimizer.step(), steps times.",
        ),
        "fit/no-step": (
            "After fit the translator is as it was before.",
            "Does the optimizer have the parameters, and is step() called?",
        ),
        "fit/gradients-accumulate": (
            "Gradients of earlier steps are added to each new one.",
            "optimizer.zero_grad() before backward().",
        ),
        "fit/new-optimizer-each-step": (
            "Each step has an optimizer of its own: what Adam has learned about the gradients is "
            "lost every time.",
            "Make the optimizer once, before the loop.",
        ),
        "fit/wrong-number-of-steps": (
            "fit does not take the number of steps it was asked for.",
            "One batch, one step; `steps` of them.",
        ),
        "fit/wrong-batch": (
            "A step does not use batch_size rows.",
            "rows = torch.randint(len(states), (batch_size,)); then states[rows], "
            "final_logits[rows].",
        ),
        "fit/in-order": (
            "The rows are taken in the order in which they stand, not drawn at random.",
            "Neighbors come from one text: torch.randint(len(states), (batch_size,)).",
        ),
        "fit/weight-decay": (
            "The optimizer pulls the parameters towards 0.",
            "Adam without weight decay: torch.optim.Adam, not AdamW.",
        ),
        "fit/does-not-learn": (
            "After fit the translator is not near enough to the final distribution, on new states.",
            "Is the loss minimized, on many different rows, with the learning rate given?",
        ),
        "fit/trains-the-model": (
            "The model's own parameters are trained along.",
            "Give the optimizer self.parameters() alone.",
        ),
        "mutates/states": (
            "What it is given is changed.",
            "states + change, not states += change.",
        ),
    },
}


# What the lens shows


class Seen:
    """A request's model, run once: everything that a reading could be made of."""

    def __init__(self, request: probes.Request):
        self.request, self.model = request, request.model
        self.parts = anatomy(request.model)
        self.k = request.options.get("top_k", 5)
        blocks = range(len(self.parts.blocks))
        sites = [(kind, i) for kind in ("block", "attention", "mlp") for i in blocks]
        with torch.no_grad(), record(self.model, sites) as activations:
            self.model(request.ids)
        self.embedding = self.parts.embed(request.ids)[0]
        self.blocks = [activations["block", i][0] for i in blocks]
        self.attentions = [activations["attention", i][0] for i in blocks]
        self.mlps = [activations["mlp", i][0] for i in blocks]

    @cached_property
    def without_specials(self) -> Seen:
        """The same model on the text alone."""
        return Seen(replace(self.request, begins=False))

    @property
    def streams(self) -> list[Tensor]:
        return [self.embedding, *self.blocks]

    def norm(self, x: Tensor) -> Tensor:
        return self.parts.final_norm(x)

    def unembed(self, x: Tensor) -> Tensor:
        return self.parts.unembedding(x)

    def bare_norm(self, x: Tensor) -> Tensor:
        if hasattr(self.parts.final_norm, "bias"):
            return F.layer_norm(x, x.shape[-1:])
        return F.rms_norm(x, x.shape[-1:], eps=1e-6)

    def other_norm(self, x: Tensor) -> Tensor:
        """LayerNorm where the model has RMSNorm, and the other way round, with its weight."""
        norm = self.parts.final_norm
        if hasattr(norm, "bias"):
            return F.rms_norm(x, x.shape[-1:], norm.weight, eps=1e-6)
        return F.layer_norm(x, x.shape[-1:], norm.weight)

    def block_norm(self, i: int) -> Callable[[Tensor], Tensor]:
        """The first norm of a block."""
        block = self.parts.blocks[i]
        return getattr(block, "input_layernorm", None) or block.ln_1

    def entries(self) -> list[Tensor]:
        """transformers' hidden_states."""
        return [*self.streams[:-1], self.norm(self.blocks[-1])]

    @cached_property
    def logits(self) -> list[Tensor]:
        """What is right, for the whole vocabulary."""
        return [self.unembed(self.norm(x))[-1] for x in self.streams]


def _rows(seen: Seen, states: list[Tensor], norm: Callable | None = None) -> list[Tensor]:
    """Logits at the last position of each of the states, through a norm."""
    norm = norm or seen.norm
    return [seen.unembed(norm(x))[-1] for x in states]


def _plain(x: Tensor) -> Tensor:
    return x


def _own_norms(s: Seen) -> list[Tensor]:
    """Each state through the norm of the block that it enters, the last through the final one."""
    inner = [s.unembed(s.block_norm(i)(x))[-1] for i, x in enumerate(s.streams[:-1])]
    return [*inner, s.logits[-1]]


def _no_positions(s: Seen) -> list[Tensor]:
    tokens = s.parts.embedding(s.request.ids)[0]
    return [*_rows(s, [tokens]), *s.logits[1:]]


def _embedding_matrix(s: Seen) -> list[Tensor]:
    return [(s.norm(x) @ s.parts.embedding.weight.T)[-1] for x in s.streams]


def _at(position: Callable[[Tensor], Tensor]) -> Callable[[Seen], list[Tensor]]:
    return lambda s: [s.unembed(s.norm(position(x))) for x in s.streams]


def _changes(s: Seen) -> list[Tensor]:
    pairs = zip(s.streams, s.streams[1:], strict=False)
    return [s.logits[0], *_rows(s, [after - before for before, after in pairs])]


def _replaced(s: Seen) -> list[Tensor]:
    """The blocks' outputs where each is normed before it goes on."""
    sites = [("block", i) for i in range(len(s.blocks))]
    normed = {site: lambda stream, positions: s.norm(stream) for site in sites}
    with torch.no_grad(), edit(s.model, normed), record(s.model, sites) as activations:
        s.model(s.request.ids)
    return [activations[site][0] for site in sites]


# What was read instead: logits over the vocabulary, a row for each layer
READINGS: list[tuple[str, Callable[[Seen], list[Tensor]]]] = [
    ("norm/skipped", lambda s: _rows(s, s.entries(), _plain)),
    ("norm/skipped", lambda s: _rows(s, s.streams, _plain)),
    ("norm/twice", lambda s: _rows(s, s.entries())),
    ("norm/twice", lambda s: _rows(s, s.streams, lambda x: s.norm(s.norm(x)))),
    (
        "norm/wrong-way-round",
        lambda s: [
            *_rows(s, s.entries()[:-1], _plain),
            *_rows(s, s.entries()[-1:]),
        ],
    ),
    ("norm/last-skipped", lambda s: [*s.logits[:-1], *_rows(s, s.blocks[-1:], _plain)]),
    ("norm/without-weights", lambda s: _rows(s, s.streams, s.bare_norm)),
    (
        "norm/without-weights",
        lambda s: [*_rows(s, s.streams[:-1], s.bare_norm), s.logits[-1]],
    ),
    ("norm/of-another-kind", lambda s: _rows(s, s.streams, s.other_norm)),
    ("norm/of-another-kind", lambda s: [*_rows(s, s.streams[:-1], s.other_norm), s.logits[-1]]),
    ("norm/of-a-block", lambda s: _rows(s, s.streams, s.block_norm(0))),
    ("norm/of-a-block", lambda s: [*_rows(s, s.streams[:-1], s.block_norm(0)), s.logits[-1]]),
    ("norm/of-a-block", lambda s: _rows(s, s.entries(), s.block_norm(0))),
    ("norm/of-a-block", lambda s: _rows(s, s.streams, s.block_norm(-1))),
    ("norm/of-a-block", _own_norms),
    ("layers/embedding-missing", lambda s: s.logits[1:]),
    ("layers/embedding-missing", lambda s: _rows(s, s.entries()[1:])),
    ("layers/embedding-missing", lambda s: _rows(s, s.entries()[1:], _plain)),
    ("layers/last-missing", lambda s: s.logits[:-1]),
    ("layers/last-missing", lambda s: _rows(s, s.streams[:-1], _plain)),
    ("layers/off-by-one", lambda s: [s.logits[0], *s.logits[:-1]]),
    ("layers/off-by-one", lambda s: [*s.logits[1:], s.logits[-1]]),
    ("layers/off-by-one", lambda s: [*s.logits[1:], *_rows(s, s.entries()[-1:])]),
    ("layers/reversed", lambda s: s.logits[::-1]),
    ("position/first", _at(lambda x: x[0])),
    ("position/not-the-last", _at(lambda x: x[-2] if len(x) > 1 else x[-1])),
    ("position/not-the-last", _at(lambda x: x.mean(0))),
    (
        "position/not-the-last",
        lambda s: [*_at(lambda x: x.mean(0))(s)[:-1], s.unembed(s.entries()[-1].mean(0))],
    ),
    ("position/not-the-last", _at(lambda x: x[1] if len(x) > 1 else x[-1])),
    ("input/special-tokens", lambda s: s.without_specials.logits),
    ("values/of-the-final-layer", lambda s: [s.logits[-1]] * len(s.logits)),
    ("unembedding/embedding-matrix", _embedding_matrix),
    ("states/part-of-a-block", lambda s: [s.logits[0], *_rows(s, s.mlps)]),
    ("states/part-of-a-block", lambda s: [s.logits[0], *_rows(s, s.attentions)]),
    ("states/change-alone", _changes),
    ("embedding/no-positions", _no_positions),
    ("hooks/replaces-output", lambda s: [s.logits[0], *_rows(s, _replaced(s), _plain)]),
    ("hooks/replaces-output", lambda s: [s.logits[0], *_rows(s, _replaced(s))]),
]
# What was made of right logits, and taken the top of
VALUES: list[tuple[str, Callable[[Tensor, int], Tensor]]] = [
    ("order/ascending", lambda z, k: z.topk(k).values.flip(0)),
    ("order/least", lambda z, k: z.topk(k, largest=False).values),
    ("order/least", lambda z, k: z.topk(k, largest=False).values.flip(0)),
    ("values/probabilities", lambda z, k: z.softmax(-1).topk(k).values),
    ("values/probabilities", lambda z, k: z.topk(k).values.softmax(-1)),
    ("values/log-probabilities", lambda z, k: z.log_softmax(-1).topk(k).values),
    ("values/wrong-number", lambda z, k: z.topk(5).values),
]


def lens_layers(calls: list[dict], seed: int) -> Refusal | None:
    return _lens(calls, probes.gated_requests(seed))


def lens_architectures(calls: list[dict], seed: int) -> Refusal | None:
    return _lens(calls, probes.other_requests(seed))


def lens_top_k(calls: list[dict], seed: int) -> Refusal | None:
    return _lens(calls, probes.top_k_requests(seed))


def hooks_layers(calls: list[dict], seed: int) -> Refusal | None:
    if any(call["asked"] for call in calls):
        return Refusal("hooks/none", "hooks on the blocks", "output_hidden_states=True")
    return _lens(calls, probes.gated_requests(seed, 311))


def hooks_architectures(calls: list[dict], seed: int) -> Refusal | None:
    return _lens(calls, probes.hooked_requests(seed))


def _lens(calls: list[dict], requests: list[probes.Request]) -> Refusal | None:
    for call, request in zip(calls, requests, strict=True):
        if refusal := _malformed(call, request):
            return refusal
    seen = [Seen(request) for request in requests]
    given = [[_numbers(row["top_token_logits"]) for row in call["value"]] for call in calls]
    wrong = [i for i, s in enumerate(seen) if not _equal(given[i], _top(s, s.logits))]
    if wrong:
        return _misread([seen[i] for i in wrong], [given[i] for i in wrong])
    for call, s in zip(calls, seen, strict=True):
        if refusal := _mistokened(call["value"], s):
            return refusal
    for call, s in zip(calls, seen, strict=True):
        names = [EMBEDDING, *range(len(s.blocks))]
        layers = [row["layer"] for row in call["value"]]
        if layers != names or any(isinstance(x, bool | float) for x in layers):
            return Refusal("layers/wrong-names", f"{names}", f"{layers}")
    return None


def _malformed(call: dict, request: probes.Request) -> Refusal | None:
    """A refusal for what is no list of rows with the three keys and numbers among them."""
    n = len(anatomy(request.model).blocks) + 1
    expected = f"a list of {n} dicts for a {type(request.model).__name__}"
    if call["outcome"] == "raised":
        slug = "architecture/one-only" if _lacks_a_part(call, request) else ""
        slug = "architecture/tuples" if request.tuples else slug
        refusal = common.raised(call, expected)
        return replace(refusal, slug=slug) if slug else refusal
    value = call["value"]
    if not isinstance(value, list):
        refusal = common.wrong_type(value, expected)
        return refusal or Refusal("result/wrong-type", expected, "a tensor")
    for number, row in enumerate(value):
        if not isinstance(row, dict) or not set(KEYS) <= set(row):
            seen = f"{list(row)[:6]}" if isinstance(row, dict) else f"{type(row).__name__}"
            return Refusal("result/other-keys", f"{list(KEYS)} in row {number}", seen)
        logits = row["top_token_logits"]
        several = isinstance(logits, list) and any(isinstance(x, Tensor | list) for x in logits)
        if request.tuples and (several or (isinstance(logits, Tensor) and logits.dim() > 1)):
            return Refusal("architecture/tuples", "one row of numbers", "rows of rows")
        if isinstance(logits, Tensor) and logits.dim() > 1 and len(logits) == 1:
            seen = f"shape {list(logits.shape)}"
            return Refusal("shape/wrong", f"one dimension in row {number}", seen)
        if several or (isinstance(logits, Tensor) and logits.dim() > 1):
            return Refusal("position/all", "one row of numbers", "rows of rows")
        if isinstance(logits, Tensor) and logits.dtype in (torch.float16, torch.bfloat16):
            return Refusal("values/half-precision", "logits in float32", f"{logits.dtype}")
        if _numbers(logits) is None:
            seen = common.wrong_type(logits, "")
            return Refusal(
                "result/wrong-type",
                f"numbers as top_token_logits of row {number}",
                seen.seen if seen else "a tensor of another kind",
            )
    return None


def _lacks_a_part(call: dict, request: probes.Request) -> bool:
    """Whether the answer asked a part of the model for what it has only in other models, or has
    no branch for this one."""
    owner = re.match(r"'(\w+)' object has no attribute", call["text"])
    parts = {type(module).__name__ for module in request.model.modules()}
    if call["error"] == "AttributeError" and owner:
        return owner[1] in parts
    return call["error"] == "UnboundLocalError" and not isinstance(request.model, LlamaForCausalLM)


def _numbers(value: object) -> Tensor | None:
    if isinstance(value, Tensor) and value.is_floating_point():
        return value.reshape(-1).double()
    if isinstance(value, float):
        return torch.tensor([value]).double()
    if isinstance(value, list) and all(type(x) in (int, float) for x in value):
        return torch.tensor(value).double()
    return None


def _top(seen: Seen, logits: list[Tensor], take: Callable | None = None) -> list[Tensor]:
    take = take or (lambda z, k: z.topk(k).values)
    return [take(z, seen.k).double() for z in logits]


def _equal(given: list[Tensor], other: list[Tensor]) -> bool:
    return len(given) == len(other) and all(
        common.close(one, two, TOLERANCE) for one, two in zip(given, other, strict=True)
    )


def _misread(seen: list[Seen], given: list[list[Tensor]]) -> Refusal:
    """The refusal for wrong numbers: the first candidate that gives them in all the wrong calls."""
    slug = _explained(seen, given)
    right = _top(seen[0], seen[0].logits)
    if len(given[0]) != len(right):
        expected = f"{len(right)} rows for {len(seen[0].blocks)} blocks"
        return Refusal(slug or "layers/wrong-number", expected, f"{len(given[0])} rows")
    names = [EMBEDDING, *range(len(right))]
    row = next(i for i in range(len(right)) if not _equal(given[0][i : i + 1], right[i : i + 1]))
    where = f"layer {names[row]}"
    if given[0][row].shape != right[row].shape:
        expected = f"{len(right[row])} logits ({where})"
        return Refusal(slug or "values/wrong-number", expected, f"{len(given[0][row])}")
    expected = f"{common.numbers(right[row])} ({where})"
    return Refusal(slug or "value/wrong", expected, common.numbers(given[0][row]))


def _explained(seen: list[Seen], given: list[list[Tensor]]) -> str:
    pairs = list(zip(seen, given, strict=True))
    for slug, take in VALUES:
        if all(_equal(g, _top(s, s.logits, take)) for s, g in pairs):
            return slug
    for slug, logits in READINGS:
        if all(_equal(g, _top(s, logits(s))) for s, g in pairs):
            return slug
    return ""


def _mistokened(rows: list[dict], seen: Seen) -> Refusal | None:
    """The first row whose tokens are not those of its logits, decoded one by one."""
    tokenizer = probes.tokenizer()
    for row, logits in zip(rows, seen.logits, strict=True):
        top = logits.topk(seen.k)
        ids, tokens = top.indices.tolist(), row["top_tokens"]
        right = [tokenizer.decode(i) for i in ids]
        if tokens == right or _tied(tokens, logits, top.values):
            continue
        if isinstance(tokens, str) or tokens == [tokenizer.decode(ids)]:
            slug = "tokens/joined"
        elif isinstance(tokens, Tensor) or tokens == ids:
            slug = "tokens/ids"
        elif tokens == tokenizer.convert_ids_to_tokens(ids):
            slug = "tokens/raw"
        elif tokens == [tokenizer.decode(i, skip_special_tokens=True) for i in ids]:
            slug = "tokens/special-skipped"
        elif tokens == [token.strip() for token in right]:
            slug = "tokens/stripped"
        elif isinstance(tokens, list) and tokens == right[::-1]:
            slug = "order/ascending"
        elif isinstance(tokens, list) and len(tokens) != len(right):
            slug = "values/wrong-number"
        elif isinstance(tokens, list) and all(isinstance(token, str) for token in tokens):
            slug = "tokens/of-another-row"
        else:
            slug = "result/wrong-type"
        seen_tokens = "token ids" if isinstance(tokens, Tensor) else f"{tokens}"
        return Refusal(slug, f"{right} (layer {row['layer']})", common.excerpt(seen_tokens))
    return None


def _tied(tokens: object, logits: Tensor, wanted: Tensor) -> bool:
    """Whether each token has, within rounding, the logit of its place."""
    if not isinstance(tokens, list) or len(tokens) != len(wanted):
        return False
    decode = probes.tokenizer().decode
    near = ((logits - value).abs() < TOLERANCE for value in wanted)
    return all(
        token in [decode(i) for i in places.nonzero().flatten().tolist()]
        for token, places in zip(tokens, near, strict=True)
    )


def hooks_left(calls: list[dict], seed: int) -> Refusal | None:
    """The hooks alone: what is read is another case."""
    (call,) = calls
    if call["outcome"] == "raised":
        return common.raised(call, "no error")
    if call["lost"]:
        return Refusal("hooks/others-removed", "every hook still there", f"{call['lost']} gone")
    if call["left"]:
        return Refusal("hooks/left-behind", "no hook more than before", f"{call['left']} more")
    return None


def hooks_after_error(calls: list[dict], seed: int) -> Refusal | None:
    for call in calls:
        if call["left"]:
            return Refusal(
                "hooks/left-after-error", "no hook more than before", f"{call['left']} more"
            )
        if call["outcome"] != "raised":
            return Refusal("hooks/error-swallowed", "the error of the pass", "none")
    return None


# first_leading_block


def _first(leads: Tensor) -> Tensor:
    """The first True along dimension 0; its length where there is none."""
    found = torch.cat([leads, torch.ones_like(leads[:1])])
    return found.int().argmax(0)


def _leading(logits: Tensor, answers: Tensor) -> Tensor:
    return logits.argmax(-1) == answers


def _staying(leads: Tensor) -> Tensor:
    """By definition, block by block: all that follow lead."""
    return torch.stack([leads[block:].all(0) for block in range(len(leads))])


def _settled(logits: Tensor, answers: Tensor) -> Tensor:
    return _first(_staying(_leading(logits, answers)))


def _of_leads(change: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda logits, answers: change(_leading(logits, answers))


def _else(value: Callable[[int], int]) -> Callable[[Tensor, Tensor], Tensor]:
    """The right block, and another value where there is none."""

    def block(logits: Tensor, answers: Tensor) -> Tensor:
        right, n = _settled(logits, answers), len(logits)
        return torch.where(right == n, value(n), right)

    return block


def _near_the_top(k: int) -> Callable[[Tensor, Tensor], Tensor]:
    def block(logits: Tensor, answers: Tensor) -> Tensor:
        top = logits.topk(min(k, logits.shape[-1])).indices
        return _first(_staying((top == answers[:, None]).any(-1)))

    return block


def _above(threshold: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    def block(logits: Tensor, answers: Tensor) -> Tensor:
        own = threshold(logits).gather(-1, answers.expand(len(logits), -1)[..., None])[..., 0]
        return _first(_staying(own > 0))

    return block


def _longest_run(leads: Tensor) -> Tensor:
    starts = []
    for row in leads.T.tolist():
        runs = [(i, j) for i in range(len(row)) for j in range(i, len(row)) if all(row[i : j + 1])]
        starts.append(max(runs, key=lambda run: run[1] - run[0])[0] if runs else len(row))
    return torch.tensor(starts)


def _first_row(logits: Tensor, answers: Tensor) -> Tensor:
    return _settled(logits, answers)[:1].expand(len(answers))


def _final_token(logits: Tensor, answers: Tensor) -> Tensor:
    return _settled(logits, logits[-1].argmax(-1))


def _last_change(leads: Tensor) -> Tensor:
    """The last block that does not lead, 0 where there is none."""
    numbers = torch.arange(len(leads))[:, None]
    return torch.where(leads, 0, numbers).amax(0)


def _few_blocks(logits: Tensor, answers: Tensor) -> Tensor:
    """A loop from the last block on that takes the number of prompts for that of blocks."""
    leads, n = _leading(logits, answers), logits.shape[1]
    return n - leads[:n].flip(0).cumprod(0).sum(0)


BLOCKS: list[tuple[str, Callable]] = [
    ("batch/squeezed", lambda z, a: _settled(z, a).squeeze()),
    ("never/zero", _else(lambda n: 0)),
    ("never/minus-one", _else(lambda n: -1)),
    ("never/last-block", _else(lambda n: n - 1)),
    ("stays/first-lead", _of_leads(_first)),
    ("stays/first-lead", _of_leads(lambda leads: leads.int().argmax(0))),
    (
        "stays/first-lead",
        _of_leads(lambda leads: torch.where(leads[-1], _first(leads), len(leads))),
    ),
    ("stays/count", _of_leads(lambda leads: len(leads) - leads.sum(0))),
    ("stays/count", _of_leads(lambda leads: leads.sum(0))),
    ("stays/longest-run", _of_leads(_longest_run)),
    ("index/number-of-prompts", lambda z, a: z.shape[1] - len(z) + _settled(z, a)),
    ("index/number-of-prompts", _few_blocks),
    ("index/block-0-missing", lambda z, a: _settled(z, a).clamp(min=1)),
    ("index/off-by-one", lambda z, a: _settled(z, a) + 1),
    ("index/off-by-one", lambda z, a: _settled(z, a) - 1),
    ("index/off-by-one", _of_leads(lambda leads: _last_change(leads))),
    ("index/from-the-end", lambda z, a: len(z) - 1 - _settled(z, a)),
    ("index/from-the-end", _of_leads(lambda leads: _first(leads.flip(0)))),
    ("index/number-of-leads", lambda z, a: len(z) - _settled(z, a)),
    ("leads/from-the-last-token", _final_token),
    *(("leads/in-the-top", _near_the_top(k)) for k in (2, 3, 5)),
    ("leads/positive", _above(lambda z: z)),
    ("leads/positive", _above(lambda z: z.softmax(-1) - 0.5)),
    ("leads/positive", _above(lambda z: z.softmax(-1) - 0.1)),
    ("batch/first-row", _first_row),
    ("batch/first-row", lambda z, a: _settled(z, a)[:1]),
    ("batch/first-row", lambda z, a: _settled(z, a)[0]),
    ("batch/first-row", lambda z, a: _settled(z, a[:1].expand(len(a)))),
    ("batch/summed", lambda z, a: _settled(z, a).max()),
    ("batch/summed", _of_leads(lambda leads: _first(_staying(leads.all(1)))[None][0])),
    ("batch/summed", _of_leads(lambda leads: _first(_staying(leads.any(1))))),
]


def first_block_stays(calls: list[dict], seed: int) -> Refusal | None:
    return _block(calls, probes.staying_inputs(seed))


def first_block_never(calls: list[dict], seed: int) -> Refusal | None:
    refusal = _block(calls, probes.never_inputs(seed))
    if refusal and refusal.slug == "stays/first-lead":
        return Refusal("never/earlier-lead", refusal.expected, refusal.seen)
    return refusal


def first_block_small(calls: list[dict], seed: int) -> Refusal | None:
    return _block(calls, probes.small_inputs(seed))


def _block(calls: list[dict], inputs: list[tuple]) -> Refusal | None:
    for call in calls:
        value = call.get("value")
        if isinstance(value, list) and any(x is None for x in value):
            return Refusal("never/none", "a number for each row", "None among them")
        if isinstance(value, Tensor) and value.is_floating_point() and value.isfinite().all():
            call["value"] = value.round().long() if torch.equal(value, value.round()) else value
        if type(value) is int:
            call["value"] = torch.tensor(value)
    return _tensors(calls, inputs, _settled, BLOCKS)


def _tensors(
    calls: list[dict], inputs: list[tuple], right: Callable, candidates: list, tolerance=TOLERANCE
) -> Refusal | None:
    """Compare tensors with the right ones; name the misconception."""
    wanted = [right(*arguments) for arguments in inputs]
    given = [{"outcome": "returned", "value": value} for value in wanted]
    wrong = [i for i, call in enumerate(calls) if not common.same(call, given[i], tolerance)]
    if not wrong:
        return common.mutation(calls)
    first = wrong[0]
    slug = common.explain(calls, wrong, inputs, candidates, tolerance)
    plain = _tensor_refusal(calls[first], wanted[first], list(inputs[first][0].shape), tolerance)
    return Refusal(slug or plain.slug, plain.expected, plain.seen)


def _tensor_refusal(call: dict, wanted: Tensor, shape: list[int], tolerance: float) -> Refusal:
    where = f"for logits of shape {shape}"
    expected = f"shape {list(wanted.shape)} {where}"
    if call["outcome"] == "raised":
        return common.raised(call, expected)
    if refusal := common.wrong_type(call["value"], expected):
        return refusal
    value = call["value"]
    if value.shape != wanted.shape:
        return Refusal("shape/wrong", expected, f"shape {list(value.shape)}")
    if value.is_floating_point() != wanted.is_floating_point():
        slug = "value/not-floating" if wanted.is_floating_point() else "result/wrong-type"
        return Refusal(slug, f"numbers like {common.numbers(wanted)}", common.numbers(value))
    slug = "value/nan" if value.isnan().any() else "value/wrong"
    expected, seen = common.difference(wanted, value, tolerance)
    return Refusal(slug, f"{expected} {where}", seen)


# kl_to_final


def _kl(p: Tensor, q: Tensor) -> Tensor:
    """KL(p ‖ q) of logits p and q, in float64."""
    p, q = p.double().log_softmax(-1), q.double().log_softmax(-1)
    return F.kl_div(q, p, reduction="none", log_target=True).sum(-1)


def _curve(z: Tensor) -> Tensor:
    return _kl(z[-1].expand_as(z), z)


def _reversed(z: Tensor) -> Tensor:
    return _kl(z, z[-1].expand_as(z))


def _cross_entropy(z: Tensor) -> Tensor:
    return -(z[-1].softmax(-1) * z.log_softmax(-1)).sum(-1)


def _entropy(z: Tensor) -> Tensor:
    return -(z.softmax(-1) * z.log_softmax(-1)).sum(-1)


def _without_stability(z: Tensor) -> Tensor:
    p = z.softmax(-1)
    return (p[-1] * (p[-1].log() - p.log())).sum(-1)


def _divided(z: Tensor) -> Tensor:
    p = z.softmax(-1)
    return (p[-1] * (p[-1] / p).log()).sum(-1)


def _torch_kl(z: Tensor) -> Tensor:
    p = z.softmax(-1)
    return F.kl_div(p.log(), p[-1].expand_as(p), reduction="none").sum(-1)


def _unscaled_exp(z: Tensor) -> Tensor:
    p = z.exp() / z.exp().sum(-1, keepdim=True)
    return (p[-1] * (p[-1].log() - p.log())).sum(-1)


def _smoothed(epsilon: float) -> Callable[[Tensor], Tensor]:
    def curve(z: Tensor) -> Tensor:
        p = z.softmax(-1)
        return (p[-1] * ((p[-1] + epsilon).log() - (p + epsilon).log())).sum(-1)

    return curve


def _clamped(epsilon: float) -> Callable[[Tensor], Tensor]:
    def curve(z: Tensor) -> Tensor:
        p = z.softmax(-1)
        return (p[-1] * (p[-1].clamp(min=epsilon).log() - p.clamp(min=epsilon).log())).sum(-1)

    return curve


def _along(dim: int) -> Callable[[Tensor], Tensor]:
    def curve(z: Tensor) -> Tensor:
        logs = z.log_softmax(dim)
        return (logs[-1].exp() * (logs[-1] - logs)).sum(-1)

    return curve


def _along_both(dim: int) -> Callable[[Tensor], Tensor]:
    def curve(z: Tensor) -> Tensor:
        logs = z.log_softmax(dim)
        return (logs[-1].exp() * (logs[-1] - logs)).sum(dim)

    return curve


def _terms(z: Tensor) -> Tensor:
    logs = z.log_softmax(-1)
    return logs[-1].exp() * (logs[-1] - logs)


def _jensen_shannon(z: Tensor) -> Tensor:
    p = z.softmax(-1)
    middle = ((p + p[-1]) / 2).log()
    logs = z.log_softmax(-1)
    return ((p[-1] * (logs[-1] - middle) + p * (logs - middle)) / 2).sum(-1)


def _probabilities_as_logs(z: Tensor) -> Tensor:
    p = z.softmax(-1)
    return F.kl_div(p, p[-1].expand_as(p), reduction="none").sum(-1)


EPSILONS = (
    *(10.0**-n for n in (*range(5, 21), 24, 30)),
    torch.finfo(torch.float32).eps,
    torch.finfo(torch.float32).tiny,
)
CURVES: list[tuple[str, Callable[[Tensor], Tensor]]] = [
    ("direction/reversed", _reversed),
    ("direction/both", lambda z: (_curve(z) + _reversed(z)) / 2),
    ("direction/both", lambda z: _curve(z) + _reversed(z)),
    ("reference/previous-layer", lambda z: _kl(torch.cat([z[1:], z[-1:]]), z)),
    ("reference/previous-layer", lambda z: _kl(torch.cat([z[:1], z[:-1]]), z)),
    ("reference/previous-layer", lambda z: _kl(z, torch.cat([z[:1], z[:-1]]))),
    ("reference/previous-layer", lambda z: _kl(z[1:], z[:-1])),
    ("reference/first-layer", lambda z: _kl(z[0].expand_as(z), z)),
    ("reference/first-layer", lambda z: _kl(z, z[0].expand_as(z))),
    ("logs/missing", _probabilities_as_logs),
    ("logs/missing", lambda z: (z.softmax(-1)[-1] * (z.softmax(-1)[-1] - z.softmax(-1))).sum(-1)),
    ("logs/of-logits", lambda z: (z[-1].softmax(-1) * (z[-1] - z)).sum(-1)),
    ("logs/of-logits", lambda z: (z[-1] * (z[-1] - z)).sum(-1)),
    (
        "logs/of-logits",
        lambda z: F.kl_div(z, z[-1].softmax(-1).expand_as(z), reduction="none").sum(-1),
    ),
    ("logs/unstable", _without_stability),
    ("logs/unstable", _divided),
    ("logs/unstable", _torch_kl),
    ("logs/unstable", _unscaled_exp),
    *(("logs/smoothed", _smoothed(epsilon)) for epsilon in EPSILONS),
    *(("logs/smoothed", _clamped(epsilon)) for epsilon in EPSILONS),
    ("entropy/forgotten", _cross_entropy),
    ("entropy/instead", _entropy),
    ("unit/bits", lambda z: _curve(z) / math.log(2)),
    ("sign/negative", lambda z: -_curve(z)),
    ("sum/mean", lambda z: _curve(z) / z.shape[-1]),
    ("sum/over-everything", lambda z: _curve(z).flatten(1).mean(1)),
    ("sum/over-everything", lambda z: _curve(z).flatten(1).sum(1)),
    ("sum/over-everything", lambda z: _curve(z).sum(-1) if z.dim() > 2 else _curve(z).sum()),
    ("sum/over-everything", lambda z: _curve(z).mean(-1) if z.dim() > 2 else _curve(z).mean()),
    ("sum/over-everything", lambda z: _curve(z).sum()),
    ("sum/over-everything", lambda z: _curve(z).mean()),
    ("sum/over-everything", lambda z: _curve(z).sum() / len(z)),
    ("sum/over-everything", lambda z: torch.stack([row.sum() / len(row) for row in _terms(z)])),
    ("sum/missing", _terms),
    *(("dim/not-the-vocabulary", _along(dim)) for dim in (0, 1, 2)),
    *(("dim/not-the-vocabulary", _along_both(dim)) for dim in (0, 1, 2)),
    ("distance/other", _jensen_shannon),
    ("distance/other", lambda z: (z.softmax(-1) - z[-1].softmax(-1)).abs().sum(-1)),
    ("distance/other", lambda z: (z.softmax(-1) - z[-1].softmax(-1)).abs().sum(-1) / 2),
    ("distance/other", lambda z: (z.softmax(-1) - z[-1].softmax(-1)).square().sum(-1)),
    ("distance/other", lambda z: _terms(z).abs().sum(-1)),
    ("distance/other", lambda z: F.cosine_similarity(z, z[-1].expand_as(z), dim=-1)),
    ("layers/last-missing", lambda z: _curve(z)[:-1]),
]


def kl_values(calls: list[dict], seed: int) -> Refusal | None:
    refusal = _tensors(calls, probes.kl_inputs(seed), _curve, CURVES)
    usual = all(
        _right_curve(*pair) for pair in zip(calls[:1], probes.kl_inputs(seed), strict=False)
    )
    if refusal and usual and refusal.slug == "raises/error" and "IndexError" not in refusal.seen:
        return Refusal("dim/three-only", refusal.expected, refusal.seen)
    if refusal and usual and refusal.slug in ("shape/wrong", "raises/error", "value/wrong"):
        return Refusal("dim/not-the-vocabulary", refusal.expected, refusal.seen)
    return refusal


def _right_curve(call: dict, arguments: tuple) -> bool:
    value = call.get("value")
    return isinstance(value, Tensor) and common.close(value, _curve(*arguments), TOLERANCE)


def kl_large(calls: list[dict], seed: int) -> Refusal | None:
    refusal = _tensors(calls, probes.kl_large_inputs(seed), _curve, CURVES)
    value = calls[0].get("value")
    odd = isinstance(value, Tensor) and not value.isfinite().all()
    if refusal and odd and refusal.slug in ("value/nan", "value/wrong"):
        return Refusal("logs/unstable", refusal.expected, refusal.seen)
    return refusal


# Translator


def _failed(calls: list[dict], expected: str) -> Refusal | None:
    for call in calls:
        if call["outcome"] == "raised":
            refusal = common.raised(call, f"{expected} ({call['step']})")
            in_place = "inplace operation" in call["text"]
            return replace(refusal, slug="mutates/states") if in_place else refusal
    return None


def _matrix(value: object, shape: tuple[int, ...], step: str) -> Refusal | None:
    refusal = common.wrong_type(value, f"a tensor of shape {list(shape)} ({step})")
    if refusal is None and value.shape != shape:
        seen = f"shape {list(value.shape)}"
        return Refusal("shape/wrong", f"shape {list(shape)} ({step})", seen)
    return refusal


def translator_start(calls: list[dict], seed: int) -> Refusal | None:
    if refusal := _failed(calls, "a translator"):
        return refusal
    x, y = probes.translator_start_inputs(seed)
    d = probes.D_MODEL
    for call, wanted in zip(calls[1:], (x, y, x[:1], torch.eye(d), x), strict=True):
        if refusal := _matrix(call["value"], wanted.shape, call["step"]):
            return refusal
    for call, wanted in zip(calls[1:3], (x, y), strict=True):
        if not common.close(call["value"], wanted, 1e-5):
            expected, seen = common.difference(wanted, call["value"], 1e-5)
            return Refusal(_start_slug(call["value"], wanted), f"{expected} ({call['step']})", seen)
    shift, units, moved = (call["value"] for call in calls[3:])
    matrix = units - shift
    unmoved = common.close(matrix, torch.eye(d), 1e-5)
    if unmoved and common.close(shift, torch.zeros(1, d), 1e-5):
        return Refusal("affine/no-parameters", "another output after a change of W and b", "none")
    if not common.close(moved, x @ matrix + shift, 1e-4):
        return Refusal("affine/nonlinear", "x + W x + b", "another map")
    if common.close(shift, torch.zeros(1, d), 1e-5):
        return Refusal("affine/no-bias", "b at the state 0", "0")
    if common.close(matrix, torch.diag(matrix.diag()), 1e-5):
        return Refusal("affine/diagonal", "a full matrix", "a diagonal one")
    return None


def _start_slug(value: Tensor, x: Tensor) -> str:
    if common.close(value, torch.zeros_like(x), 1e-5):
        return "residual/change-alone"
    if common.close(value, 2 * x, 1e-5):
        return "residual/twice"
    return "residual/not-the-identity"


def translator_loss(calls: list[dict], seed: int) -> Refusal | None:
    if refusal := _failed(calls, "a number"):
        return refusal
    given = probes.problem(seed, 343, rows=12)
    losses = []
    for forward, loss in (calls[1:3], calls[3:5]):
        shape = (*forward["value"].shape[:-1], -1) if isinstance(forward["value"], Tensor) else ()
        if refusal := common.wrong_type(forward["value"], f"a tensor ({forward['step']})"):
            return refusal
        value = loss["value"]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return Refusal("loss/detached", "a tensor with a gradient", f"the number {value:.3g}")
        if refusal := common.wrong_type(value, f"a tensor of one number ({loss['step']})"):
            return refusal
        if value.numel() != 1:
            seen = f"shape {list(value.shape)}"
            return Refusal("shape/wrong", f"one number ({loss['step']})", seen)
        states, final = (x.reshape(shape) for x in (given.states, given.final_logits))
        losses.append((given.unembed, forward["value"], states, final, value, loss))
    wrong = [x for x in losses if not common.close(x[4].reshape(()), _loss(*x[:4]), TOLERANCE)]
    if wrong:
        right, seen = float(_loss(*wrong[0][:4])), float(wrong[0][4])
        expected = f"{common.number(right, 5)} ({wrong[0][5]['step']})"
        return Refusal(_loss_slug(wrong), expected, common.number(seen, 5))
    if not all(loss["differentiable"] for *_, loss in losses):
        return Refusal("loss/detached", "a tensor with a gradient", "a tensor without")
    return None


def _loss(unembed, translated: Tensor, states: Tensor, final: Tensor) -> Tensor:
    return _kl(final, unembed(translated)).mean().float()


def _lens_kl(change: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """A loss of the final logits and those of the translated states."""
    return lambda unembed, translated, states, final: change(final, unembed(translated)).float()


def _soft_cross_entropy(p: Tensor, q: Tensor) -> Tensor:
    return -(p.softmax(-1) * q.log_softmax(-1)).sum(-1).mean()


def _mixed_up(p: Tensor, q: Tensor) -> Tensor:
    """The terms of F.kl_div with something else than logarithms as its input."""
    return F.kl_div(q, p.softmax(-1), reduction="none")


LOSSES: list[tuple[str, Callable[..., Tensor]]] = [
    ("loss/reversed", _lens_kl(lambda p, q: _kl(q, p).mean())),
    ("loss/reversed", _lens_kl(lambda p, q: _kl(q, p).sum())),
    ("loss/reversed", _lens_kl(lambda p, q: _kl(q, p).sum() / len(p))),
    ("loss/not-translated", lambda unembed, t, x, p: _loss(unembed, x, x, p)),
    ("loss/cross-entropy", _lens_kl(_soft_cross_entropy)),
    (
        "loss/hard-target",
        _lens_kl(lambda p, q: F.cross_entropy(q.flatten(0, -2), p.argmax(-1).flatten())),
    ),
    ("loss/squared-error", _lens_kl(lambda p, q: F.mse_loss(q, p))),
    ("loss/squared-error", _lens_kl(lambda p, q: F.mse_loss(q.softmax(-1), p.softmax(-1)))),
    (
        "loss/squared-error",
        _lens_kl(lambda p, q: (q.softmax(-1) - p.softmax(-1)).square().sum(-1).mean()),
    ),
    ("loss/squared-error", _lens_kl(lambda p, q: (q - p).square().sum(-1).mean())),
    (
        "loss/no-logarithm",
        _lens_kl(lambda p, q: (p.softmax(-1) * (p.softmax(-1) - q.softmax(-1))).sum(-1).mean()),
    ),
    ("loss/no-logarithm", _lens_kl(lambda p, q: (p.softmax(-1) * (p - q)).sum(-1).mean())),
    *(
        ("loss/no-logarithm", _lens_kl(lambda p, q, f=f, r=r: r(_mixed_up(p, f(q)), p)))
        for r in (
            lambda terms, p: terms.sum(-1).mean(),
            lambda terms, p: terms.sum() / len(p),
            lambda terms, p: terms.mean(),
            lambda terms, p: terms.sum(),
        )
        for f in (lambda q: q.softmax(-1), lambda q: q)
    ),
    ("loss/summed", _lens_kl(lambda p, q: _kl(p, q).sum())),
    ("loss/wrong-mean", _lens_kl(lambda p, q: _kl(p, q).sum() / len(p))),
    ("loss/wrong-mean", _lens_kl(lambda p, q: _kl(p, q).mean() / p.shape[-1])),
    ("loss/negative", _lens_kl(lambda p, q: -_kl(p, q).mean())),
    ("loss/negative", _lens_kl(lambda p, q: -_kl(p, q).sum())),
]


def _loss_slug(wrong: list[tuple]) -> str:
    for slug, candidate in LOSSES:
        if all(common.close(x[4].reshape(()), candidate(*x[:4]), TOLERANCE) for x in wrong):
            return slug
    return "value/wrong"


MUCH_NEARER = 0.1  # of the plain lens's KL is left after training, at most


def translator_fit(calls: list[dict], seed: int) -> Refusal | None:
    if refusal := _failed(calls, "a trained translator"):
        return refusal
    given = probes.problem(seed, 345, narrow=probes.BATCH)
    fit, held_out = calls[1:]
    if refusal := _matrix(held_out["value"], given.held_out.shape, held_out["step"]):
        return refusal
    if not fit["backward"]:
        return Refusal("fit/no-training", f"{probes.STEPS} backward passes", "none")
    if fit["accumulated"]:
        seen = f"old gradients in {fit['accumulated']} of {fit['backward']} steps"
        return Refusal("fit/gradients-accumulate", "new gradients at each step", seen)
    if fit["optimizers"] > 1:
        return Refusal("fit/new-optimizer-each-step", "one optimizer", f"{fit['optimizers']}")
    if fit["backward"] != probes.STEPS:
        seen = f"{fit['backward']} backward passes"
        return Refusal("fit/wrong-number-of-steps", f"{probes.STEPS} steps", seen)
    plain = float(_kl(given.held_out_logits, given.unembed(given.held_out)).mean())
    left = float(_kl(given.held_out_logits, given.unembed(held_out["value"])).mean())
    if left <= MUCH_NEARER * plain:
        return _drawn(fit)
    same = common.close(held_out["value"], given.held_out, 1e-5)
    expected = f"a KL of at most {MUCH_NEARER * plain:.2f} on held-out states"
    seen = f"{left:.2f}; the plain lens has {plain:.2f}"
    return Refusal("fit/no-step" if same else "fit/does-not-learn", expected, seen)


def _drawn(fit: dict) -> Refusal | None:
    """A refusal for rows that are not drawn as asked, or another optimizer."""
    if fit["sizes"] != [probes.BATCH]:
        seen = f"{' or '.join(map(str, fit['sizes']))} rows"
        return Refusal("fit/wrong-batch", f"{probes.BATCH} rows in each step", seen)
    first = fit["first"]
    if first == list(range(first[0], first[0] + len(first))):
        seen = f"rows {first[0]} to {first[-1]} in the first step"
        return Refusal("fit/in-order", "rows drawn at random", seen)
    if fit["weight_decay"]:
        return Refusal("fit/weight-decay", "Adam", f"a weight decay of {fit['weight_decay']}")
    return None


def translator_leaves(calls: list[dict], seed: int) -> Refusal | None:
    """What is changed: what the methods return is another case."""
    if refusal := _failed(calls, "no error"):
        return refusal
    for call in calls[1:]:
        if "the model's parameters" in call["changed"]:
            return Refusal(
                "fit/trains-the-model", "a model as it was", f"changed by {call['step']}"
            )
        if call["changed"]:
            what = " and ".join(call["changed"])
            return Refusal("mutates/states", f"{what} as given", f"changed by {call['step']}")
    return None
