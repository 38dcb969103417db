"""From logits to text: temperature, top-k, top-p and the sampling loop.

Sources: top-k sampling, Fan, Lewis and Dauphin, "Hierarchical Neural Story Generation" (2018);
top-p (nucleus) sampling, Holtzman et al., "The Curious Case of Neural Text Degeneration" (2020).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def softmax(
    logits: Float[Tensor, "*batch vocab"], temperature: float
) -> Float[Tensor, "*batch vocab"]:
    """Probabilities over the last dimension, proportional to exp(logit / temperature).

    Raises ValueError if temperature is not positive.
    """
    _check_settings(temperature=temperature)
    weights = ((logits - logits.amax(dim=-1, keepdim=True)) / temperature).exp()
    return weights / weights.sum(dim=-1, keepdim=True)


def top_k_filter(logits: Float[Tensor, "*batch vocab"], k: int) -> Float[Tensor, "*batch vocab"]:
    """The k largest logits of each row, the others -inf. Of tied logits any may stay.

    A k beyond the vocabulary keeps every token. Raises ValueError if k is not a whole number >= 1.
    """
    _check_settings(top_k=k)
    kept = logits.topk(min(int(k), logits.shape[-1]), dim=-1).indices
    dropped = torch.ones_like(logits, dtype=torch.bool).scatter(-1, kept, False)
    return logits.masked_fill(dropped, -torch.inf)


def top_p_filter(logits: Float[Tensor, "*batch vocab"], p: float) -> Float[Tensor, "*batch vocab"]:
    """The smallest set of tokens whose probability reaches p, the others -inf.

    At least one token stays in every row. Of tied logits any may stay.
    Raises ValueError unless 0 < p <= 1.
    """
    _check_settings(top_p=p)
    if p == 1:
        return logits.clone()  # a rounded sum can reach 1 before the last token
    precise = torch.promote_types(logits.dtype, torch.float32)
    probabilities, order = logits.softmax(dim=-1, dtype=precise).sort(dim=-1, descending=True)
    mass_before = probabilities.cumsum(dim=-1) - probabilities
    dropped = torch.empty_like(order, dtype=torch.bool).scatter(-1, order, mass_before >= p)
    return logits.masked_fill(dropped, -torch.inf)


def next_token_probabilities(
    logits: Float[Tensor, "*batch vocab"],
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Float[Tensor, "*batch vocab"]:
    """The distribution that the next token is drawn from: temperature, then top-k, then top-p.

    Raises ValueError for a setting out of its range; None leaves a filter out.
    """
    _check_settings(temperature, top_k, top_p)
    kept = logits / temperature
    if top_k is not None:
        kept = top_k_filter(kept, top_k)
    if top_p is not None:
        kept = top_p_filter(kept, top_p)
    return softmax(kept, temperature=1.0)


@torch.no_grad()
def generate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompt: str,
    max_new_tokens: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int = 0,
) -> str:
    """The sampled continuation of the prompt, without the prompt and without the end token.

    Stops before the tokenizer's end token or after ``max_new_tokens``. Logits are brought to the
    CPU before a token is drawn, so a seed means the same on every device. The whole sequence is
    run again at every step. Raises ValueError for a setting out of its range or a prompt without
    tokens.
    """
    _check_settings(temperature, top_k, top_p)
    if max_new_tokens < 0:
        raise ValueError(f"max_new_tokens is {max_new_tokens}: give 0 or more.")
    ids = tokenizer(prompt, return_tensors="pt").input_ids.to(model.device)
    if ids.shape[-1] == 0:
        raise ValueError("The prompt has no tokens: give at least one character.")
    prompt_length = ids.shape[-1]
    generator = torch.Generator().manual_seed(seed)
    for _ in range(max_new_tokens):
        logits = model(input_ids=ids).logits[0, -1].float().cpu()
        probabilities = next_token_probabilities(logits, temperature, top_k, top_p)
        token = torch.multinomial(probabilities, num_samples=1, generator=generator)
        if token.item() == tokenizer.eos_token_id:
            break
        ids = torch.cat([ids, token[None].to(ids.device)], dim=-1)
    return tokenizer.decode(ids[0, prompt_length:])


def _check_settings(
    temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None
) -> None:
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}: give a number above 0.")
    if top_k is not None and not (top_k >= 1 and top_k == int(top_k)):
        raise ValueError(f"top_k is {top_k}: give a whole number of at least 1.")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p is {top_p}: give a number above 0 and at most 1.")
