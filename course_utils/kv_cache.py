"""Attention with a KV cache.

Prefill runs the whole prompt once, decoding feeds one token at a time: keys and values of earlier
tokens are computed once and kept. Of ``n_keys`` keys the ``n_new`` last are those of new tokens.

Sources: attention, Vaswani et al., "Attention Is All You Need" (2017), section 3.2; grouped
queries, Ainslie et al., "GQA" (2023); sinks, Xiao et al., "Efficient Streaming Language Models
with Attention Sinks" (2023); eviction by accumulated attention, Zhang et al., "H2O" (2023);
paging, Kwon et al., "Efficient Memory Management for Large Language Model Serving with
PagedAttention" (2023).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers import Cache
from transformers.cache_utils import CacheLayerMixin

if TYPE_CHECKING:
    from transformers import PreTrainedModel

KV = Float[Tensor, "batch n_kv_heads pos d_head"]


def attention(
    q: Float[Tensor, "*batch n_new d_head"],
    k: Float[Tensor, "*batch n_keys d_head"],
    v: Float[Tensor, "*batch n_keys d_value"],
    mask: Tensor | None = None,
) -> tuple[Float[Tensor, "*batch n_new d_value"], Float[Tensor, "*batch n_new n_keys"]]:
    """Scaled dot-product attention: the output and the weights that it averages the values with.

    A boolean mask says where to attend (True); a float mask is added to the scores. Either has a
    shape that broadcasts to that of the weights.
    """
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    weights = masked(scores, mask).softmax(dim=-1)
    return weights @ v, weights


def masked(scores: Float[Tensor, "*batch n_new n_keys"], mask: Tensor | None) -> Tensor:
    """The scores with -inf where a boolean mask is False, or with a float mask added."""
    if mask is None:
        return scores
    if mask.dtype == torch.bool:
        return scores.masked_fill(~mask, -torch.inf)
    return scores + mask


def causal_mask(
    n_new: int, n_keys: int, device: torch.device | str | None = None
) -> Bool[Tensor, "n_new n_keys"]:
    """True where a new token may attend: to itself and to every token before it.

    The new tokens are the last of the keys. Raises ValueError if there are more of them than keys.
    """
    if n_new > n_keys:
        raise ValueError(f"{n_new} new tokens among {n_keys} keys: the keys include the new ones.")
    return torch.ones(n_new, n_keys, dtype=torch.bool, device=device).tril(n_keys - n_new)


class ScaledDotProductAttentionWithCache(nn.Module):
    """Multi-head attention without biases that keeps keys and values between calls."""

    def __init__(self, d_model: int, n_heads: int, dropout_p: float = 0.0):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model {d_model} is no multiple of {n_heads} heads.")
        self.W_q, self.W_k, self.W_v, self.W_o = (
            nn.Linear(d_model, d_model, bias=False) for _ in range(4)
        )
        self.n_heads = n_heads
        self.dropout = nn.Dropout(dropout_p)
        self.clear_cache()

    def clear_cache(self) -> None:
        self.keys = self.values = None

    def get_cache_size(self) -> int:
        """The number of cached tokens."""
        return 0 if self.keys is None else self.keys.shape[2]

    def forward(
        self,
        x: Float[Tensor, "batch n_new d_model"],
        attn_mask: Tensor | None = None,
        is_causal: bool = False,
        use_cache: bool = False,
    ) -> tuple[Float[Tensor, "batch n_new d_model"], Float[Tensor, "batch n_heads n_new n_keys"]]:
        """The output, and the weights after softmax and dropout.

        With ``use_cache`` the keys are those of the cache and of ``x``, which join the cache;
        without it the cache is neither read nor written. ``attn_mask`` is boolean (True: attend)
        or is added to the scores, and broadcasts to the weights; ``is_causal`` applies as well.
        Raises ValueError, with the cache as it was, if the batch is not that of the cache.
        """
        q, k, v = (self._split(project(x)) for project in (self.W_q, self.W_k, self.W_v))
        if use_cache:
            k, v = self._remember(k, v)
        scores = masked(q @ k.mT / math.sqrt(q.shape[-1]), attn_mask)
        if is_causal:
            scores = masked(scores, causal_mask(*scores.shape[-2:], device=x.device))
        weights = self.dropout(scores.softmax(dim=-1))
        return self.W_o((weights @ v).transpose(1, 2).flatten(2)), weights

    def _split(self, x: Float[Tensor, "batch pos d_model"]) -> Tensor:
        return x.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)  # [batch, n_heads, pos, d_head]

    def _remember(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        if self.keys is not None:
            if len(k) != len(self.keys):
                raise ValueError(
                    f"A batch of {len(k)} for a cache of {len(self.keys)} sequences: call "
                    "clear_cache() before other sequences."
                )
            k, v = torch.cat([self.keys, k], dim=2), torch.cat([self.values, v], dim=2)
        self.keys, self.values = k.detach(), v.detach()
        return k, v


# Layers of a transformers cache


class CacheLayer(CacheLayerMixin):
    """What transformers asks of a layer of a cache; a subclass says in ``update`` what is kept.

    ``keys`` and ``values`` are what is kept, ``seen`` is how many tokens went through: positions
    go on from there, whatever was dropped.
    """

    is_sliding = False

    def __init__(self):
        super().__init__()
        self.seen = 0

    def lazy_initialization(self, key_states: KV, value_states: KV) -> None:
        self.is_initialized = True

    @property
    def kept(self) -> int:
        """Tokens that can still be attended to."""
        return 0 if self.keys is None else self.keys.shape[-2]

    @property
    def nbytes(self) -> int:
        """Bytes of the keys and values that are kept."""
        return 0 if self.keys is None else self.keys.nbytes + self.values.nbytes

    def get_seq_length(self) -> int:
        return self.seen

    def get_max_length(self) -> int:
        return -1

    get_max_cache_shape = get_max_length  # its name before transformers 5.23

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """How many keys ``update`` will return, and the position of the first of them."""
        return self.kept + query_length, self.seen - self.kept

    def reset(self) -> None:
        self.keys = self.values = None
        self.is_initialized, self.seen = False, 0


def _joined(layer: CacheLayer, key_states: KV, value_states: KV) -> tuple[KV, KV]:
    """What a layer keeps and the new tokens behind it, which count as seen."""
    layer.seen += key_states.shape[-2]
    if layer.keys is None:
        return key_states, value_states
    return (
        torch.cat([layer.keys, key_states], dim=-2),
        torch.cat([layer.values, value_states], dim=-2),
    )


class GroupedCache(CacheLayer):
    """Keeps every token, with the heads that keys and values have: those of a group of queries."""

    def update(self, key_states: KV, value_states: KV, *args, **kwargs) -> tuple[KV, KV]:
        self.keys, self.values = _joined(self, key_states, value_states)
        return self.keys, self.values

    def attend(
        self, q: Float[Tensor, "batch n_heads n_new d_head"]
    ) -> Float[Tensor, "batch n_heads n_new d_head"]:
        """Causal attention of the last n_new tokens' queries to all that is kept.

        Query heads 0 … n_heads / n_kv_heads - 1 belong to the first KV head, and so on.
        """
        groups = q.unflatten(1, (self.keys.shape[1], -1))  # [batch, n_kv_heads, group, n_new, d]
        mask = causal_mask(q.shape[2], self.kept, device=q.device)
        output, _ = attention(groups, self.keys[:, :, None], self.values[:, :, None], mask)
        return output.flatten(1, 2)


class PreallocatedCache(CacheLayer):
    """Keeps every token in tensors of a fixed length, so that nothing is copied twice.

    Raises ValueError for a token beyond ``max_length``.
    """

    def __init__(self, max_length: int):
        super().__init__()
        self.max_length = max_length

    def update(self, key_states: KV, value_states: KV, *args, **kwargs) -> tuple[KV, KV]:
        end = self.seen + key_states.shape[-2]
        if end > self.max_length:
            raise ValueError(f"{end} tokens for a cache of {self.max_length}: make it longer.")
        if self.keys is None:
            shape = (*key_states.shape[:2], self.max_length, key_states.shape[3])
            self.keys, self.values = key_states.new_zeros(shape), value_states.new_zeros(shape)
            self.is_initialized = True
        self.keys[:, :, self.seen : end] = key_states
        self.values[:, :, self.seen : end] = value_states
        self.seen = end
        return self.keys[:, :, :end], self.values[:, :, :end]

    @property
    def kept(self) -> int:
        return self.seen

    def get_max_length(self) -> int:
        return self.max_length


class SinkCache(CacheLayer):
    """Keeps the first ``n_sinks`` tokens and the last ``window``; new tokens see these and
    each other."""

    def __init__(self, n_sinks: int, window: int):
        super().__init__()
        self.n_sinks, self.window = n_sinks, window

    def update(self, key_states: KV, value_states: KV, *args, **kwargs) -> tuple[KV, KV]:
        keys, values = _joined(self, key_states, value_states)
        self.keys, self.values = self._trimmed(keys), self._trimmed(values)
        return keys, values

    def _trimmed(self, states: KV) -> KV:
        first_recent = max(self.n_sinks, states.shape[-2] - self.window)
        return torch.cat([states[:, :, : self.n_sinks], states[:, :, first_recent:]], dim=-2)


class HeavyHitterCache(CacheLayer):
    """Keeps the last ``recent`` tokens and, up to ``budget``, those that got the most attention.

    After each forward pass give the weights of this layer to ``observe``; each KV head chooses
    its own tokens.
    """

    def __init__(self, budget: int, recent: int):
        super().__init__()
        if not 0 < recent <= budget:
            raise ValueError(f"{recent} recent tokens of {budget}: give 1 to {budget}.")
        self.budget, self.recent = budget, recent
        self.received: Float[Tensor, "batch n_kv_heads pos"] | None = None

    def update(self, key_states: KV, value_states: KV, *args, **kwargs) -> tuple[KV, KV]:
        self.keys, self.values = _joined(self, key_states, value_states)
        return self.keys, self.values

    def observe(self, weights: Float[Tensor, "batch n_heads n_new n_keys"]) -> None:
        """Add up what each kept token received, and drop all but ``budget``."""
        received = weights.unflatten(1, (self.keys.shape[1], -1)).sum(dim=(2, 3))
        if self.received is not None:
            received[..., : self.received.shape[-1]] += self.received
        self.received = received
        if self.kept <= self.budget:
            return
        rank = received.clone()
        rank[..., -self.recent :] = torch.inf
        chosen = rank.topk(self.budget, dim=-1).indices.sort(dim=-1).values
        self.received = received.gather(-1, chosen)
        chosen = chosen[..., None].expand(-1, -1, -1, self.keys.shape[-1])
        self.keys, self.values = self.keys.gather(2, chosen), self.values.gather(2, chosen)

    def reset(self) -> None:
        super().reset()
        self.received = None


# Paging


class PagedCache:
    """Keys and values in blocks of ``block_size`` tokens; each sequence has a table of its blocks.

    ``tables[sequence]`` and ``lengths[sequence]`` are the blocks and the tokens of a sequence,
    ``owners[block]`` counts the sequences that a block belongs to.
    """

    def __init__(self, n_blocks: int, n_kv_heads: int, d_head: int, block_size: int = 16):
        self.block_size = block_size
        self.keys = torch.zeros(n_blocks, n_kv_heads, block_size, d_head)
        self.values = torch.zeros_like(self.keys)
        self.owners = [0] * n_blocks
        self.unused = list(range(n_blocks))
        self.tables: dict[int, list[int]] = {}
        self.lengths: dict[int, int] = {}
        self.started = 0

    def n_free_blocks(self) -> int:
        return len(self.unused)

    def allocate(self) -> int:
        """A new sequence, without tokens and blocks."""
        sequence, self.started = self.started, self.started + 1
        self.tables[sequence], self.lengths[sequence] = [], 0
        return sequence

    def append(
        self,
        sequence: int,
        k: Float[Tensor, "n_kv_heads n_new d_head"],
        v: Float[Tensor, "n_kv_heads n_new d_head"],
    ) -> None:
        """Put tokens behind a sequence. A shared block that would be written is copied first.

        Raises MemoryError, with everything as it was, if there are too few free blocks.
        """
        table, length, end = self.tables[sequence], self.lengths[sequence], k.shape[1]
        end += length
        writes_shared = end > length and length % self.block_size and self.owners[table[-1]] > 1
        needed = -(-end // self.block_size) - len(table) + bool(writes_shared)
        if needed > len(self.unused):
            raise MemoryError(f"{needed} blocks are needed and {len(self.unused)} are free.")
        if writes_shared:
            self._copy_last(table)
        while len(table) * self.block_size < end:
            table.append(self._take())
        for i, position in enumerate(range(length, end)):
            block, offset = table[position // self.block_size], position % self.block_size
            self.keys[block, :, offset], self.values[block, :, offset] = k[:, i], v[:, i]
        self.lengths[sequence] = end

    def gather(self, sequence: int) -> tuple[Tensor, Tensor]:
        """The keys and values of a sequence, [n_kv_heads, length, d_head], in order."""
        table, length = self.tables[sequence], self.lengths[sequence]
        k, v = (
            pool[table].transpose(0, 1).flatten(1, 2)[:, :length]
            for pool in (self.keys, self.values)
        )
        return k, v

    def fork(self, sequence: int) -> int:
        """A new sequence with the same tokens, in the same blocks."""
        copy = self.allocate()
        self.tables[copy], self.lengths[copy] = [*self.tables[sequence]], self.lengths[sequence]
        for block in self.tables[copy]:
            self.owners[block] += 1
        return copy

    def free(self, sequence: int) -> None:
        """End a sequence: blocks that no other sequence has are free again."""
        del self.lengths[sequence]
        for block in self.tables.pop(sequence):
            self._release(block)

    def _take(self) -> int:
        block = self.unused.pop()
        self.owners[block] = 1
        return block

    def _release(self, block: int) -> None:
        self.owners[block] -= 1
        if self.owners[block] == 0:
            self.unused.append(block)

    def _copy_last(self, table: list[int]) -> None:
        shared, table[-1] = table[-1], self._take()
        self.keys[table[-1]], self.values[table[-1]] = self.keys[shared], self.values[shared]
        self._release(shared)


class PagedLayer(CacheLayer):
    """A layer of a transformers cache over a PagedCache, a sequence for each row of the batch."""

    def __init__(self, pool: PagedCache):
        super().__init__()
        self.pool = pool
        self.sequences: list[int] = []

    def update(self, key_states: KV, value_states: KV, *args, **kwargs) -> tuple[KV, KV]:
        if not self.sequences:
            self.sequences = [self.pool.allocate() for _ in key_states]
            self.is_initialized = True
        for sequence, k, v in zip(self.sequences, key_states, value_states, strict=True):
            self.pool.append(sequence, k, v)
        self.seen += key_states.shape[-2]
        k, v = zip(*map(self.pool.gather, self.sequences), strict=True)
        return torch.stack(k), torch.stack(v)

    @property
    def kept(self) -> int:
        return self.seen

    def reset(self) -> None:
        super().reset()
        for sequence in self.sequences:
            self.pool.free(sequence)
        self.sequences = []


# Generation and memory


@torch.no_grad()
def generate(
    model: PreTrainedModel, ids: Int[Tensor, "batch pos"], max_new_tokens: int, cache: Cache
) -> Int[Tensor, "batch max_new_tokens"]:
    """The likeliest continuation, token by token: a prefill, then one token at a time.

    ``cache`` is empty and remembers the tokens that the model was given.
    """
    new: list[Tensor] = []
    for _ in range(max_new_tokens):
        logits = model(input_ids=ids, past_key_values=cache, use_cache=True).logits
        ids = logits[:, -1].argmax(dim=-1, keepdim=True)
        new.append(ids)
    return torch.cat(new, dim=1) if new else ids[:, :0]


def cache_bytes(
    lengths: list[int],
    n_layers: int,
    n_kv_heads: int,
    d_head: int,
    bytes_per_value: int = 2,
    block_size: int = 1,
) -> int:
    """Bytes of the KV cache of sequences of these lengths, kept in whole blocks."""
    tokens = sum(-(-length // block_size) * block_size for length in lengths)
    return 2 * n_layers * n_kv_heads * d_head * bytes_per_value * tokens
