"""Trainers of a tiny language model for mutation testing: a plain one, sound ones that differ from
it, and broken ones. A test suite is as good as what it catches and what it lets pass.

Every trainer offers

- ``Trainer(seed)``: the same seed gives the same weights, batches and dropout;
- ``model(ids [rows, length]) -> logits [rows, length, vocabulary]``; token 0 pads, on the right;
- ``vocabulary``, the number of tokens; ``rate(step)``, the learning rate that is planned;
- ``batch(index) -> ids``: batch number ``index`` of its data, always the same;
- ``loss(ids)``: mean cross-entropy of the next tokens in nats; targets that pad do not count;
- ``step(ids=None) -> float``: one step on ``ids``, by default on the next batch; the loss before;
- ``evaluate(ids) -> float``: the loss without dropout; it changes nothing;
- ``save(path)``, ``load(path)``: all that a run needs to go on bit for bit.

Dropout draws from torch's global stream, which making a trainer seeds.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

PAD = 0


class TinyLM(nn.Module):
    """A decoder of one block."""

    causal = True

    def __init__(self, vocabulary: int, width: int, dropout: float):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(32, width)
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.qkv, self.out = (nn.Linear(width, n * width, bias=False) for n in (3, 1))
        up, down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width, bias=False)
        self.ffn = nn.Sequential(up, nn.GELU(), down)
        self.unembedding = nn.Linear(width, vocabulary, bias=False)
        self.dropout = nn.Dropout(dropout)
        for table, std in ((self.tokens, 0.1), (self.positions, 0.1), (self.unembedding, 0.02)):
            nn.init.normal_(table.weight, std=std)

    def places(self, ids: Int[Tensor, "rows length"]) -> Int[Tensor, " length"]:
        return torch.arange(ids.shape[1])

    def forward(self, ids: Int[Tensor, "rows length"]) -> Float[Tensor, "rows length vocabulary"]:
        x = self.dropout(self.tokens(ids) + self.positions(self.places(ids)))
        q, k, v = self.qkv(self.norm(x))[:, None].chunk(3, dim=-1)  # one head
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        x = x + self.out(mixed[:, 0])
        x = x + self.ffn(self.norm(x))
        return self.unembedding(self.norm(x))


class Trainer:
    """The plain one: AdamW, a warm-up, dropout."""

    model_class = TinyLM
    vocabulary, width, dropout = 19, 16, 0.1
    rows, length = 4, 9
    top_rate, warmup = 0.02, 4

    def __init__(self, seed: int = 0):
        torch.manual_seed(seed)
        self.seed, self.steps, self.position = seed, 0, 0
        self.model = self.build()
        self.optimizer = self.build_optimizer(self.model.parameters())

    def build(self) -> nn.Module:
        return self.model_class(self.vocabulary, self.width, self.dropout)

    def build_optimizer(self, parameters: Iterable[Tensor]) -> torch.optim.Optimizer:
        return torch.optim.AdamW(parameters, lr=self.rate(0), fused=True)

    def rate(self, step: int) -> float:
        return self.top_rate * min(1.0, (step + 1) / self.warmup)

    def batch(self, index: int) -> Int[Tensor, "rows length"]:
        """Sequences in which a token mostly tells the next one; the last row has full length."""
        rng, words = random.Random(f"{self.seed} {index}"), self.vocabulary - 1
        ids = []
        for row in range(self.rows):
            last, token, tokens = row == self.rows - 1, rng.randrange(words), []
            for _ in range(self.length if last else rng.randint(4, self.length - 1)):
                tokens.append(1 + token)
                token = (5 * token + 2) % words if rng.random() < 0.9 else rng.randrange(words)
            ids.append(tokens + [PAD] * (self.length - len(tokens)))
        return torch.tensor(ids)

    def next_batch(self) -> Int[Tensor, "rows length"]:
        self.position += 1
        return self.batch(self.position - 1)

    def loss(self, ids: Int[Tensor, "rows length"]) -> Tensor:
        logits = self.model(ids[:, :-1])
        return F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), ignore_index=PAD)

    def step(self, ids: Int[Tensor, "rows length"] | None = None) -> float:
        ids = self.next_batch() if ids is None else ids
        loss = self.backward(ids)
        self.optimizer.param_groups[0]["lr"] = self.rate(self.steps)
        self.update()
        self.steps += 1
        return loss

    def backward(self, ids: Int[Tensor, "rows length"]) -> float:
        loss = self.loss(ids)
        loss.backward()
        return loss.item()

    def update(self) -> None:
        self.optimizer.step()
        self.optimizer.zero_grad()

    @torch.no_grad()
    def evaluate(self, ids: Int[Tensor, "rows length"]) -> float:
        was_training = self.model.training
        self.model.eval()
        loss = self.loss(ids).item()
        self.model.train(was_training)
        return loss

    def state(self) -> dict:
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "steps": self.steps,
            "seed": self.seed,
            "position": self.position,
            "random": torch.get_rng_state(),
        }

    def save(self, path: Path) -> None:
        torch.save(self.state(), path)

    def load(self, path: Path) -> None:
        saved = Trainer.state(self) | torch.load(path)
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.steps, self.seed, self.position = (saved[k] for k in ("steps", "seed", "position"))
        torch.set_rng_state(saved["random"])


# Sound ones, unlike the first in all that a test must not rely on


class ByHand(Trainer):
    """Its loss written out, gradients clipped and cleared before they are taken, SGD."""

    top_rate = 0.5

    def build_optimizer(self, parameters):
        return torch.optim.SGD(parameters, lr=self.rate(0), momentum=0.5, fused=True)

    def loss(self, ids):
        logs = self.model(ids)[:, :-1].log_softmax(-1)
        targets = ids[:, 1:]
        counted = targets != PAD
        return -logs.gather(-1, targets[..., None])[..., 0][counted].mean()

    def backward(self, ids):
        self.optimizer.zero_grad(set_to_none=False)
        return super().backward(ids)

    def update(self):
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()


class MicroBatches(Trainer):
    """Rows one by one, each weighted by its targets; no dropout; float64; a long warm-up."""

    dropout, warmup, rows = 0.0, 16, 2

    def build(self):
        return super().build().double()

    def backward(self, ids):
        targets = (ids[:, 1:] != PAD).sum(1)
        total = 0.0
        for row, share in zip(ids.split(1), targets / targets.sum(), strict=True):
            loss = self.loss(row) * share
            loss.backward()
            total += loss.item()
        return total


class ZeroStart(Trainer):
    """The unembedding starts at zero, so that in the first step nothing else learns; other sizes,
    more dropout."""

    vocabulary, width, dropout, length = 29, 24, 0.3, 12

    def build(self):
        model = super().build()
        nn.init.zeros_(model.unembedding.weight)
        return model

    def build_optimizer(self, parameters):
        return torch.optim.AdamW(parameters, lr=self.rate(0), weight_decay=0.0, fused=True)


class Decaying(Trainer):
    """Adam, with a rate that falls from the first step on; more rows."""

    top_rate, rows = 0.02, 6

    def rate(self, step: int) -> float:
        return self.top_rate / (1 + step / 50)

    def build_optimizer(self, parameters):
        return torch.optim.Adam(parameters, lr=self.rate(0), betas=(0.8, 0.95), fused=True)


SOUND = (Trainer, ByHand, MicroBatches, ZeroStart, Decaying)


# Broken ones


class SeesFuture(Trainer):
    """Attention has no causal mask: the model reads the token that it is to predict."""

    class model_class(TinyLM):
        causal = False


class MixesRows(Trainer):
    """A norm over the batch: what a row gets depends on the other rows."""

    class model_class(TinyLM):
        def forward(self, ids):
            logits = super().forward(ids)
            return logits - 0.1 * logits.mean(0, keepdim=True)


class PlacesFromTheEnd(Trainer):
    """Positions are counted from the end, padding and all."""

    class model_class(TinyLM):
        def places(self, ids):
            return super().places(ids).flip(0)


class NoShift(Trainer):
    """The target is the token that the model has just read."""

    def loss(self, ids):
        logits = self.model(ids)
        return F.cross_entropy(logits.flatten(0, 1), ids.flatten(), ignore_index=PAD)


class ShiftsByTwo(Trainer):
    """The target is the token after the next."""

    def loss(self, ids):
        logits = self.model(ids[:, :-2])
        return F.cross_entropy(logits.flatten(0, 1), ids[:, 2:].flatten(), ignore_index=PAD)


class CountsPadding(Trainer):
    """Padding counts among the targets."""

    def loss(self, ids):
        return F.cross_entropy(self.model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())


class Sums(Trainer):
    """The loss is summed over the tokens."""

    def loss(self, ids):
        return super().loss(ids) * (ids[:, 1:] != PAD).sum()


class StartsLarge(Trainer):
    """Weights of the unembedding are drawn too large: at first the model is sure, and wrong."""

    def build(self):
        model = super().build()
        nn.init.normal_(model.unembedding.weight, std=2.0)
        return model


class PilesUp(Trainer):
    """Gradients are never cleared: they pile up over the steps."""

    def update(self):
        self.optimizer.step()


class ForgetsPart(Trainer):
    """The optimizer does not hold the FFN."""

    def build_optimizer(self, parameters):
        frozen = set(self.model.ffn.parameters())
        return super().build_optimizer([p for p in parameters if p not in frozen])


class ClearsTooEarly(Trainer):
    """Gradients are cleared between backward and the step: nothing is learned."""

    def update(self):
        self.optimizer.zero_grad()
        self.optimizer.step()


class Climbs(Trainer):
    """The loss is maximized."""

    def build_optimizer(self, parameters):
        return torch.optim.AdamW(parameters, lr=self.rate(0), maximize=True, fused=True)


class IgnoresRate(Trainer):
    """The learning rate stays where it began."""

    def step(self, ids=None):
        planned, self.steps = self.steps, 0
        loss = super().step(ids)
        self.steps = planned + 1
        return loss


class OneBatch(Trainer):
    """Every step takes the first batch."""

    def next_batch(self):
        return self.batch(0)


class Unseeded(Trainer):
    """The weights do not come from the seed."""

    def build(self):
        state = torch.get_rng_state()
        torch.seed()
        model = super().build()
        torch.set_rng_state(state)
        return model


class OneSeed(Trainer):
    """Every seed gives the same run."""

    def __init__(self, seed: int = 0):
        super().__init__(7)


class ForgetsOptimizer(Trainer):
    """The optimizer's state is not saved."""

    def state(self):
        fresh = self.build_optimizer(self.model.parameters()).state_dict()
        return super().state() | {"optimizer": fresh}


class ForgetsSteps(Trainer):
    """The number of steps is not saved: the schedule starts again."""

    def state(self):
        return {k: v for k, v in super().state().items() if k != "steps"}


class ForgetsPosition(Trainer):
    """The position in the data is not saved: the same batches come again."""

    def state(self):
        return {k: v for k, v in super().state().items() if k != "position"}


class ForgetsRandom(Trainer):
    """The random state is not saved: dropout takes another course."""

    def state(self):
        return {k: v for k, v in super().state().items() if k != "random"}


class EvaluatesWithDropout(Trainer):
    """Evaluation leaves dropout on."""

    @torch.no_grad()
    def evaluate(self, ids):
        return self.loss(ids).item()


class StaysInEvaluation(Trainer):
    """After an evaluation training goes on without dropout."""

    def evaluate(self, ids):
        loss = super().evaluate(ids)
        self.model.eval()
        return loss


class LearnsFromEvaluation(Trainer):
    """Evaluation takes gradients, and the next step uses them."""

    def evaluate(self, ids):
        self.model.eval()
        loss = self.backward(ids)
        self.model.train()
        return loss


BROKEN = {
    "the loss": (NoShift, ShiftsByTwo, CountsPadding, Sums, StartsLarge),
    "the model": (SeesFuture, MixesRows, PlacesFromTheEnd),
    "the step": (PilesUp, ForgetsPart, ClearsTooEarly, Climbs, IgnoresRate),
    "seed and data": (Unseeded, OneSeed, OneBatch),
    "the checkpoint": (ForgetsOptimizer, ForgetsSteps, ForgetsPosition, ForgetsRandom),
    "the evaluation": (EvaluatesWithDropout, StaysInEvaluation, LearnsFromEvaluation),
}
