"""The bank of exercises: one entry each, with the cases that an answer has to pass.

Probes and judges are named, not imported: a sandbox can hold the probes without the judges.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One thing that an answer must do, and what it is worth.

    ``probe`` and ``judge`` are "module.function" inside ``checks.probes`` and ``checks.judges``.
    """

    name: str
    points: int
    probe: str
    judge: str


@dataclass(frozen=True)
class Exercise:
    """An exercise of a notebook.

    ``kind`` says what the answer is: "function", "class", "value" or "dict of names".
    ``answer`` is the name that the exercise cell binds; ``reference`` is the dotted path of the
    course's own solution.
    """

    id: str
    notebook: str
    cell: str
    kind: str
    answer: str
    signature: str
    reference: str
    cases: tuple[Case, ...]

    @property
    def points(self) -> int:
        return sum(case.points for case in self.cases)


def find(id: str) -> Exercise:
    """The exercise with this id. Raises ValueError, naming the nearest ids, if there is none."""
    if id not in EXERCISES:
        near = difflib.get_close_matches(str(id), EXERCISES, cutoff=0.4) or sorted(EXERCISES)
        raise ValueError(f"There is no exercise {id!r}. Did you mean {' or '.join(near)}?")
    return EXERCISES[id]


_ALL = (
    Exercise(
        id="sampling.softmax",
        notebook="00_sampling",
        cell="softmax",
        kind="function",
        answer="softmax",
        signature="softmax(logits, temperature)",
        reference="course_utils.sampling.softmax",
        cases=(
            Case(
                "probabilities over the last dimension",
                1,
                "sampling.softmax_values",
                "softmax.values",
            ),
            Case("large logits", 1, "sampling.softmax_large", "softmax.large"),
            Case(
                "a temperature of 0 or below raises",
                1,
                "sampling.softmax_temperatures",
                "softmax.temperatures",
            ),
        ),
    ),
    Exercise(
        id="sampling.top_k",
        notebook="00_sampling",
        cell="top-k",
        kind="function",
        answer="top_k_filter",
        signature="top_k_filter(logits, k)",
        reference="course_utils.sampling.top_k_filter",
        cases=(
            Case("the k largest of each row", 1, "sampling.top_k_rows", "filters.top_k_rows"),
            Case("tied logits", 1, "sampling.top_k_ties", "filters.top_k_ties"),
            Case("a large k, and logits of -inf", 1, "sampling.top_k_edges", "filters.top_k_edges"),
        ),
    ),
    Exercise(
        id="sampling.top_p",
        notebook="00_sampling",
        cell="top-p",
        kind="function",
        answer="top_p_filter",
        signature="top_p_filter(logits, p)",
        reference="course_utils.sampling.top_p_filter",
        cases=(
            Case("the smallest set that reaches p", 1, "sampling.top_p_rows", "filters.top_p_rows"),
            Case("any batch shape", 1, "sampling.top_p_shapes", "filters.top_p_shapes"),
            Case("tied logits", 1, "sampling.top_p_ties", "filters.top_p_ties"),
            Case(
                "p = 1, a small p, and logits of -inf",
                1,
                "sampling.top_p_edges",
                "filters.top_p_edges",
            ),
        ),
    ),
    Exercise(
        id="sampling.generate",
        notebook="00_sampling",
        cell="generate",
        kind="function",
        answer="generate",
        signature=(
            "generate(model, tokenizer, prompt, max_new_tokens, temperature=1.0, top_k=None, "
            "top_p=None, seed=0)"
        ),
        reference="course_utils.sampling.generate",
        cases=(
            Case(
                "the continuation, of max_new_tokens tokens",
                1,
                "generation.continuation",
                "generation.continuation",
            ),
            Case("stops before the end token", 1, "generation.stopping", "generation.stopping"),
            Case(
                "the seed fixes the text, and only the seed",
                1,
                "generation.seeds",
                "generation.seeds",
            ),
            Case(
                "samples at the temperature", 1, "generation.temperature", "generation.temperature"
            ),
            Case(
                "temperature, then top-k, then top-p",
                1,
                "generation.filters",
                "generation.filters",
            ),
        ),
    ),
    Exercise(
        id="kv_cache.attention_with_cache",
        notebook="02_kv_cache",
        cell="attention-with-cache",
        kind="class",
        answer="ScaledDotProductAttentionWithCache",
        signature="ScaledDotProductAttentionWithCache(d_model, n_heads, dropout_p=0.0)",
        reference="course_utils.kv_cache.ScaledDotProductAttentionWithCache",
        cases=(
            Case("attention", 1, "kv_attention.plain", "kv_attention.plain"),
            Case("masks", 1, "kv_attention.masks", "kv_attention.masks"),
            Case(
                "prefill, single tokens, chunks",
                1,
                "kv_attention.decoding",
                "kv_attention.decoding",
            ),
            Case(
                "what reads, writes and clears the cache",
                1,
                "kv_attention.state",
                "kv_attention.state",
            ),
            Case(
                "masks over cached and new keys",
                1,
                "kv_attention.masks_over_a_cache",
                "kv_attention.masks_over_a_cache",
            ),
            Case("every token is projected once", 1, "kv_attention.work", "kv_attention.work"),
            Case(
                "a batch that does not fit is refused",
                1,
                "kv_attention.other_batch",
                "kv_attention.other_batch",
            ),
            Case(
                "dropout, gradients, state_dict, dtype, device",
                1,
                "kv_attention.module",
                "kv_attention.module",
            ),
        ),
    ),
)
EXERCISES = {exercise.id: exercise for exercise in _ALL}
