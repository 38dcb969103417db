# %% [markdown] id="title"
# # 02 · Attention with a KV cache
#
# A model that writes a thousand tokens reads the first of them a thousand times, unless somebody
# remembers what was computed. Here you write that memory, put it into a real model, and find out
# what it costs.
#
# 240 minutes, in two sittings: sections 1 and 2, then the rest. You need [00 · Start here](00_sampling.ipynb), and PyTorch's tensors
# with four dimensions.
#
# At the end you will be able to
#
# - write attention with a cache that is right for prompts, single tokens and chunks, under any mask;
# - run a model of Hugging Face on a cache of your own, token for token like the library's;
# - say how many bytes a cache takes, and what a window, sinks, eviction and pages change about it;
# - explain why writing a token is bound by memory and reading a prompt is not.

# %% id="bootstrap" tags=["setup"]

# %% id="imports" tags=["setup"]
import math
import random

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import Cache

from course_utils.checks import check, mine_or_reference
from course_utils.course_lm import skills
from course_utils.kv_cache import CacheLayer, HeavyHitterCache, PreallocatedCache
from course_utils.models import load_lm
from course_utils.plots import Picture, curves, show
from course_utils.widgets import explorer, menu, slider

# %% [markdown] id="why"
# ## 1 · What is computed twice?
#
# The loop of notebook 00 gives the model the whole text at every step. We write 20 tokens after a prompt of about ten:
# how many tokens go through the blocks in all, the prompt's included? Write down your guess.

# %% id="predict-tokens"
my_tokens = None


# %% id="count-tokens"
model, tokenizer = load_lm()
config = model.config
prompt = "The Space Needle is located in the city of"
ids = tokenizer(prompt, return_tensors="pt").input_ids.to(model.device)  # [1, pos]
print(
    f"{config.num_hidden_layers} blocks, width {config.hidden_size}, "
    f"{config.num_attention_heads} query heads; "
    f"a prompt of {ids.shape[1]} tokens"
)


@torch.no_grad()
def tokens_through_model(use_cache: bool, new: int = 20) -> int:
    text, past, through = ids, None, 0
    for _ in range(new):
        given = text[:, -1:] if past is not None else text
        out = model(input_ids=given, past_key_values=past, use_cache=use_cache)
        past = out.past_key_values if use_cache else None
        through += given.shape[1]
        text = torch.cat([text, out.logits[:, -1:].argmax(-1)], dim=1)
    return through


print("whole text at every step:", tokens_through_model(False), "· you predicted", my_tokens)
print("with the library's cache:", tokens_through_model(True))

# %% [markdown] id="why-seen"
# In a causal model a token's keys and values depend on it and the tokens before it: what comes later
# changes nothing about them. So they are computed once and kept. That is the **KV cache**. Reading the
# prompt is called *prefill*, writing token by token *decoding*.
#
# ## Exercise 2.1 · Attention
#
# difficulty ●●○○○ · 10 minutes · 3 points
#
# **Goal.** The operation itself, for queries and keys of any number:
#
# $$\text{weights} = \text{softmax}\left(\frac{q\,k^\top}{\sqrt{d_\text{head}}} + \text{mask}\right), \qquad
# \text{output} = \text{weights}\; v$$
#
# A float mask is added as it is. A boolean mask says where to attend: `True` adds nothing, `False` adds
# $-\infty$. It broadcasts to the weights. Large scores must not give `nan`. Write it out, without
# `F.scaled_dot_product_attention`.
#
# `attention(q [*batch, n_new, d_head], k [*batch, n_keys, d_head], v [*batch, n_keys, d_value], mask=None)`
# `-> (output [*batch, n_new, d_value], weights [*batch, n_new, n_keys])`
#
# <details><summary>Hint 1: the idea</summary>
#
# Each query is compared with each key; the softmax of a query's scores says how much of each value it takes.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# scores  = q @ k with its last two dimensions exchanged, divided by sqrt(d_head)
# scores  = -inf where a boolean mask is False, or scores + a float mask
# weights = softmax of scores over the keys
# return weights @ v, weights
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `mask == 0` looks as if it served both kinds of mask; in a float mask, 0 means *attend*. Ask
# `mask.dtype == torch.bool`, then `masked_fill(~mask, -torch.inf)`.
#
# </details></details></details>


# %% id="attention" tags=["exercise"]
def attention(
    q: Float[Tensor, "*batch n_new d_head"],
    k: Float[Tensor, "*batch n_keys d_head"],
    v: Float[Tensor, "*batch n_keys d_value"],
    mask: Tensor | None = None,
) -> tuple[Float[Tensor, "*batch n_new d_value"], Float[Tensor, "*batch n_new n_keys"]]:
    """The output and the weights of scaled dot-product attention."""
    ### BEGIN SOLUTION
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    if mask is not None and mask.dtype == torch.bool:
        scores = scores.masked_fill(~mask, -torch.inf)
    elif mask is not None:
        scores = scores + mask
    weights = scores.softmax(dim=-1)
    return weights @ v, weights
    ### END SOLUTION


# %% id="attention-check" tags=["check"]
check("kv_cache.attention", attention)
attention = mine_or_reference("kv_cache.attention", attention)

# %% [markdown] id="chunks"
# ## 2 · Which keys does a new token see?
#
# Three tokens are in the cache, two more arrive together, as a **chunk**: five keys, two queries. How many keys
# does the first of the two see, itself included? And the second?

# %% id="predict-chunk"
my_visible = None

# %% [markdown] id="exercise-causal-mask"
# ## Exercise 2.2 · The causal mask of a chunk
#
# difficulty ●●○○○ · 10 minutes · 3 points
#
# **Goal.** Of `n_keys` tokens the last `n_new` are new. A row for each new token, a column for each key, `True`
# where it may attend: to itself and to everything before it. The dtype is `torch.bool`.
#
# `causal_mask(n_new, n_keys) -> [n_new, n_keys]`
#
# <details><summary>Hint 1: the idea</summary>
#
# New token `i` stands at position `n_keys - n_new + i` of the sequence.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# position of new token i = n_keys - n_new + i
# mask[i, j] = j <= position of new token i
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `torch.ones(n_new, n_keys).tril()` starts its triangle at the first *key*, top left. `tril(diagonal=…)` moves it:
# by how many columns? For a prefill by none.
#
# </details></details></details>


# %% id="causal-mask" tags=["exercise"]
def causal_mask(n_new: int, n_keys: int) -> Bool[Tensor, "n_new n_keys"]:
    """True where a new token may attend."""
    ### BEGIN SOLUTION
    return torch.ones(n_new, n_keys, dtype=torch.bool).tril(diagonal=n_keys - n_new)
    ### END SOLUTION


# %% id="causal-mask-check" tags=["check"]
check("kv_cache.causal_mask", causal_mask)
causal_mask = mine_or_reference("kv_cache.causal_mask", causal_mask)

# %% id="chunk-visible"
mask = causal_mask(2, 5)
print(mask.int())
print("visible keys:", mask.sum(dim=1).tolist(), "· you predicted", my_visible)

# %% [markdown] id="exercise-attention-with-cache"
# ## Exercise 2.3 · Attention with a cache
#
# difficulty ●●●●○ · 40 minutes · 8 points
#
# **Goal.** The whole layer: project, split into heads of width `d_model // n_heads`, attend, join, project back. With `use_cache=True` the new
# keys and values join those in the cache, stay there, and the queries attend to all of them.
#
# - `attn_mask` is boolean or float, of shape `(L, S)`, `(1, 1, L, S)` or `(batch, 1, L, S)`: L new tokens, S keys, **the cached ones
#   counted**. With `is_causal=True` a query sees no later key either; both can be given.
# - `weights` are those after softmax and dropout, `(batch, n_heads, L, S)`. Dropout acts on them, in training only.
# - `use_cache=False` neither reads nor writes the cache, and gradients reach all four projections.
# - `get_cache_size()` is the number of cached tokens; `clear_cache()` makes it 0. The cache belongs to this object,
#   is not part of `state_dict()`, and has the dtype and device of the keys.
# - A batch of another size than the cache's raises an error, and the cache stays as it was.
# - No token is ever forgotten. A cache of fixed room may raise when it is full.
#
# `forward(x [batch, L, d_model], …) -> (output [batch, L, d_model], weights [batch, n_heads, L, S])`
#
# <details><summary>Hint 1: the idea</summary>
#
# Without the cache it is ordinary attention. The cache changes one thing: `k` and `v` become longer than `q`. Everything
# after that line is the same, if masks are made for `(L, S)`.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# q, k, v = projections of x, each as [batch, n_heads, L, d_head]
# if use_cache:
#     if something is cached:
#         raise if its batch is another one
#         k, v = cached keys and values, then the new ones, along the length
#     keep k and v
# scores  = q @ k.mT / sqrt(d_head), masked by attn_mask, masked by causal_mask(L, S) if is_causal
# weights = dropout(softmax(scores))
# return W_o(weights @ v, heads joined), weights
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# The size of the batch has to be compared *before* anything is stored. And a boolean mask made with `torch.ones(L, S)` lies
# on the CPU in float32: give it `dtype=torch.bool, device=x.device`, or move `causal_mask(L, S)` with `.to(x.device)`.
#
# </details></details></details>


# %% id="attention-with-cache" tags=["exercise"]
class ScaledDotProductAttentionWithCache(nn.Module):
    """Multi-head attention without biases that keeps keys and values between calls."""

    def __init__(self, d_model: int, n_heads: int, dropout_p: float = 0.0):
        super().__init__()
        self.n_heads = n_heads
        self.W_q = nn.Linear(d_model, d_model, bias=False)
        self.W_k = nn.Linear(d_model, d_model, bias=False)
        self.W_v = nn.Linear(d_model, d_model, bias=False)
        self.W_o = nn.Linear(d_model, d_model, bias=False)
        self.dropout = nn.Dropout(dropout_p)
        self.clear_cache()

    def clear_cache(self) -> None:
        ### BEGIN SOLUTION
        self.keys = self.values = None
        ### END SOLUTION

    def get_cache_size(self) -> int:
        ### BEGIN SOLUTION
        return 0 if self.keys is None else self.keys.shape[2]
        ### END SOLUTION

    def forward(self, x, attn_mask=None, is_causal=False, use_cache=False):
        ### BEGIN SOLUTION
        q, k, v = (
            project(x)
            .unflatten(-1, (self.n_heads, -1))
            .transpose(1, 2)  # [batch, n_heads, L, d_head]
            for project in (self.W_q, self.W_k, self.W_v)
        )
        if use_cache:
            if self.keys is not None:
                if len(k) != len(self.keys):
                    raise ValueError(f"a batch of {len(k)}, but {len(self.keys)} are cached")
                k = torch.cat([self.keys, k], dim=2)
                v = torch.cat([self.values, v], dim=2)
            self.keys, self.values = k.detach(), v.detach()
        scores = q @ k.mT / math.sqrt(q.shape[-1])  # [batch, n_heads, L, S]
        if attn_mask is not None and attn_mask.dtype == torch.bool:
            scores = scores.masked_fill(~attn_mask, -torch.inf)
        elif attn_mask is not None:
            scores = scores + attn_mask
        if is_causal:
            allowed = causal_mask(q.shape[2], k.shape[2]).to(x.device)
            scores = scores.masked_fill(~allowed, -torch.inf)
        weights = self.dropout(scores.softmax(dim=-1))
        return self.W_o((weights @ v).transpose(1, 2).flatten(2)), weights
        ### END SOLUTION


# %% id="attention-with-cache-check" tags=["check"]
check("kv_cache.attention_with_cache", ScaledDotProductAttentionWithCache)
ScaledDotProductAttentionWithCache = mine_or_reference(
    "kv_cache.attention_with_cache", ScaledDotProductAttentionWithCache
)

# %% id="cached-is-uncached"
torch.manual_seed(0)
layer = ScaledDotProductAttentionWithCache(d_model=32, n_heads=4)
x = torch.randn(2, 10, 32)
with torch.no_grad():
    whole, _ = layer(x, is_causal=True)
    for cut in ([10], [6, 1, 1, 1, 1], [3, 4, 3]):
        layer.clear_cache()
        parts = [layer(part, is_causal=True, use_cache=True)[0] for part in x.split(cut, dim=1)]
        equal = torch.allclose(torch.cat(parts, dim=1), whole, atol=1e-5)
        print(f"cut into {cut}: {layer.get_cache_size()} cached, as without a cache: {equal}")

# %% [markdown] id="grouped-question"
# However the sequence is cut, the output is the same: a cache is no approximation.
#
# ## 3 · What does a real model keep?
#
# Today's models have fewer heads of keys and values than of queries: a **group** of query heads shares one KV head
# (*grouped-query attention*, GQA). Our model has 6 query heads; its keys are projected to 96 numbers, 32 for each head. How many
# heads of keys does its cache hold?

# %% id="predict-heads"
my_heads = None

# %% [markdown] id="exercise-grouped-cache"
# ## Exercise 2.4 · A layer of the model's cache
#
# difficulty ●●●○○ · 25 minutes · 3 points
#
# **Goal.** transformers asks each layer of a cache to `update`: here are the keys and values of new tokens; give back
# all of them. `CacheLayer`, a `CacheLayerMixin` of transformers, does the paperwork: it answers how long the cache is, from
# `self.seen`, and how many keys a mask has to cover, from `self.keys`. You keep `self.keys` and `self.values` (`None` at first) and add
# to `self.seen` (0 at first). Store the KV heads as they come. Then `attend`, to see what grouping means: causal attention of the last
# tokens' queries to everything kept. With 6 query heads and 3 KV heads, heads 0 and 1 use KV head 0, heads 2 and 3
# KV head 1, heads 4 and 5 KV head 2.
#
# `update(key_states [batch, n_kv_heads, n_new, d_head], value_states) -> (keys, values)`, each `[batch, n_kv_heads, n_keys, d_head]`
#
# `attend(q [batch, n_heads, n_new, d_head]) -> [batch, n_heads, n_new, d_head]`
#
# <details><summary>Hint 1: the idea</summary>
#
# `update` is the line with `torch.cat` of the last exercise. For `attend`, give each query head a KV head of its own and call
# your `attention` with your `causal_mask`.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# update: join the new states behind self.keys and self.values, unless these are None
#         add the number of new tokens to self.seen
#         return self.keys, self.values
# attend: group  = number of query heads / number of KV heads
#         keys   = self.keys with each head repeated group times; values likewise
#         return the output of attention(q, keys, values, causal_mask(n_new, n_keys))
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `repeat` gives KV heads 0 1 2 0 1 2, `repeat_interleave(group, dim=1)` gives 0 0 1 1 2 2. Only the second fits the weights
# the model was trained with; the shapes are the same.
#
# </details></details></details>


# %% id="grouped-cache" tags=["exercise"]
class GroupedCache(CacheLayer):
    """Keeps every token, with as many heads as keys and values have."""

    def update(self, key_states, value_states, *args, **kwargs):
        ### BEGIN SOLUTION
        if self.keys is None:
            self.keys, self.values = key_states, value_states
        else:
            self.keys = torch.cat([self.keys, key_states], dim=-2)
            self.values = torch.cat([self.values, value_states], dim=-2)
        self.seen += key_states.shape[-2]
        return self.keys, self.values
        ### END SOLUTION

    def attend(self, q: Float[Tensor, "batch n_heads n_new d_head"]) -> Tensor:
        ### BEGIN SOLUTION
        group = q.shape[1] // self.keys.shape[1]
        keys = self.keys.repeat_interleave(group, dim=1)
        values = self.values.repeat_interleave(group, dim=1)
        mask = causal_mask(q.shape[2], keys.shape[2]).to(q.device)
        return attention(q, keys, values, mask)[0]
        ### END SOLUTION


# %% id="grouped-cache-check" tags=["check"]
check("kv_cache.grouped_cache", GroupedCache)
GroupedCache = mine_or_reference("kv_cache.grouped_cache", GroupedCache)

# %% [markdown] id="exercise-generate"
# ## Exercise 2.5 · Prefill and decode
#
# difficulty ●●○○○ · 15 minutes · 2 points
#
# **Goal.** Greedy decoding on a cache: the prompt goes in once, then one token at a time. `cache` comes empty; the model fills it, if you
# pass it as `past_key_values=cache`. Return the `max_new_tokens` new tokens; an end token among them ends nothing. `n` of them take
# `n` forward passes.
#
# `generate(model, ids [batch, pos], max_new_tokens, cache) -> [batch, max_new_tokens]`
#
# <details><summary>Hint 1: the idea</summary>
#
# The model continues where the cache ends. What it is given are the tokens that the cache does not hold yet.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# repeat max_new_tokens times:
#     logits = model(input_ids=ids, past_key_values=cache).logits
#     ids    = the likeliest token at the last position of each row, [batch, 1]
#     note ids
# return the noted tokens, side by side
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# In notebook 00 each new token was appended to `ids`. Here it *replaces* them: give the model the text again, and the cache
# holds everything twice. The text still looks like a text.
#
# </details></details></details>


# %% id="generate" tags=["exercise"]
@torch.no_grad()
def generate(
    model, ids: Int[Tensor, "batch pos"], max_new_tokens: int, cache: Cache
) -> Int[Tensor, "batch max_new_tokens"]:
    """The likeliest continuation: a prefill, then one token at a time."""
    ### BEGIN SOLUTION
    new = []
    for _ in range(max_new_tokens):
        logits = model(input_ids=ids, past_key_values=cache).logits  # [batch, pos, vocab]
        ids = logits[:, -1].argmax(dim=-1, keepdim=True)  # [batch, 1]
        new.append(ids)
    return torch.cat(new, dim=1)
    ### END SOLUTION


# %% id="generate-check" tags=["check"]
check("kv_cache.generate", generate)
generate = mine_or_reference("kv_cache.generate", generate)

# %% id="own-cache-in-the-model"
cache = Cache(layers=[GroupedCache() for _ in range(config.num_hidden_layers)])
mine = generate(model, ids, 24, cache)
never = {"eos_token_id": len(tokenizer), "attention_mask": torch.ones_like(ids)}  # no early end
library = model.generate(ids, max_new_tokens=24, do_sample=False, **never)[:, ids.shape[1] :]
print(repr(tokenizer.decode(mine[0])))
print((mine == library).sum().item(), "of 24 tokens as model.generate")
kept = cache.layers[0].keys.shape
print(f"keys of a layer: {tuple(kept)}; heads: {kept[1]} · you predicted {my_heads}")

# %% [markdown] id="exercise-cache-bytes"
# The cache holds one token less than the text: the last token was never read. How many kB (1000 bytes) does it take in float32?
# Write your guess into the cell after the exercise.
#
# ## Exercise 2.6 · How many bytes?
#
# difficulty ●●○○○ · 10 minutes · 2 points
#
# **Goal.** The bytes that keys and values of some sequences take, for `lengths` tokens each. A cache may be kept in **blocks**
# of `block_size` tokens; then the last block of each sequence is counted whole.
#
# `cache_bytes(lengths, n_layers, n_kv_heads, d_head, bytes_per_value=2, block_size=1) -> int`
#
# <details><summary>Hint 1: the idea</summary>
#
# Count the numbers that one token leaves in one layer, then multiply.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# tokens = sum over the sequences of: length, rounded up to a multiple of block_size
# return 2 * layers * KV heads * d_head * bytes per value * tokens
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# Round up *each* length, then add. And a length of 16 fills one block of 16, so `length // block_size + 1` is one too many:
# `-(-length // block_size)` rounds up.
#
# </details></details></details>


# %% id="cache-bytes" tags=["exercise"]
def cache_bytes(
    lengths: list[int], n_layers: int, n_kv_heads: int, d_head: int, bytes_per_value=2, block_size=1
) -> int:
    """Bytes of the KV cache of these sequences."""
    ### BEGIN SOLUTION
    tokens = sum(-(-length // block_size) * block_size for length in lengths)
    return 2 * n_layers * n_kv_heads * d_head * bytes_per_value * tokens
    ### END SOLUTION


# %% id="cache-bytes-check" tags=["check"]
check("kv_cache.cache_bytes", cache_bytes)
cache_bytes = mine_or_reference("kv_cache.cache_bytes", cache_bytes)

# %% id="predict-bytes"
my_kilobytes = None

# %% id="bytes-counted"
shape = dict(
    n_layers=config.num_hidden_layers,
    n_kv_heads=config.num_key_value_heads,
    d_head=config.hidden_size // config.num_attention_heads,
    bytes_per_value=4,
)
tokens = cache.get_seq_length()
counted = sum(layer.nbytes for layer in cache.layers)
print(f"{tokens} tokens: {counted:,} bytes, by the formula {cache_bytes([tokens], **shape):,}")
print(f"{counted / 1e3:.0f} kB · you predicted {my_kilobytes}")
fixed = Cache(layers=[PreallocatedCache(128) for _ in range(config.num_hidden_layers)])
same = torch.equal(generate(model, ids, 24, fixed), mine)
print(f"preallocated for 128: {sum(x.nbytes for x in fixed.layers):,} bytes,", end=" ")
print(f"by the formula {cache_bytes([128], **shape):,}; same tokens: {same}")
every_head = cache_bytes([tokens], **shape | {"n_kv_heads": config.num_attention_heads})
print(f"with a KV head for each query head: {every_head / counted:.0f} times as much")

# %% [markdown] id="static-seen"
# The preallocated (*static*) cache takes its memory at once, `keys = zeros(batch, kv_heads, max_length, d_head)`, and its `update` writes in place:
#
# ```
# keys[:, :, seen:end], values[:, :, seen:end] = new_keys, new_values
# return keys[:, :, :end], values[:, :, :end]      # views, not copies
# ```
#
# In exchange for the memory nothing old is copied when a token arrives.
#
# ## 4 · What if there is no room for all tokens?
#
# Drop some. The plainest way keeps a **window** of the last tokens. Xiao et al. saw that models then break, because much of
# their attention rests on the first tokens, whatever these say; their remedy keeps a few of those as **sinks**.
#
# ## Exercise 2.7 · A window with sinks
#
# difficulty ●●●○○ · 20 minutes · 3 points
#
# **Goal.** A layer that keeps the first `n_sinks` tokens and the last `window`, and nothing in between. New tokens, a chunk too, see all that
# was kept before them and each other: `update` returns these. What is stored is trimmed. `self.seen` goes on counting every
# token, for positions do not start anew.
#
# `SinkCache(n_sinks, window)`, `update(key_states, value_states) -> (keys, values)`
#
# <details><summary>Hint 1: the idea</summary>
#
# Join, trim a copy for storage, return what was joined.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# keys   = kept keys and new ones; values likewise
# start  = where the window begins, but not before the sinks end
# stored = the first n_sinks of keys, and those from start on
# return keys, values
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `[-window:]` of a short sequence begins *inside* the sinks, and they are stored twice: `start = max(n_sinks, n - window)`.
#
# </details></details></details>


# %% id="sink-cache" tags=["exercise"]
class SinkCache(CacheLayer):
    """Keeps the first n_sinks tokens and the last window."""

    def __init__(self, n_sinks: int, window: int):
        super().__init__()
        self.n_sinks, self.window = n_sinks, window

    def update(self, key_states, value_states, *args, **kwargs):
        ### BEGIN SOLUTION
        self.seen += key_states.shape[-2]
        if self.keys is not None:
            key_states = torch.cat([self.keys, key_states], dim=-2)
            value_states = torch.cat([self.values, value_states], dim=-2)
        start = max(self.n_sinks, key_states.shape[-2] - self.window)
        self.keys, self.values = (
            torch.cat([states[:, :, : self.n_sinks], states[:, :, start:]], dim=-2)
            for states in (key_states, value_states)
        )
        return key_states, value_states
        ### END SOLUTION


# %% id="sink-cache-check" tags=["check"]
check("kv_cache.sink_cache", SinkCache)
SinkCache = mine_or_reference("kv_cache.sink_cache", SinkCache)

# %% [markdown] id="quality"
# A third way asks which tokens were *used*: **eviction by accumulated attention** (Zhang et al.) adds up the weights that
# each token received, keeps the last tokens, and of the others those with the most. After each pass `HeavyHitterCache` does this:
#
# ```
# received += weights, summed over the query heads of each KV head and over the new queries
# rank = received, but infinite for the `recent` last tokens
# kept = rank.topk(budget), in the tokens' order: of keys, values and received
# ```
#
# What does it cost? Two skills of the model: *copying* a line of words, and *reading*: answering a question about a
# text. It reads the line or the text; the cache drops what it must; then it goes on. The answers are sentences, "Balko visits
# Paris."; the last word is what counts. Which of the three keeps copying
# best with 16 tokens: `"window"`, `"sinks and window"` or `"accumulated attention"`?

# %% id="predict-policy"
my_policy = None


# %% id="skills"
rng = random.Random(1)
copying = [skills.copying_item(rng) for _ in range(12)]
reading = [skills.reading_item(rng) for _ in range(24)]
reading = [skills.Item(*(i.prompt + i.answer)[:-1].rsplit(" ", 1)) for i in reading]
cut_at = {"copying": ("\nCopy:", copying), "reading": ("Question:", reading)}


@torch.no_grad()
def score(make_layer, skill: str) -> float:
    """The mean share of right answer tokens, the first part read and the cache trimmed."""
    mark, items = cut_at[skill]
    shares = []
    for item in items:
        answer = " " + item.answer.strip()
        text = tokenizer(item.prompt + answer, return_tensors="pt").input_ids.to(model.device)
        first = len(tokenizer(item.prompt[: item.prompt.index(mark)]).input_ids)
        layers = [make_layer() for _ in range(config.num_hidden_layers)]
        cache, n = Cache(layers=layers), len(tokenizer(answer).input_ids)
        seen = model(input_ids=text[:, :first], past_key_values=cache, output_attentions=True)
        for layer, weights in zip(layers, seen.attentions, strict=True):
            if isinstance(layer, HeavyHitterCache):
                layer.observe(weights)
        logits = model(input_ids=text[:, first:], past_key_values=cache).logits
        shares.append((logits[0, -n - 1 : -1].argmax(-1) == text[0, -n:]).float().mean())
    return float(torch.stack(shares).mean())


# %% id="policies"
policies = {
    "window": lambda budget: SinkCache(0, budget),
    "sinks and window": lambda budget: SinkCache(4, budget - 4),
    "accumulated attention": lambda budget: HeavyHitterCache(budget, budget // 2),
}
budgets = [8, 16, 32, 64]
model.set_attn_implementation("eager")  # the form that returns its weights
quality = {
    skill: {
        name: [score(lambda p=policy, b=budget: p(b), skill) for budget in budgets]
        for name, policy in policies.items()
    }
    for skill in cut_at
}
everything = {skill: score(GroupedCache, skill) for skill in cut_at}
model.set_attn_implementation("sdpa")
for skill, rows in quality.items():
    print(f"{skill}: {everything[skill]:.2f} with everything kept; with {budgets} tokens")
    for name, shares in rows.items():
        print(f"    {name:22}", "  ".join(f"{share:.2f}" for share in shares))
small = Cache(layers=[SinkCache(4, 12) for _ in range(config.num_hidden_layers)])
generate(model, ids, 24, small)
counted = sum(layer.nbytes for layer in small.layers)
print(
    f"4 sinks and a window of 12: {counted:,} bytes, by the formula {cache_bytes([16], **shape):,}"
)
best = max(policies, key=lambda name: quality["copying"][name][1])
print("copying with 16 tokens, best:", best, "· you predicted", my_policy)
for skill, right in {"copying": "copied tokens", "reading": "values found"}.items():
    lines = {name: list(zip(budgets, row, strict=True)) for name, row in quality[skill].items()}
    lines["everything kept"] = [(budget, everything[skill]) for budget in budgets]
    show(
        curves(lines, "tokens kept in each layer", f"{right}, share", log_x=True, title=skill),
        f"Share of {right} that are right against the tokens kept, from 8 to 64, for three ways "
        f"of dropping; with everything kept it is {everything[skill]:.2f}, with a window of 8 "
        f"{quality[skill]['window'][0]:.2f}.",
    )

# %% [markdown] id="quality-seen"
# What is dropped is gone: a skill that looks back word by word suffers as soon as the words do not fit. The sinks do not help our model
# to copy: they take four places from the window. No rule knows *before* the question what will be asked for. The memory, on the other hand, is bounded: it no longer grows with
# the text.
#
# ## 5 · Whose memory is it?
#
# A server holds many sequences, and does not know how long each will get. To preallocate for the longest wastes most of it.
# **Paging** cuts the memory into blocks of 16 tokens; each sequence has a *table* of its blocks and takes a new one when the
# last is full. Sequences with the same beginning share blocks, until one writes into them.
#
# ## Exercise 2.8 · A paged cache
#
# difficulty ●●●●○ · 40 minutes · 4 points
#
# **Goal.** One pool of blocks for one layer.
#
# - `allocate()` starts a sequence and returns its name; it has no blocks yet.
# - `append(sequence, k, v)` puts tokens behind it; blocks are taken when they are needed. If too few are free it raises
#   `MemoryError` and changes nothing.
# - `gather(sequence)` returns its keys and values in order, of length 0 where there are none yet.
# - `fork(sequence)` starts a sequence with the same tokens in the *same* blocks.
# - **Copy on write**: before `append` writes into a block that another sequence has too, it copies the block.
# - `free(sequence)` ends a sequence; a block that nobody has is free again. `n_free_blocks()` counts these. A second `free` of the
#   same sequence must not free anything.
#
# `append(sequence, k [n_kv_heads, n_new, d_head], v)`, `gather(sequence) -> (k, v)`, each `[n_kv_heads, length, d_head]`
#
# <details><summary>Hint 1: the idea</summary>
#
# Token `i` of a sequence lies in block `table[i // block_size]`, at place `i % block_size`. For each block count its owners.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# append: end    = length + number of new tokens
#         shared = the last block is not full, and has more than one owner
#         needed = blocks for end tokens - blocks in the table + (1 if shared)
#         raise MemoryError if needed are not free
#         if shared: take a block, copy the last one into it, put it in its place; one owner fewer
#         take blocks until the table is long enough; write the tokens
# fork:   copy the table and the length; one owner more for each block
# free:   one owner fewer for each block; without owners it is free
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# Copy on write counts as a needed block too, and it happens *only* when the last block is not full: a full block is never written
# again. And `self.tables[copy] = self.tables[sequence]` is no copy of the table.
#
# </details></details></details>


# %% id="paged-cache" tags=["exercise"]
class PagedCache:
    """Keys and values in blocks; a table of blocks for each sequence."""

    def __init__(self, n_blocks: int, n_kv_heads: int, d_head: int, block_size: int = 16):
        self.block_size = block_size
        self.keys = torch.zeros(n_blocks, n_kv_heads, block_size, d_head)
        self.values = torch.zeros_like(self.keys)
        self.owners = [0] * n_blocks
        self.tables: dict[int, list[int]] = {}
        self.lengths: dict[int, int] = {}
        self.started = 0

    def n_free_blocks(self) -> int:
        ### BEGIN SOLUTION
        return self.owners.count(0)
        ### END SOLUTION

    def allocate(self) -> int:
        ### BEGIN SOLUTION
        sequence, self.started = self.started, self.started + 1
        self.tables[sequence], self.lengths[sequence] = [], 0
        return sequence
        ### END SOLUTION

    def append(self, sequence: int, k: Tensor, v: Tensor) -> None:
        ### BEGIN SOLUTION
        table, length = self.tables[sequence], self.lengths[sequence]
        end = length + k.shape[1]
        shared = length % self.block_size > 0 and self.owners[table[-1]] > 1
        needed = -(-end // self.block_size) - len(table) + shared
        if needed > self.n_free_blocks():
            raise MemoryError(f"{needed} blocks are needed, {self.n_free_blocks()} are free")
        if shared:
            old, table[-1] = table[-1], self._take()
            self.owners[old] -= 1
            self.keys[table[-1]], self.values[table[-1]] = self.keys[old], self.values[old]
        while len(table) * self.block_size < end:
            table.append(self._take())
        for i, position in enumerate(range(length, end)):
            block, place = table[position // self.block_size], position % self.block_size
            self.keys[block, :, place], self.values[block, :, place] = k[:, i], v[:, i]
        self.lengths[sequence] = end
        ### END SOLUTION

    def gather(self, sequence: int) -> tuple[Tensor, Tensor]:
        ### BEGIN SOLUTION
        table, length = self.tables[sequence], self.lengths[sequence]
        k, v = (x[table].transpose(0, 1).flatten(1, 2) for x in (self.keys, self.values))
        return k[:, :length], v[:, :length]
        ### END SOLUTION

    def fork(self, sequence: int) -> int:
        ### BEGIN SOLUTION
        copy = self.allocate()
        self.tables[copy], self.lengths[copy] = [*self.tables[sequence]], self.lengths[sequence]
        for block in self.tables[copy]:
            self.owners[block] += 1
        return copy
        ### END SOLUTION

    def free(self, sequence: int) -> None:
        ### BEGIN SOLUTION
        del self.lengths[sequence]
        for block in self.tables.pop(sequence):
            self.owners[block] -= 1
        ### END SOLUTION

    def _take(self) -> int:
        block = self.owners.index(0)
        self.owners[block] = 1
        return block


# %% id="paged-cache-check" tags=["check"]
check("kv_cache.paged_cache", PagedCache)
PagedCache = mine_or_reference("kv_cache.paged_cache", PagedCache)

# %% [markdown] id="sharing"
# Ten answers are drawn to one prompt of 200 tokens, each 30 tokens long. Without sharing that takes 10 times the blocks for 230
# tokens. How many blocks of 16 does it take with sharing?

# %% id="predict-blocks"
my_blocks = None

# %% id="sharing-counted"
pool = PagedCache(n_blocks=400, n_kv_heads=3, d_head=32)
question = pool.allocate()
pool.append(question, torch.randn(3, 200, 32), torch.randn(3, 200, 32))
answers = [pool.fork(question) for _ in range(10)]
for answer in answers:
    for _ in range(30):
        pool.append(answer, torch.randn(3, 1, 32), torch.randn(3, 1, 32))
blocks = 400 - pool.n_free_blocks()
print(f"with sharing {blocks} blocks, without {10 * -(-230 // 16)} · you predicted {my_blocks}")
shared, own = 200 // 16, -(-230 // 16) - 200 // 16
print(f"{shared} full ones shared + {own} for each of ten + 1, half full, of the question")
counted = blocks * 2 * pool.keys[0].nbytes
alone = cache_bytes(
    [230] * 10, n_layers=1, n_kv_heads=3, d_head=32, bytes_per_value=4, block_size=16
)
print(f"{counted:,} bytes of blocks in use; ten whole sequences take {alone:,} by the formula")
for sequence in (question, *answers):
    pool.free(sequence)
print("free again:", pool.n_free_blocks(), "of 400")

# %% [markdown] id="roofline"
# ## 6 · Why is decoding slow?
#
# To compute, a chip has to fetch numbers. Its **arithmetic intensity** is how many FLOPs a piece of work does for each byte
# it fetches. We count: FLOPs of the matrix products, bytes of all weights and of the cached keys and values, in bfloat16.
# Is the intensity of a prefill of 256 tokens 2, 25 or 250 times that of writing token 257?

# %% id="predict-intensity"
my_times = None

# %% id="count-flops"
weights_bytes = 2 * model.num_parameters()
kv_bytes = cache_bytes([1], **shape | {"bytes_per_value": 2})  # of one token


@torch.no_grad()
def flops(new: int, cached: int) -> int:
    """FLOPs of the matrix products for new tokens behind cached ones."""
    cache = Cache(layers=[GroupedCache() for _ in range(config.num_hidden_layers)])
    if cached:
        model(ids.new_ones(1, cached), past_key_values=cache)
    with FlopCounterMode(display=False) as counter:
        model(ids.new_ones(1, new), past_key_values=cache)
    return counter.get_total_flops()


model.set_attn_implementation("eager")  # plain matrix products, which can be counted
prefill, decode = flops(256, 0), flops(1, 256)
model.set_attn_implementation("sdpa")
reads = prefill / (weights_bytes + 256 * kv_bytes)
writes = decode / (weights_bytes + 257 * kv_bytes)
print(f"prefill of 256: {reads:6.2f} FLOPs a byte")
print(f"token 257:      {writes:6.2f} FLOPs a byte")
print(f"{reads / writes:.0f} times · you predicted {my_times}")

# %% [markdown] id="roofline-seen"
# Both fetch all weights once. The prefill uses each for 256 tokens, decoding for one. A chip that can do more FLOPs than that for each
# byte waits for its memory. The **roofline** draws it: below the bend, speed is bandwidth times intensity.
#
# A batch of sequences shares the weights, but each has keys and values of its own. In the explorer make the batch larger:
# does decoding get over the bend? Then make the context longer. The chip is an NVIDIA A100 80GB SXM by its datasheet: 312 TFLOP/s
# in bfloat16, 2,039 GB/s. The model is one of 7 billion parameters: 32 blocks of width 4096, 32 query heads, `kv_heads` KV heads. Two more
# lines stand where the counts above put our own model.

# %% id="explorer"
PEAK, BANDWIDTH = 312e12, 2.039e12


def roofline(batch: int, context: int, kv_heads: int) -> Picture:
    """Decoding of one token a sequence: the plain function behind the sliders."""
    kv = batch * cache_bytes([context], 32, kv_heads, 128)
    flops_a_byte = batch * (2 * 7e9 + 4 * 32 * 4096 * context) / (2 * 7e9 + kv)
    speed, bend = min(PEAK, flops_a_byte * BANDWIDTH) / 1e12, PEAK / BANDWIDTH
    roof = [(x, min(PEAK, x * BANDWIDTH) / 1e12) for x in (0.1, bend, 10_000)]
    here = {"roof": roof, "decoding": [(flops_a_byte, 0.1), (flops_a_byte, speed)]}
    for label, x in {"our prefill": reads, "our token 257": writes}.items():
        here[label] = [(x, 0.1), (x, min(PEAK, x * BANDWIDTH) / 1e12)]
    title = f"{speed / 312:.1%} of the peak; weights 14.0 GB, cache {kv / 1e9:.1f} GB"
    fig = curves(here, "FLOPs for each byte", "TFLOP/s", log_x=True, log_y=True, title=title)
    alt = f"A roof that bends at {bend:.0f} FLOPs a byte; decoding at {flops_a_byte:.1f}. {title}."
    return Picture(fig, alt, state=f"batch={batch} context={context} kv_heads={kv_heads}")


explorer(
    roofline,
    batch=slider(1, 1, 256, 1),
    context=slider(1024, 128, 32768, 128),
    kv_heads=menu(32, [1, 2, 4, 8, 16, 32]),
)

# %% [markdown] id="speed-up"
# ## 7 · What does the cache gain?
#
# Written without a cache, token n costs a pass over n tokens; with it, a pass over one. A prompt of 16 tokens is continued
# to a text of 256. Write down, before you run: how many times fewer FLOPs does that take with a cache?

# %% id="predict-speed-up"
my_speed_up = None

# %% id="speed-up-counted"
per_token = 2 * (model.num_parameters() - config.vocab_size * config.hidden_size)
head = 2 * config.vocab_size * config.hidden_size
attended = 4 * config.num_hidden_layers * config.hidden_size  # for each pair of query and key


def flops_by_formula(new: int, cached: int) -> int:
    return new * (per_token + head + attended * (new + cached))


for new, cached, counted in ((256, 0, prefill), (1, 256, decode)):
    ratio = flops_by_formula(new, cached) / counted
    print(f"{new} new, {cached} cached: formula / counted = {ratio:.3f}")


def gain(total: int, prompt: int = 16) -> float:
    """FLOPs without a cache over FLOPs with one, for a text of so many tokens."""
    without = sum(flops_by_formula(n, 0) for n in range(prompt, total))
    cached = sum(flops_by_formula(1, n) for n in range(prompt, total - 1))
    return without / (flops_by_formula(prompt, 0) + cached)


totals = [32, 64, 128, 256, 512, 1024]
gains = [(total, gain(total)) for total in totals]
print("\n".join(f"{total:5} tokens: {ratio:6.1f} times fewer" for total, ratio in gains))
print(f"at 256: {gain(256):.0f} · you predicted {my_speed_up}")
show(
    curves({"without / with a cache": gains}, "tokens of the text", "ratio of FLOPs", log_x=True),
    f"FLOPs without a cache over FLOPs with one, rising from {gains[0][1]:.0f} at 32 tokens to "
    f"{gains[-1][1]:.0f} at 1024.",
)

# %% [markdown] id="batching"
# The gain grows in proportion to the text. The gain in seconds, on the machine at hand, is what the repository's
# `tests/benchmarks/kv_cache.py` measures.
#
# ## 8 · Who waits for whom?
#
# Decoding many sequences at once shares the weights. A *static* batch is decoded until its longest answer ends: the others
# have left empty places. A **continuous** batch lets the next request in as soon as a place and enough blocks are
# free. Forty requests arrive within 60 steps and ask for 4 to 119 tokens each; there are 8 places: what share of these does
# each kind of batch use?

# %% id="predict-batching"
my_use = {"static": None, "continuous": None}


# %% id="batching-counted"
def steps(requests: list[tuple[int, int, int]], continuous: bool, places=8, free=160) -> int:
    """Forward passes until all are served; a request is (arrival, prompt length, answer length)."""
    waiting, running, step = sorted(requests), [], 0
    while waiting or running:
        may_enter = continuous or not running
        while may_enter and waiting and waiting[0][0] <= step and len(running) < places:
            _, length, left = waiting[0]
            if (blocks := -(-(length + left) // 16)) > free:
                break
            running.append((waiting.pop(0)[2], blocks))
            free -= blocks
        running = [(left - 1, blocks) for left, blocks in running]
        free += sum(blocks for left, blocks in running if left == 0)
        running = [(left, blocks) for left, blocks in running if left]
        step += 1
    return step


rng = random.Random(0)
requests = [(rng.randrange(60), rng.randint(16, 128), rng.randint(4, 120)) for _ in range(40)]
for name in ("static", "continuous"):
    n = steps(requests, continuous=name == "continuous")
    use = sum(left for _, _, left in requests) / (8 * n)
    print(f"{name:11} {n:4} steps, {use:.2f} of the places · you predicted {my_use[name]}")

# %% [markdown] id="batching-seen"
# The same tokens in fewer steps. Here each request sets aside the blocks of its whole answer; a server that does not know its
# length takes blocks as they are needed and, when none is left, puts a sequence off.
#
# ## 9 · On a real model
#
# Your cache and your loop run on any causal model. Set the name and run the cell: about 1 GB is fetched once from the Hub.

# %% id="on-a-real-model"
REAL_MODEL = None  # "Qwen/Qwen2.5-0.5B-Instruct"

if REAL_MODEL is None:
    print('Not run: set REAL_MODEL to a model of the Hub, such as "Qwen/Qwen2.5-0.5B-Instruct".')
else:
    real_model, real_tokenizer = load_lm(REAL_MODEL)
    real_ids = real_tokenizer(prompt, return_tensors="pt").input_ids.to(real_model.device)
    real_cache = Cache(layers=[GroupedCache() for _ in range(real_model.config.num_hidden_layers)])
    print(prompt + real_tokenizer.decode(generate(real_model, real_ids, 24, real_cache)[0]))
    print(f"{sum(layer.nbytes for layer in real_cache.layers):,} bytes of keys and values")

# %% [markdown] id="remember"
# ## What to remember
#
# - Keys and values of a token never change once it is read: compute them once. A cache is exact.
# - Of S keys the last L are new: query i sees the keys up to S − L + i.
# - 2 · layers · KV heads · head width · bytes, for every token of every sequence. Grouped queries divide it.
# - Windows, sinks and eviction bound the memory and lose what they drop. Pages lose nothing: they waste less, and share.
# - Decoding fetches all weights for one token: it is bound by memory. Batches share the fetch.
#
# **Where it fails.** A cache is of use only where the past stays as it is: change a token in the middle, the prompt's template or the
# positions, and everything behind it is stale. Our windows keep the old positions, so a text longer than those seen
# in training is no better served than before.
#
# ## Papers
#
# - Ashish Vaswani et al.: [Attention Is All You Need](https://arxiv.org/abs/1706.03762), 2017. Section 3.2 is exercise 2.1.
# - Joshua Ainslie et al.: [GQA: Training Generalized Multi-Query Transformer Models from Multi-Head
#   Checkpoints](https://arxiv.org/abs/2305.13245), 2023. Grouped queries.
# - Guangxuan Xiao et al.: [Efficient Streaming Language Models with Attention Sinks](https://arxiv.org/abs/2309.17453), 2023.
# - Zhenyu Zhang et al.: [H2O: Heavy-Hitter Oracle for Efficient Generative Inference of Large
#   Language Models](https://arxiv.org/abs/2306.14048), 2023. Eviction by accumulated attention.
# - Woosuk Kwon et al.: [Efficient Memory Management for Large Language Model Serving with
#   PagedAttention](https://arxiv.org/abs/2309.06180), 2023. Blocks, tables, copy on write.
# - Samuel Williams, Andrew Waterman, David Patterson: [Roofline: An Insightful Visual Performance Model for
#   Multicore Architectures](https://doi.org/10.1145/1498765.1498785), 2009.
