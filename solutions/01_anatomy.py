# %% [markdown] id="title"
# # 01 · Anatomy: what a language model is made of, and what it costs
#
# You take six language models apart: the course's own and five published ones, from 124 million to 3 billion parameters. None is
# downloaded: their configurations are enough. You count what they hold, what memory a text takes, and what a token
# costs to compute, and check the counts on a model that runs.
#
# 75 minutes. You need Python classes and PyTorch modules; [notebook 00](00_sampling.ipynb) first.
#
# At the end you will be able to
#
# - read the parts of any decoder: blocks, heads, KV heads, feed-forward network, norms, embeddings;
# - count its parameters by part, and the memory to load it;
# - compute the bytes of its KV cache and the operations for a token;
# - find out by an experiment how its attention uses a mask.

# %% id="bootstrap" tags=["setup"]

# %% id="imports" tags=["setup"]
import bisect

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import AttentionInterface, AutoModelForCausalLM
from transformers.pytorch_utils import Conv1D

from course_utils.checks import check, mine_or_reference
from course_utils.models import load_config, load_lm
from course_utils.plots import Picture, growth_curves, memory_chart, show, stacked_bars
from course_utils.published import PUBLISHED, published
from course_utils.widgets import explorer, menu, slider

# %% [markdown] id="skeletons"
# ## 1 · How large is a model that you have not downloaded?
#
# A configuration is a list of sizes: so many layers, so wide, so many heads. It is all that PyTorch needs
# to build the model on the device `"meta"`, where a tensor has a shape and no data.
#
# A name such as gemma-3-1b-it says how many billion parameters a model has. How many million has this one?

# %% id="predict-parameters"
my_millions = None


# %% id="build-skeletons"
def skeleton(config):
    """The model of a configuration, its tensors without data."""
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config)


course_lm, tokenizer = load_lm()
models = {"course-lm": course_lm} | {name: skeleton(published(name)) for name in PUBLISHED}

# %% id="totals"
for name, model in models.items():
    total = sum(p.numel() for p in model.parameters())
    print(f"{name:14} {total:>13,} parameters")
gemma = models["gemma-3-1b-it"].num_parameters() / 1e6
print(f"gemma-3-1b-it: {gemma:.1f} million · you predicted {my_millions}")

# %% [markdown] id="totals-seen"
# A name is rounded: 1B can mean 1.24 billion, as in Llama-3.2-1B, or a little less than one.
#
# ## 2 · What is in a block?
#
# Every model is an embedding, a stack of **blocks**, a final norm and an unembedding. A block adds to the
# **residual stream**, the vector of each token, twice: once from attention, once from a feed-forward network (FFN).
# How many norms will you find in one block of gemma-3-1b-it?

# %% id="predict-norms"
my_norms = None

# %% id="one-block"
block = models["gemma-3-1b-it"].model.layers[0]
print(block)
norms = [module for module in block.modules() if "Norm" in type(module).__name__]
print("norms in this block:", len(norms), "· you predicted", my_norms)
print(models["gpt2"].transformer.h[0])

# %% [markdown] id="heads"
# One norm before and one after each of the two parts, and two *inside* attention, for queries and keys. The
# FFN has three matrices: what goes `up` is multiplied by the activation of what goes through the `gate`, then
# comes `down`. That is a **gated** FFN. GPT-2's block, below it, is plainer: two norms, an FFN of two matrices, and
# `c_attn`, which makes queries, keys and values in one product.
#
# In newer models several query heads share one head of keys and
# values, a **KV head**: *grouped queries*. How many query heads share a KV head in Qwen2.5-0.5B?

# %% id="predict-groups"
my_groups = None

# %% id="shapes"
print("               layers width heads/KV head_dim  FFN                     tied  local:global")
for name, model in models.items():
    c = model.config
    kv_heads = getattr(c, "num_key_value_heads", None) or c.num_attention_heads
    head_dim = getattr(c, "head_dim", None) or c.hidden_size // c.num_attention_heads
    names = ["hidden_act", "hidden_activation", "activation_function"]
    activation = next(getattr(c, x) for x in names if hasattr(c, x))
    gated = any("gate_proj" in path for path, _ in model.named_parameters())
    ffn = f"{'gated' if gated else 'plain'} {activation}"
    tied = model.get_output_embeddings().weight is model.get_input_embeddings().weight
    local = (getattr(c, "layer_types", None) or []).count("sliding_attention")
    heads = f"{c.num_attention_heads}/{kv_heads}"
    print(
        f"{name:14} {c.num_hidden_layers:5} {c.hidden_size:6} {heads:>7} {head_dim:8}   {ffn:23} "
        f"{'yes' if tied else 'no':4} {local:4}:{c.num_hidden_layers - local}"
    )
qwen = models["Qwen2.5-0.5B"].config
groups = qwen.num_attention_heads // qwen.num_key_value_heads
print(f"query heads on each KV head of Qwen2.5-0.5B: {groups} · you predicted {my_groups}")

# %% [markdown] id="exercise-count-parameters"
# Three things to keep in mind: GPT-2's configuration names no KV heads, gemma-3-1b-it has heads of a width of their
# own (4 · 256 is not 1152), and most of its layers are **local**: their tokens see the last 512 only.
#
# ## Exercise 1.1 · Parameters by part
#
# difficulty ●●○○○ · 15 minutes · 5 points
#
# **Goal.** Count the parameters of any decoder of Hugging Face in five parts, `"embedding"`, `"attention"`, `"ffn"`,
# `"norm"` and `"unembedding"`. The five add up to all that the model has. Every norm is `"norm"`, those inside
# attention too; learned positions are `"embedding"`; biases count where they stand. A *tied* unembedding is the
# embedding's own tensor: count it once, as `"embedding"`.
#
# `count_parameters(model) -> {"embedding": int, "attention": int, "ffn": int, "norm": int, "unembedding": int}`
#
# <details><summary>Hint 1: the idea</summary>
#
# `model.named_parameters()` gives every parameter once, with its path, such as
# `model.layers.0.self_attn.q_norm.weight`. The module that owns it is
# `model.get_submodule(path without its last word)`.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# for each path and parameter:
#     owner = the module at the path without its last word
#     embedding    if the owner is an nn.Embedding
#     unembedding  if the owner is model.get_output_embeddings()
#     norm         if the class of the owner has "norm" in its name
#     attention    if the path has "attn" or "attention" in it
#     ffn          otherwise
#     add parameter.numel() to that part
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# The order of the questions. `self_attn.q_norm` and `self_attn_layer_norm` are norms, and only a question about norms
# that comes *before* the one about attention finds them. And ask what is left over, not for `"mlp"`: not every FFN
# is called so.
#
# </details></details></details>


# %% id="count-parameters" tags=["exercise"]
def count_parameters(model) -> dict[str, int]:
    """Parameters by part; the parts add up to all that the model has."""
    counts = {"embedding": 0, "attention": 0, "ffn": 0, "norm": 0, "unembedding": 0}
    ### BEGIN SOLUTION
    for path, parameter in model.named_parameters():
        owner = model.get_submodule(path.rpartition(".")[0])
        if isinstance(owner, nn.Embedding):
            part = "embedding"
        elif owner is model.get_output_embeddings():
            part = "unembedding"
        elif "norm" in type(owner).__name__.lower():
            part = "norm"
        elif "attn" in path or "attention" in path:
            part = "attention"
        else:
            part = "ffn"
        counts[part] += parameter.numel()
    return counts
    ### END SOLUTION


# %% id="count-parameters-check" tags=["check"]
check("anatomy.count_parameters", count_parameters)
count_parameters = mine_or_reference("anatomy.count_parameters", count_parameters)

# %% [markdown] id="shares"
# ## 3 · Where are the parameters?
#
# How many percent of the parameters of Llama-3.2-1B are in attention?

# %% id="predict-share"
my_percent = None

# %% id="measure-shares"
counts = {name: count_parameters(model) for name, model in models.items()}
shares = {
    name: {part: 100 * count / sum(parts.values()) for part, count in parts.items()}
    for name, parts in counts.items()
}
print("               " + " ".join(f"{part:>11}" for part in counts["gpt2"]))
for name, parts in counts.items():
    assert sum(parts.values()) == models[name].num_parameters()
    print(f"{name:14} " + " ".join(f"{count / 1e6:10.2f}M" for count in parts.values()))
llama = shares["Llama-3.2-1B"]
print(f"attention in Llama-3.2-1B: {llama['attention']:.0f} % · you predicted {my_percent} %")

# %% id="show-shares"
show(
    stacked_bars(shares, "percent of the parameters"),
    f"Six bars of 100 percent. The FFN is the widest part of each: {llama['ffn']:.0f} percent of "
    f"Llama-3.2-1B, where attention has {llama['attention']:.0f}.",
)
for name in ["Qwen2.5-3B", "Qwen2.5-0.5B"]:
    print(f"the embedding of {name}: {shares[name]['embedding']:.0f} %")

# %% [markdown] id="load-memory"
# In every block the FFN holds more than attention. And a vocabulary does not shrink with the model: the embedding weighs
# far more in the smaller of the two Qwens. All six tie their embeddings, so the unembedding has nothing of its own.
#
# ## 4 · What does it take to load?
#
# Parameters times bytes: 4 in fp32, 2 in bf16, half a byte in int4. (Formats with 4 bits also store a scale for each
# group of numbers: this is their lower bound.) How many GB does Qwen2.5-3B need in int4?

# %% id="predict-memory"
my_gigabytes = None

# %% id="memory"
print("                  fp32     bf16     int4   in GB")
for name, parts in counts.items():
    sizes = [sum(parts.values()) * width / 1e9 for width in (4, 2, 0.5)]
    print(f"{name:14} " + " ".join(f"{size:8.3f}" for size in sizes))
print(f"Qwen2.5-3B in int4: {sum(counts['Qwen2.5-3B'].values()) / 2e9:.2f} GB", end=" ")
print(f"· you predicted {my_gigabytes} GB")

# %% [markdown] id="exercise-kv-bytes"
# ## 5 · What does a text take?
#
# While a model writes, it keeps the keys and values of all tokens so far: the **KV cache**. It comes on top of
# the weights, and it grows with every token.
#
# ## Exercise 1.2 · Bytes of the KV cache
#
# difficulty ●●●○○ · 15 minutes · 5 points
#
# **Goal.** From the configuration alone:
#
# $$2 \cdot \text{batch} \cdot \text{KV heads} \cdot \text{head dim} \cdot \text{bytes per value} \cdot \sum_{\text{layers}} \min(\text{length}, \text{window})$$
#
# A global layer has no window: it keeps all `length` tokens. It has to be right for Qwen2, Llama, GPT-2 and Gemma 3. Where
# a configuration names no KV heads, there are as many as query heads; where it names no `head_dim`, it is
# `hidden_size // num_attention_heads`; where it has no `layer_types`, take all layers as global. `length` may be more than
# the model can read, `bytes_per_value` a fraction.
#
# `kv_cache_bytes(config, batch, length, bytes_per_value=2) -> bytes`
#
# <details><summary>Hint 1: the idea</summary>
#
# Find out three things first: the KV heads, the width of a head, and for each layer how many tokens it keeps.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# kv_heads = config.num_key_value_heads, or else config.num_attention_heads
# head_dim = config.head_dim, or else config.hidden_size // config.num_attention_heads
# kept = 0
# for each layer:
#     kept += min(length, config.sliding_window) if its type is "sliding_attention" else length
# return 2 * batch * kv_heads * head_dim * bytes_per_value * kept
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `getattr(config, "head_dim", None) or ...` finds an entry that is missing and one that is `None`. And in these models a
# `sliding_window` alone says nothing: only the layers whose entry in `config.layer_types` is
# `"sliding_attention"` use it.
#
# </details></details></details>


# %% id="kv-bytes" tags=["exercise"]
def kv_cache_bytes(config, batch: int, length: int, bytes_per_value: float = 2) -> float:
    """Bytes of the keys and values of `batch` sequences of `length` tokens."""
    ### BEGIN SOLUTION
    kv_heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    types = getattr(config, "layer_types", None) or ["full_attention"] * config.num_hidden_layers
    kept = sum(
        min(length, config.sliding_window) if kind == "sliding_attention" else length
        for kind in types
    )
    return 2 * batch * kv_heads * head_dim * bytes_per_value * kept
    ### END SOLUTION


# %% id="kv-bytes-check" tags=["check"]
check("anatomy.kv_bytes", kv_cache_bytes)
kv_cache_bytes = mine_or_reference("anatomy.kv_bytes", kv_cache_bytes)

# %% [markdown] id="real-cache"
# Does the formula hold? The course's model runs, and its cache can be weighed:

# %% id="weigh-cache"
prompts = tokenizer("The Space Needle is located in the city of", return_tensors="pt").input_ids
ids = prompts.repeat(3, 1).to(course_lm.device)  # [batch, pos]
with torch.no_grad():
    cache = course_lm(ids, use_cache=True).past_key_values
tensors = [tensor for layer in cache.layers for tensor in (layer.keys, layer.values)]
print(
    f"{len(tensors)} tensors of shape {tuple(tensors[0].shape)}  [batch, KV heads, pos, head_dim]"
)
weighed = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
formula = kv_cache_bytes(course_lm.config, *ids.shape, bytes_per_value=course_lm.dtype.itemsize)
print(f"weighed {weighed:,} bytes · formula {formula:,} bytes")
assert weighed == formula

# %% [markdown] id="cache-ratio"
# gpt2 has 25 times fewer parameters than Qwen2.5-3B. How many times smaller is the cache of one token, in bf16?

# %% id="predict-cache"
my_ratio = None

# %% id="cache-per-token"
for name, model in models.items():
    print(f"{name:14} {kv_cache_bytes(model.config, 1, 1):>7,} bytes for the first token")
ratio = kv_cache_bytes(models["Qwen2.5-3B"].config, 1, 1) / kv_cache_bytes(
    models["gpt2"].config, 1, 1
)
print(f"Qwen2.5-3B / gpt2: {ratio:.1f} · you predicted {my_ratio}")

# %% [markdown] id="cache-seen"
# The same. Qwen2.5-3B has three times as many layers and longer keys, but 2 KV heads where gpt2 has 12: that is what grouped
# queries are for. Now let the text grow, as far as each model can read:

# %% id="show-growth"
curves = {}
for name, model in models.items():
    longest = model.config.max_position_embeddings
    lengths = [2**k for k in range(6, 18) if 2**k <= longest]
    curves[name] = lengths, [kv_cache_bytes(model.config, 1, n) / 1e6 for n in lengths]
gemma = kv_cache_bytes(models["gemma-3-1b-it"].config, 1, 32768)
small = kv_cache_bytes(models["Qwen2.5-0.5B"].config, 1, 32768)
show(
    growth_curves(curves, "tokens", "KV cache in MB (bf16, one text)"),
    "KV cache against length, both axes logarithmic: straight lines, but that of gemma-3-1b-it "
    f"bends at 512 tokens. At 32,768 it needs {gemma / 1e6:.0f} MB, "
    f"Qwen2.5-0.5B {small / 1e6:.0f} MB.",
)
print(f"at 32,768 tokens: gemma-3-1b-it {gemma / 1e6:.0f} MB, Qwen2.5-0.5B {small / 1e6:.0f} MB")

# %% [markdown] id="growth-seen"
# The line of gemma-3-1b-it bends where its local layers are full: from there only the global ones grow. When does
# the cache weigh more than the model itself?


# %% id="overtaking"
def overtaking_length(config, weight_bytes: float, batch: int) -> int:
    """The length from which the KV cache (bf16) weighs at least as much as the weights."""
    lengths = range(10_000_000)
    return bisect.bisect_left(
        lengths, weight_bytes, key=lambda length: kv_cache_bytes(config, batch, length)
    )


print("                batch 1   batch 32   it can read")
for name, model in models.items():
    weight_bytes = 2 * model.num_parameters()
    crossings = [overtaking_length(model.config, weight_bytes, batch) for batch in (1, 32)]
    longest = model.config.max_position_embeddings
    print(f"{name:14} {crossings[0]:>8,} {crossings[1]:>10,} {longest:>13,} tokens")

# %% [markdown] id="exercise-flops"
# One text outweighs its model only in Llama-3.2-1B, which reads far enough; 32 texts at a time can do so in every model.
#
# ## 6 · What does a token cost to compute?
#
# ## Exercise 1.3 · FLOPs per token
#
# difficulty ●●●○○ · 15 minutes · 4 points
#
# **Goal.** Count the floating-point operations (FLOPs) for *one* token that attends to `length` keys, its own among them.
# The convention: matrix products only, a multiplication with its addition as **2**. So each weight of each linear map
# costs 2, the unembedding included, tied or not; biases, norms and lookups cost nothing. In attention the query
# of each head meets every key, and each attention weight its value: $4 \cdot \text{heads} \cdot \text{head dim}$ for each key and layer.
# The token is the last one, so no key is hidden from it; but a local layer has only $\min(\text{length}, \text{window})$ of them.
#
# `flops_per_token(model, length) -> int`
#
# <details><summary>Hint 1: the idea</summary>
#
# Go through `model.modules()`, not through the parameters: a tied unembedding is a module of its own, although its
# weight is not a parameter of its own.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# products = 2 * the sum of module.weight.numel() over all modules that are linear maps
# keys     = the sum over layers of min(length, window), as in the cache
# return products + 4 * heads * head_dim * keys
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `isinstance(module, nn.Linear | Conv1D)`: GPT-2's maps are of transformers' class `Conv1D`. And in attention it
# is the *query* heads that work, all of them, times `head_dim`; where a model has a `head_dim` of its own, that is not
# `hidden_size`.
#
# </details></details></details>


# %% id="flops" tags=["exercise"]
def flops_per_token(model, length: int) -> int:
    """FLOPs in matrix products for one token that attends to `length` keys."""
    config = model.config
    ### BEGIN SOLUTION
    maps = [module for module in model.modules() if isinstance(module, nn.Linear | Conv1D)]
    products = 2 * sum(module.weight.numel() for module in maps)
    heads = config.num_attention_heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // heads
    types = getattr(config, "layer_types", None) or ["full_attention"] * config.num_hidden_layers
    keys = sum(
        min(length, config.sliding_window) if kind == "sliding_attention" else length
        for kind in types
    )
    return products + 4 * heads * head_dim * keys
    ### END SOLUTION


# %% id="flops-check" tags=["check"]
check("anatomy.flops", flops_per_token)
flops_per_token = mine_or_reference("anatomy.flops", flops_per_token)

# %% [markdown] id="prefill-decode"
# A prompt goes through the model in one pass, the **prefill**; then each new token has a pass of its own, **decode**. PyTorch can
# count what really runs. How many times the FLOPs of a token of the prefill does a token of the decode take, among the same keys?

# %% id="predict-decode"
my_times = None


# %% id="measure-flops"
@torch.no_grad()
def counted(model, ids, cache=None) -> int:
    """FLOPs that PyTorch counts in one pass, without the angles of the rotary embedding."""
    with FlopCounterMode(display=False) as counter:
        model(ids, past_key_values=cache, use_cache=True)
    found = counter.get_flop_counts()
    rotary = [sum(found[path].values()) for path in found if path.endswith(".rotary_emb")]
    return counter.get_total_flops() - sum(rotary)


length = 128
ids = torch.randint(len(tokenizer), (1, length), generator=torch.Generator().manual_seed(0))
course_lm.set_attn_implementation("eager")  # every product in the open
with torch.no_grad():
    cache = course_lm(ids[:, :-1], use_cache=True).past_key_values  # all tokens but the last
prefill = counted(course_lm, ids) / length
decode = counted(course_lm, ids[:, -1:], cache)
course_lm.set_attn_implementation("sdpa")
print(f"a token of the prefill {prefill:,.0f} FLOPs, of the decode {decode:,}")
print(f"by your formula        {flops_per_token(course_lm, length):,}")
print(f"decode / prefill: {decode / prefill:.1f} · you predicted {my_times}")
assert prefill == decode == flops_per_token(course_lm, length)

# %% [markdown] id="flops-seen"
# To the operation: PyTorch counts whole products, whatever the mask hides. A kernel that knows the mask can skip the future, about
# half of attention in a prefill. Your formula does not; it leaves out what lies before a window, but all layers of the course's
# model are global. A known rule of thumb says 2 FLOPs for each parameter. When does it hold? Guess for Llama-3.2-1B with
# 32,768 keys: by how many percent is a token above the rule?

# %% id="predict-attention"
my_excess = None

# %% id="rule-of-thumb"
print("FLOPs per token, in percent of 2 per parameter")
print("keys                  1     1,024    32,768")
for name, model in models.items():
    rule = 2 * model.num_parameters()
    row = [n for n in (1, 1024, 32768) if n <= model.config.max_position_embeddings]
    print(f"{name:14} " + " ".join(f"{100 * flops_per_token(model, n) / rule:8.0f}" for n in row))
llama_lm = models["Llama-3.2-1B"]
excess = 100 * (flops_per_token(llama_lm, 32768) / (2 * llama_lm.num_parameters()) - 1)
print(f"Llama-3.2-1B above the rule: {excess:.0f} % · you predicted {my_excess} %")

# %% [markdown] id="exercise-masking"
# With one key the rule is good. At 32,768 attention is the larger part in the Llama and both Qwens; the local layers of gemma-3-1b-it keep it
# nearer to the rule. The narrower a model, the sooner its attention counts: see course-lm at 1,024.
#
# ## 7 · How does a mask hide the future?
#
# There are two ways. An **additive** mask is added to the scores before the softmax: 0 lets through, $-\infty$ hides. A
# **multiplicative** one multiplies the weights after it, which are then divided by their new sum: 1 lets through, 0 hides.
# Transformers passes a mask of shape `[1, 1, pos, pos]` on as it is.
#
# ## Exercise 1.4 · Which masking?
#
# difficulty ●●○○○ · 10 minutes · 3 points
#
# **Goal.** Find out by an experiment which of the two a model does. The answer has to come from running the model, not from
# its name; the model stays as it was. It is in eval mode, and need not return attention weights.
#
# `masking(model) -> "additive" or "multiplicative"`
#
# <details><summary>Hint 1: the idea</summary>
#
# Run a mask that hides the future if it is multiplied, and hides nothing if it is added. Then look whether the future is hidden.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# mask = ones on and below the diagonal, zeros above it, of shape [1, 1, pos, pos]
# one  = a text of a few token ids
# two  = the same with another last token
# compare the logits at the first position, under the mask, of one and of two
# equal up to rounding -> the future is hidden -> "multiplicative", else "additive"
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `model(ids, attention_mask=mask).logits[0, 0]`: the *first* position. The last one sees the change with any mask. The mask
# has to be of floats (`dtype=model.dtype`) and of four dimensions: a boolean one chooses keys, and one of two dimensions is
# taken for padding.
#
# </details></details></details>


# %% id="masking" tags=["exercise"]
@torch.no_grad()
def masking(model) -> str:
    """What the model does with a mask: "additive" or "multiplicative"."""
    ### BEGIN SOLUTION
    mask = torch.ones(1, 1, 4, 4, dtype=model.dtype, device=model.device).tril()
    one = torch.tensor([[1, 2, 3, 4]], device=model.device)
    two = torch.tensor([[1, 2, 3, 5]], device=model.device)
    first, second = (model(ids, attention_mask=mask).logits[0, 0] for ids in (one, two))
    return "multiplicative" if torch.allclose(first, second) else "additive"
    ### END SOLUTION


# %% id="masking-check" tags=["check"]
check("anatomy.masking", masking)
masking = mine_or_reference("anatomy.masking", masking)

# %% [markdown] id="masking-models"
# So what happens to the course's model under a causal mask of ones and zeros? Change the last token: does the first one notice?
# Write `True` or `False`.

# %% id="predict-leak"
my_leak = None

# %% [markdown] id="masking-small"
# A skeleton cannot run. But how a model masks is in its code, not in its weights: a small model with random weights and the
# same code will do. The last model below has an attention that was written to multiply:


# %% id="try-masking"
def multiply(module, query, key, value, attention_mask, scaling, **kwargs):
    """Attention whose weights are multiplied by the mask."""
    key, value = (x.repeat_interleave(module.num_key_value_groups, dim=1) for x in (key, value))
    weights = (query @ key.transpose(2, 3) * scaling).softmax(-1) * attention_mask
    weights = weights / weights.sum(-1, keepdim=True)
    return (weights @ value).transpose(1, 2), weights


AttentionInterface.register("multiply", multiply)
sizes = {"num_hidden_layers": 2, "hidden_size": 48, "vocab_size": 64, "initializer_range": 0.4}
no_ids = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
torch.manual_seed(0)
for name in ["gpt2", "gemma-3-1b-it", "Qwen2.5-3B"]:
    shrunken = published(name, **sizes, **no_ids, num_attention_heads=4, layer_types=None)
    print(f"{name:20}", masking(AutoModelForCausalLM.from_config(shrunken).eval()))
print(
    f"{'course-lm':20}",
    masking(course_lm),
    "· you predicted that its first token notices:",
    my_leak,
)
course_lm.set_attn_implementation("multiply")
print(f"{'course-lm, multiply':20}", masking(course_lm))
course_lm.set_attn_implementation("sdpa")

# %% [markdown] id="masking-seen"
# All the real ones add, so yes: under a mask of ones and zeros the first token of the course's model notices the last. Such a
# mistake raises no error; it lets a model read what it has to predict. The mask that it expects:

# %% id="right-mask"
ids = torch.tensor([[1, 2, 3, 4], [1, 2, 3, 5]], device=course_lm.device)
ones = torch.ones(4, 4, device=course_lm.device)
masks = {"ones and zeros": ones.tril(), "zeros and -inf": torch.full_like(ones, -torch.inf).triu(1)}
for label, mask in masks.items():
    with torch.no_grad():
        logits = course_lm(ids, attention_mask=mask[None, None].expand(2, 1, 4, 4)).logits[:, 0]
    hidden = torch.allclose(logits[0], logits[1], atol=1e-4)
    print(f"{label}: the first token {'does not notice' if hidden else 'notices'} the last one")

# %% [markdown] id="explore"
# ## 8 · Explore
#
# Weights and KV cache in bf16. Where does the cache overtake the weights? Compare gemma-3-1b-it and Llama-3.2-1B at the same
# batch; then find the batch at which gpt2's cache outgrows its weights within the 1,024 tokens it can read.


# %% id="explorer"
def budget(model: str, batch: int, length: int) -> Picture:
    """Weights by part and KV cache: the plain function behind the controls."""
    config = models[model].config
    weights = {part: 2 * count for part, count in counts[model].items()}
    longest = config.max_position_embeddings
    length = min(length, longest)
    lengths = [round(longest * i / 64) for i in range(65)]
    cache = [kv_cache_bytes(config, batch, n) for n in lengths]
    now = kv_cache_bytes(config, batch, length)
    crossing = overtaking_length(config, sum(weights.values()), batch)
    where = f"from {crossing:,} tokens on" if crossing <= longest else "nowhere in reach"
    title = f"{model}, batch {batch}, {length:,} tokens\nThe cache outweighs the weights {where}"
    sizes = f"Weights {sum(weights.values()) / 1e6:,.0f} MB, KV cache {now / 1e6:,.0f} MB."
    alt = ". ".join([*title.splitlines(), sizes])
    fig = memory_chart(weights, lengths, cache, length, now, title)
    return Picture(fig, alt, state=f"model={model} batch={batch} length={length}")


explorer(
    budget,
    model=menu("Llama-3.2-1B", list(models)),
    batch=slider(8, 1, 64, 1),
    length=slider(16384, 1024, 131072, 1024),
)

# %% [markdown] id="limits"
# ## 9 · Where counting fails
#
# Operations are not seconds. A pass reads all weights once, whatever the number of tokens in it. How many
# FLOPs are done for each byte of weights read?

# %% id="intensity"
weight_bytes = 2 * llama_lm.num_parameters()
for label, tokens in [
    ("decode, 1 token", 1),
    ("decode, batch of 32", 32),
    ("prefill, 1,024 tokens", 1024),
]:
    print(
        f"{label:22} {tokens * flops_per_token(llama_lm, 1024) / weight_bytes:8.1f} FLOPs per byte"
    )

# %% [markdown] id="limits-seen"
# A token costs the same operations in prefill and decode, but in decode the weights are read for that one token alone: memory, not
# arithmetic, sets the pace. That is the subject of [notebook 02](02_kv_cache.ipynb). The counts here are also for *dense* decoders: a mixture of
# experts uses a part of its weights for each token, some models compress their keys and values, and the first Mistral has a
# window in every layer but no `layer_types` that say so.
#
# ## 10 · On a real model
#
# Set a name: only the configuration is fetched from the Hub, a few kilobytes, whatever the model's size.

# %% id="on-a-real-model"
REAL_MODEL = None  # "Qwen/Qwen2.5-72B-Instruct"

if REAL_MODEL is None:
    print('Not run: set REAL_MODEL to a model of the Hub, such as "Qwen/Qwen2.5-72B-Instruct".')
else:
    real = skeleton(load_config(REAL_MODEL))
    for part, count in count_parameters(real).items():
        print(f"{part:12} {count:>16,}")
    print(f"bf16 weights {2 * real.num_parameters() / 1e9:.1f} GB")
    print(f"KV cache of 32,768 tokens {kv_cache_bytes(real.config, 1, 32768) / 1e9:.2f} GB")
    print(f"FLOPs for a token after 1,023 others {flops_per_token(real, 1024):,}")

# %% [markdown] id="remember"
# ## What to remember
#
# - A configuration is enough to know a model's size: build it on `device="meta"`.
# - Most of a block is its FFN, gated in newer models; in small models the embedding weighs much, tied or not.
# - The KV cache counts KV heads, not query heads; a local layer keeps no more than its window.
# - A token costs 2 FLOPs for each weight of a linear map, and 4 · heads · head_dim for each key in each layer, in prefill and
#   decode alike.
# - A mask for transformers is added: 0 and $-\infty$. Ones and zeros hide nothing there, and raise no error.
#
# ## Papers
#
# - Joshua Ainslie et al.: [GQA: Training Generalized Multi-Query Transformer Models from Multi-Head
#   Checkpoints](https://arxiv.org/abs/2305.13245), 2023. Grouped queries.
# - Gemma Team: [Gemma 3 Technical Report](https://arxiv.org/abs/2503.19786), 2025. Local layers to save KV cache.
# - Jared Kaplan et al.: [Scaling Laws for Neural Language Models](https://arxiv.org/abs/2001.08361), 2020, section 2.1. FLOPs
#   from parameters; it leaves the embeddings out.
