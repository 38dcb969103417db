"""Retrieval-augmented generation: search by meaning and words, a prompt within a token budget,
an answer token by token.

Sources: Lewis et al., "Retrieval-Augmented Generation for Knowledge-Intensive NLP Tasks" (2020);
the weighted sum of two scores, Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid
Retrieval" (2023); nDCG, Järvelin and Kekäläinen, "Cumulated Gain-Based Evaluation of IR
Techniques" (2002).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from .questions import FUNCTION_WORDS
from .store import Chunk, Hit, Store

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

WEIGHT = 0.05  # of the words
WORD = r"(?u)\b[\w-]+\b"
BATCH = 32


# Searching


def retrieve(
    query: Float[Tensor, " width"],
    vectors: Float[Tensor, "n width"],
    word_scores: Float[Tensor, " n"],
    k: int,
    weight: float = WEIGHT,
) -> tuple[Float[Tensor, " k"], Int[Tensor, " k"]]:
    """The k rows of largest (1 - weight) · cosine + weight · word score, the largest first.

    Word scores, none below 0, are divided by the largest, so that they go from 0 to 1; where no
    word is found all are 0. Of equal rows the first comes first.
    """
    cosines = F.normalize(vectors, dim=1) @ F.normalize(query, dim=0)
    words = word_scores / word_scores.max().clamp(min=torch.finfo(word_scores.dtype).tiny)
    scores = (1 - weight) * cosines + weight * words.to(cosines.dtype)
    order = scores.argsort(descending=True, stable=True)[:k]
    return scores[order], order


class HybridSearch:
    """Search in a store's present contents by meaning and by words (BM25).

    Raises ValueError for a store without chunks.
    """

    def __init__(self, store: Store, weight: float = WEIGHT):
        import bm25s

        self.store, self.weight = store, weight
        self.chunks: list[Chunk] = [c for file in store.files for c in store.chunks(file)]
        if not self.chunks:
            raise ValueError("The store is empty: add documents before you search them.")
        words = _words([str(chunk.content) for chunk in self.chunks])
        self._bm25 = None
        if any(words):
            self._bm25 = bm25s.BM25()
            self._bm25.index(words, show_progress=False)

    def search(self, query: str, k: int = 5) -> list[Hit]:
        """The k best chunks, or all. Raises ValueError for an empty query and k below 1."""
        if not query.strip():
            raise ValueError("The query is empty: give at least one word.")
        if k < 1:
            raise ValueError(f"k is {k}: give 1 or more.")
        encoded = self.store.embedder.encode_query([query], show_progress_bar=False)
        vector = torch.as_tensor(encoded[0]).float().cpu()
        found = retrieve(vector, self.store.matrix, self.word_scores(query), k, self.weight)
        pairs = zip(*(x.tolist() for x in found), strict=True)
        return [Hit(self.chunks[row], score) for score, row in pairs]

    def word_scores(self, query: str) -> Float[Tensor, " n"]:
        """The BM25 score of each chunk; 0 where no word with content is shared."""
        (words,) = _words([query])
        if self._bm25 is None or not words:
            return torch.zeros(len(self.chunks))
        return torch.from_numpy(self._bm25.get_scores(words)).float()


def _words(texts: list[str]) -> list[list[str]]:
    import bm25s

    return bm25s.tokenize(
        texts,
        token_pattern=WORD,
        stopwords=list(FUNCTION_WORDS),
        return_ids=False,
        show_progress=False,
    )


# Measuring


def ranking_metrics(
    found: Sequence[Sequence[int]], gains: Sequence[Mapping[int, float]], k: int
) -> dict[str, float]:
    """Recall, mean reciprocal rank and nDCG of the first k found, averaged over queries.

    ``found`` lists the items of each query, the best first; ``gains`` maps its relevant items to
    what each is worth, above 0. nDCG discounts a gain by log2(rank + 1). Every query has a
    relevant item; raises ValueError otherwise.
    """
    if not gains or not all(gains):
        raise ValueError("A query without a relevant item: leave it out.")
    rows = [_metrics(ranked[:k], wanted, k) for ranked, wanted in zip(found, gains, strict=True)]
    means = torch.tensor(rows, dtype=torch.float64).mean(dim=0)
    return dict(zip(("recall", "mrr", "ndcg"), means.tolist(), strict=True))


def _metrics(
    ranked: Sequence[int], wanted: Mapping[int, float], k: int
) -> tuple[float, float, float]:
    hits = [rank for rank, item in enumerate(ranked, start=1) if item in wanted]
    got = sum(wanted[ranked[rank - 1]] / math.log2(rank + 1) for rank in hits)
    ideal = sorted(wanted.values(), reverse=True)[:k]
    best = sum(gain / math.log2(rank + 1) for rank, gain in enumerate(ideal, start=1))
    return len(hits) / len(wanted), 1 / hits[0] if hits else 0.0, got / best


# Reading


def build_prompt(
    question: str, passages: Sequence[str], count: Callable[[str], int], budget: int
) -> tuple[str, list[int]]:
    """A prompt of at most ``budget`` tokens, and which passages are in it.

    ``count`` gives the number of tokens of a text. Passages are taken in their order; one with
    which the prompt would be too long is left out and the next is tried. Each stands on one line
    after its number, from 1. Raises ValueError if the question alone is too long.
    """

    def prompt(lines: list[str]) -> str:
        numbered = "".join(f"[{i}] {line}\n" for i, line in enumerate(lines, start=1))
        context = f"Context:\n{numbered}" if lines else ""
        return f"{context}Question: {question}\nAnswer:"

    if (needed := count(prompt([]))) > budget:
        raise ValueError(f"The question takes {needed} tokens of {budget}: ask a shorter one.")
    lines: list[str] = []
    used: list[int] = []
    for number, passage in enumerate(passages):
        line = " ".join(passage.split())
        if count(prompt([*lines, line])) <= budget:
            lines.append(line)
            used.append(number)
    return prompt(lines), used


def as_chat(tokenizer: PreTrainedTokenizerBase, prompt: str) -> str:
    """The prompt as a chat model reads it; as it is where the tokenizer has no chat template."""
    if not getattr(tokenizer, "chat_template", None):
        return prompt
    messages = [{"role": "user", "content": prompt}]
    return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)


@torch.no_grad()
def stream(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompt: str,
    max_new_tokens: int = 40,
    end: str = "\n",
) -> Iterator[str]:
    """The greedy continuation, in pieces as they are written, up to ``end`` or the end token."""
    from transformers import DynamicCache

    ids = tokenizer(prompt, return_tensors="pt")["input_ids"].to(model.device)
    cache, stops = DynamicCache(config=model.config), _end_tokens(model)
    written: list[int] = []
    told = ""
    for _ in range(max_new_tokens):
        logits = model(ids, past_key_values=cache, logits_to_keep=1).logits
        ids = logits[:, -1].argmax(dim=-1, keepdim=True)
        if ids.item() in stops:
            return
        written.append(ids.item())
        text = tokenizer.decode(written)
        if text.endswith("\ufffd"):  # a character whose bytes are not all written yet
            continue
        text, *rest = text.split(end) if end else [text]
        if len(text) > len(told):
            yield text[len(told) :]
        told = text
        if rest:
            return


class Answer(NamedTuple):
    """What a model wrote, and the probability that it gave to it."""

    text: str
    probability: float


@torch.no_grad()
def answers(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[str],
    max_new_tokens: int = 24,
    end: str = "\n",
) -> list[Answer]:
    """What the model writes after each prompt, greedily, in batches, up to ``end`` (an empty one:
    up to the end token)."""
    found: list[Answer] = []
    stops = _end_tokens(model)
    for begin in range(0, len(prompts), BATCH):
        batch = list(prompts[begin : begin + BATCH])
        inputs = tokenizer(batch, return_tensors="pt", padding=True, padding_side="left")
        output = model.generate(
            **inputs.to(model.device),
            max_new_tokens=max_new_tokens,
            do_sample=False,
            output_logits=True,
            return_dict_in_generate=True,
        )
        new = output.sequences[:, inputs["input_ids"].shape[1] :]
        logprobs = torch.stack(output.logits, dim=1).log_softmax(-1).gather(-1, new[..., None])
        for ids, row in zip(new.tolist(), logprobs[..., 0], strict=True):
            length = _length(tokenizer, ids, end, stops)
            text = tokenizer.decode(ids[:length], skip_special_tokens=True).strip()
            found.append(Answer(text, row[:length].sum().exp().item()))
    return found


def _length(tokenizer, ids: list[int], end: str, stops: set[int]) -> int:
    """How many tokens there are up to the first that ends the answer, itself included."""
    for n, token in enumerate(ids, start=1):
        if token in stops or end and end in tokenizer.decode(ids[:n]):
            return n
    return len(ids)


def _end_tokens(model: PreTrainedModel) -> set[int]:
    end = model.generation_config.eos_token_id
    return set() if end is None else {end} if isinstance(end, int) else set(end)
