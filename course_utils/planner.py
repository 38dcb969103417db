"""What training a language model takes, in bytes by part, before anything is allocated.

For decoders of the Llama and Qwen2 kind as transformers runs them, on one device or under ZeRO.
Activations are what autograd saves for the backward pass; what an operation needs for a moment,
and what an allocator wastes, comes on top.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from course_utils.anatomy import attention_heads

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

PARTS = ("weights", "gradients", "optimizer", "activations", "logits")
PRECISIONS = ("float32", "bfloat16", "mixed")  # mixed: float32 weights under bfloat16 autocast
OPTIMIZERS = ("SGD", "SGD with momentum", "AdamW", "AdamW, 8-bit state", "Adafactor")
KINDS = ("llama", "qwen2")
BLOCK = 256  # values that share a scale in an 8-bit state

Shape = tuple[int, ...]


def plan(
    config: PreTrainedConfig,
    batch: int,
    length: int,
    precision: str = "float32",
    optimizer: str = "AdamW",
    checkpoint_every: int = 0,
    lora_rank: int = 0,
    zero_stage: int = 0,
    ranks: int = 1,
    attention: str = "sdpa",
) -> dict[str, int]:
    """Bytes of each of PARTS on one device, for one step of ``batch`` sequences of ``length``.

    ``checkpoint_every`` blocks one input is kept (0: no checkpointing). With a ``lora_rank`` the
    query and value projections get adapters, and nothing else is trained. A ``zero_stage`` of 1
    spreads the optimizer's state over ``ranks`` devices, 2 the gradients too, 3 the weights too.
    ``attention`` is "sdpa" or "eager".
    Raises ValueError for anything else.
    """
    _refuse_unknown(config, precision, optimizer, zero_stage, attention)
    counts = (batch, length, ranks, checkpoint_every + 1, lora_rank + 1)
    if min(counts) < 1:
        raise ValueError(
            f"batch {batch}, length {length}, ranks {ranks}, checkpoint_every {checkpoint_every}, "
            f"lora_rank {lora_rank}: give 1 or more of the first three, 0 or more of the others."
        )
    width = 2 if precision == "bfloat16" else 4
    base, adapters = _shapes(config), _adapters(config, lora_rank)
    trained = adapters or base
    activations = _Activations(config, length, precision, lora_rank, attention)
    sizes = {
        "weights": width * _total(base + adapters),
        "gradients": width * _total(trained),
        "optimizer": sum(_state_bytes(optimizer, shape, width) for shape in trained),
        "activations": batch * length * activations.of_blocks(checkpoint_every)
        + activations.once(checkpoint_every),
        "logits": batch * length * activations.of_head(),
    }
    spread = {"optimizer": 1, "gradients": 2, "weights": 3}
    return {
        part: math.ceil(size / ranks) if zero_stage >= spread.get(part, 4) else round(size)
        for part, size in sizes.items()
    }


def _refuse_unknown(config, precision, optimizer, zero_stage, attention) -> None:
    choices = {
        "a model type": (config.model_type, KINDS),
        "a precision": (precision, PRECISIONS),
        "an optimizer": (optimizer, OPTIMIZERS),
        "a ZeRO stage": (zero_stage, (0, 1, 2, 3)),
        "an attention": (attention, ("sdpa", "eager")),
    }
    for name, (given, known) in choices.items():
        if given not in known:
            raise ValueError(f"{given!r} is not {name} of the planner: give one of {known}.")


def _total(shapes: Sequence[Shape]) -> int:
    return sum(map(math.prod, shapes))


def _shapes(config: PreTrainedConfig) -> tuple[Shape, ...]:
    return _shapes_of(config.to_json_string(use_diff=False), type(config))


@functools.lru_cache(maxsize=32)
def _shapes_of(fields: str, cls: type) -> tuple[Shape, ...]:
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(cls(**json.loads(fields)))
    return tuple(tuple(parameter.shape) for parameter in model.parameters())


def _adapters(config: PreTrainedConfig, rank: int) -> tuple[Shape, ...]:
    """A [rank, d_in] and B [d_out, rank] of the query and value projections of every block."""
    heads, kv_heads, head_dim = attention_heads(config)
    outputs = (heads * head_dim, kv_heads * head_dim)
    pairs = [shape for out in outputs for shape in ((rank, config.hidden_size), (out, rank))]
    return tuple(pairs * config.num_hidden_layers) if rank else ()


def _state_bytes(optimizer: str, shape: Shape, width: int) -> float:
    """What an optimizer keeps for one parameter. A counter of steps takes 4 bytes."""
    numbers = math.prod(shape)
    factored = sum(shape) if len(shape) == 2 else numbers
    return {
        "SGD": 0,
        "SGD with momentum": width * numbers,
        "AdamW": 2 * width * numbers + 4,
        "AdamW, 8-bit state": (2 * BLOCK + 12) * math.ceil(numbers / BLOCK),
        "Adafactor": width * factored + 4,
    }[optimizer]


class _Activations:
    """Bytes that autograd saves, read off the operations of a block, for each token."""

    def __init__(self, config, length: int, precision: str, lora_rank: int, attention: str):
        self.config, self.length, self.rank = config, length, lora_rank
        self.attention, self.is_mixed = attention, precision == "mixed"
        self.width = 4 if precision == "float32" else 2  # of what linear layers read and write
        self.stream = 2 if precision == "bfloat16" else 4  # of the residual stream
        self.heads, self.kv_heads, self.head_dim = attention_heads(config)

    def of_blocks(self, every: int) -> float:
        """All blocks; with checkpointing the kept inputs and the blocks that are run again.

        These take the place of what the head has freed, so they count only beyond that.
        """
        n, d = self.config.num_hidden_layers, self.config.hidden_size
        if not every:
            return n * self._block() - self._needless_norm()
        kept = math.ceil(n / every) * self.stream * d
        shared = self.stream * d if self.stream == 4 else 0  # with the first block's norm
        return kept + max(0, min(every, n) * self._block() - shared - self.of_head())

    def of_head(self) -> float:
        """Final norm, log-probabilities in float32, ids and targets."""
        return self._norm(readers=0 if self.rank else 1) + 4 * self.config.vocab_size + 16

    def once(self, every: int) -> float:
        """For all tokens together: rotations and, under autocast, the weights' copies."""
        rotations = 2 * self.length * self.head_dim * self.stream
        if not self.is_mixed:
            return rotations
        n, d, ffn = (
            self.config.num_hidden_layers,
            self.config.hidden_size,
            self.config.intermediate_size,
        )
        attention = 2 * d * self.head_dim * (self.heads + self.kv_heads)
        adapters = self.rank * (2 * d + self.head_dim * (self.heads + self.kv_heads))
        copied = min(every, n) if every else n
        blocks = copied * (attention + 3 * d * ffn + adapters)
        head = d * self.config.vocab_size
        return rotations + 2 * (max(blocks, head) if every else blocks + head)

    def _block(self) -> float:
        inner = self.config.intermediate_size * (3 if self.rank else 4)
        adapters = 2 * self.rank  # what A makes of the input, for queries and for values
        readers = (2, 0) if self.rank else (3, 2)
        return self._attention() + self.width * (inner + adapters) + sum(map(self._norm, readers))

    def _attention(self) -> float:
        queries = self.heads * self.head_dim
        if self.attention == "sdpa":
            kv = 2 * self.kv_heads * self.head_dim
            return self.width * (2 * queries + kv) + 4 * self.heads
        weights = 4 if self.width == 4 else 6  # softmax in float32, and its copy for the product
        tensors = 3 if self.rank else 4  # queries, keys and values for every head; what they make
        return self.width * tensors * queries + weights * self.heads * self.length

    def _norm(self, readers: int) -> float:
        """The norm's input in float32 and its factor, the normed input, and the output for those
        that read it; under autocast each reader has a copy of its own."""
        d = self.config.hidden_size
        normed = 0 if self.rank else self.stream * d
        copies = readers if self.is_mixed else min(readers, 1)
        return 4 * d + 4 + normed + self.width * d * copies

    def _needless_norm(self) -> float:
        """The first norm of a model with adapters: nothing before it is trained."""
        return 4 * self.config.hidden_size + 4 if self.rank else 0
