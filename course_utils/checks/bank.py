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
    course's own solution; ``withheld`` are further names of its module that would do as an answer.
    """

    id: str
    notebook: str
    cell: str
    kind: str
    answer: str
    signature: str
    reference: str
    cases: tuple[Case, ...]
    withheld: tuple[str, ...] = ()

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
                "p = 1, a small p, large logits, and logits of -inf",
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
        id="anatomy.count_parameters",
        notebook="01_anatomy",
        cell="count-parameters",
        kind="function",
        answer="count_parameters",
        signature="count_parameters(model)",
        reference="course_utils.anatomy.count_parameters",
        cases=(
            Case("weights and biases", 1, "anatomy.count_blocks", "parameters.blocks"),
            Case("tied embeddings", 1, "anatomy.count_tied", "parameters.tied"),
            Case("GPT-2, with learned positions", 1, "anatomy.count_gpt2", "parameters.gpt2"),
            Case(
                "norms inside attention",
                1,
                "anatomy.count_inner_norms",
                "parameters.inner_norms",
            ),
            Case(
                "models that use other names",
                1,
                "anatomy.count_other_names",
                "parameters.other_names",
            ),
        ),
    ),
    Exercise(
        id="anatomy.kv_bytes",
        notebook="01_anatomy",
        cell="kv-bytes",
        kind="function",
        answer="kv_cache_bytes",
        signature="kv_cache_bytes(config, batch, length, bytes_per_value=2)",
        reference="course_utils.anatomy.kv_cache_bytes",
        cases=(
            Case("grouped queries", 1, "anatomy.cache_grouped", "kv_bytes.grouped"),
            Case("GPT-2", 1, "anatomy.cache_gpt2", "kv_bytes.gpt2"),
            Case("a head_dim of its own", 1, "anatomy.cache_head_dim", "kv_bytes.own_head_dim"),
            Case("local layers", 1, "anatomy.cache_local", "kv_bytes.local"),
            Case("bytes per value", 1, "anatomy.cache_width", "kv_bytes.width"),
        ),
    ),
    Exercise(
        id="anatomy.flops",
        notebook="01_anatomy",
        cell="flops",
        kind="function",
        answer="flops_per_token",
        signature="flops_per_token(model, length)",
        reference="course_utils.anatomy.flops_per_token",
        cases=(
            Case("tied or not", 1, "anatomy.flops_matrices", "flops.matrices"),
            Case("GPT-2", 1, "anatomy.flops_gpt2", "flops.gpt2"),
            Case("attention heads", 1, "anatomy.flops_heads", "flops.heads"),
            Case("local layers", 1, "anatomy.flops_local", "flops.local"),
        ),
    ),
    Exercise(
        id="anatomy.masking",
        notebook="01_anatomy",
        cell="masking",
        kind="function",
        answer="masking",
        signature="masking(model)",
        reference="course_utils.anatomy.masking",
        cases=(
            Case("models that add the mask", 1, "anatomy.masking_additive", "masking.additive"),
            Case(
                "models that multiply by it",
                1,
                "anatomy.masking_multiplicative",
                "masking.multiplicative",
            ),
            Case("leaves the model as it was", 1, "anatomy.masking_leaves", "masking.leaves"),
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
    Exercise(
        id="kv_cache.attention",
        notebook="02_kv_cache",
        cell="attention",
        kind="function",
        answer="attention",
        signature="attention(q, k, v, mask=None)",
        reference="course_utils.kv_cache.attention",
        cases=(
            Case("scores, softmax, average", 1, "kv_cache.attention", "kv_cache.attention"),
            Case("masks", 1, "kv_cache.attention_masks", "kv_cache.attention_masks"),
            Case("large scores", 1, "kv_cache.attention_large", "kv_cache.attention_large"),
        ),
    ),
    Exercise(
        id="kv_cache.causal_mask",
        notebook="02_kv_cache",
        cell="causal-mask",
        kind="function",
        answer="causal_mask",
        signature="causal_mask(n_new, n_keys)",
        reference="course_utils.kv_cache.causal_mask",
        cases=(
            Case("a prefill", 1, "kv_cache.mask_of_prefill", "kv_cache.mask_of_prefill"),
            Case("a chunk over cached keys", 1, "kv_cache.mask_of_chunk", "kv_cache.mask_of_chunk"),
            Case("a single token", 1, "kv_cache.mask_of_token", "kv_cache.mask_of_token"),
        ),
    ),
    Exercise(
        id="kv_cache.grouped_cache",
        notebook="02_kv_cache",
        cell="grouped-cache",
        kind="class",
        answer="GroupedCache",
        signature="GroupedCache()",
        reference="course_utils.kv_cache.GroupedCache",
        withheld=("HeavyHitterCache", "PreallocatedCache"),
        cases=(
            Case(
                "update keeps and returns every token",
                1,
                "kv_cache.grouped_update",
                "kv_cache.grouped_update",
            ),
            Case(
                "attend after a prefill", 1, "kv_cache.grouped_prefill", "kv_cache.grouped_prefill"
            ),
            Case("attend for new tokens", 1, "kv_cache.grouped_chunks", "kv_cache.grouped_chunks"),
        ),
    ),
    Exercise(
        id="kv_cache.generate",
        notebook="02_kv_cache",
        cell="generate",
        kind="function",
        answer="generate",
        signature="generate(model, ids, max_new_tokens, cache)",
        reference="course_utils.kv_cache.generate",
        cases=(
            Case("the greedy continuation", 1, "kv_cache.generate", "kv_cache.generate"),
            Case("a prefill, then single tokens", 1, "kv_cache.generate", "kv_cache.generate_work"),
        ),
    ),
    Exercise(
        id="kv_cache.sink_cache",
        notebook="02_kv_cache",
        cell="sink-cache",
        kind="class",
        answer="SinkCache",
        signature="SinkCache(n_sinks, window)",
        reference="course_utils.kv_cache.SinkCache",
        cases=(
            Case(
                "nothing is dropped while there is room",
                1,
                "kv_cache.sinks_short",
                "kv_cache.sinks_short",
            ),
            Case("sinks and window", 1, "kv_cache.sinks_full", "kv_cache.sinks_full"),
            Case("chunks, and no sinks", 1, "kv_cache.sinks_chunks", "kv_cache.sinks_chunks"),
        ),
    ),
    Exercise(
        id="kv_cache.paged_cache",
        notebook="02_kv_cache",
        cell="paged-cache",
        kind="class",
        answer="PagedCache",
        signature="PagedCache(n_blocks, n_kv_heads, d_head, block_size=16)",
        reference="course_utils.kv_cache.PagedCache",
        cases=(
            Case("append, gather, blocks", 2, "kv_cache.paged_append", "kv_cache.paged_append"),
            Case("fork, copy on write", 1, "kv_cache.paged_fork", "kv_cache.paged_fork"),
            Case("free, and no block left", 1, "kv_cache.paged_free", "kv_cache.paged_free"),
        ),
    ),
    Exercise(
        id="kv_cache.cache_bytes",
        notebook="02_kv_cache",
        cell="cache-bytes",
        kind="function",
        answer="cache_bytes",
        signature=(
            "cache_bytes(lengths, n_layers, n_kv_heads, d_head, bytes_per_value=2, block_size=1)"
        ),
        reference="course_utils.kv_cache.cache_bytes",
        cases=(
            Case(
                "keys and values of every layer",
                1,
                "kv_cache.bytes_contiguous",
                "kv_cache.bytes_contiguous",
            ),
            Case("whole blocks", 1, "kv_cache.bytes_blocks", "kv_cache.bytes_blocks"),
        ),
    ),
    Exercise(
        id="logit_lens.logit_lens",
        notebook="03_logit_lens",
        cell="logit-lens",
        kind="function",
        answer="logit_lens",
        signature="logit_lens(model, tokenizer, text, top_k=5)",
        reference="course_utils.lens.logit_lens",
        cases=(
            Case(
                "the embedding and every block",
                2,
                "logit_lens.lens_layers",
                "logit_lens.lens_layers",
            ),
            Case(
                "models and tokenizers of other kinds",
                1,
                "logit_lens.lens_architectures",
                "logit_lens.lens_architectures",
            ),
            Case(
                "top_k, and a text of one token",
                1,
                "logit_lens.lens_top_k",
                "logit_lens.lens_top_k",
            ),
        ),
    ),
    Exercise(
        id="logit_lens.by_hooks",
        notebook="03_logit_lens",
        cell="by-hooks",
        kind="function",
        answer="logit_lens_by_hooks",
        signature="logit_lens_by_hooks(model, tokenizer, text, top_k=5)",
        reference="course_utils.lens.logit_lens",
        withheld=("document_states", "mean_kl", "read", "residual_streams"),
        cases=(
            Case(
                "the embedding and every block",
                1,
                "logit_lens.hooks_layers",
                "logit_lens.hooks_layers",
            ),
            Case(
                "models and tokenizers of other kinds",
                1,
                "logit_lens.hooks_architectures",
                "logit_lens.hooks_architectures",
            ),
            Case(
                "leaves the hooks as they were", 1, "logit_lens.hooks_left", "logit_lens.hooks_left"
            ),
            Case(
                "leaves none after an error",
                1,
                "logit_lens.hooks_after_error",
                "logit_lens.hooks_after_error",
            ),
        ),
    ),
    Exercise(
        id="logit_lens.first_block",
        notebook="03_logit_lens",
        cell="first-block",
        kind="function",
        answer="first_leading_block",
        signature="first_leading_block(logits, answers)",
        reference="course_utils.lens.first_leading_block",
        cases=(
            Case(
                "leads, and stays",
                1,
                "logit_lens.first_block_stays",
                "logit_lens.first_block_stays",
            ),
            Case(
                "does not lead at the end",
                1,
                "logit_lens.first_block_never",
                "logit_lens.first_block_never",
            ),
            Case(
                "one prompt, one block",
                1,
                "logit_lens.first_block_small",
                "logit_lens.first_block_small",
            ),
        ),
    ),
    Exercise(
        id="logit_lens.kl_curve",
        notebook="03_logit_lens",
        cell="kl-curve",
        kind="function",
        answer="kl_to_final",
        signature="kl_to_final(logits)",
        reference="course_utils.lens.kl_to_final",
        cases=(
            Case("any batch shape", 2, "logit_lens.kl_values", "logit_lens.kl_values"),
            Case("large logits", 1, "logit_lens.kl_large", "logit_lens.kl_large"),
        ),
    ),
    Exercise(
        id="logit_lens.translator",
        notebook="03_logit_lens",
        cell="translator",
        kind="class",
        answer="Translator",
        signature="Translator(d_model)",
        reference="course_utils.lens.Translator",
        cases=(
            Case(
                "affine, the identity at first",
                1,
                "logit_lens.translator_start",
                "logit_lens.translator_start",
            ),
            Case("the loss", 1, "logit_lens.translator_loss", "logit_lens.translator_loss"),
            Case("training", 1, "logit_lens.translator_fit", "logit_lens.translator_fit"),
            Case(
                "changes nothing but itself",
                1,
                "logit_lens.translator_leaves",
                "logit_lens.translator_leaves",
            ),
        ),
    ),
    Exercise(
        id="causal_tracing.corrupt",
        notebook="04_causal_tracing",
        cell="corrupt",
        kind="function",
        answer="corrupt",
        signature="corrupt(model, input_ids, subject, n_samples, seed)",
        reference="course_utils.tracing.corrupt",
        cases=(
            Case("noise on the subject alone", 2, "tracing.corrupt_places", "trace_corrupt.places"),
            Case("three standard deviations", 1, "tracing.corrupt_noise", "trace_corrupt.noise"),
            Case(
                "other numbers for every sample and token",
                1,
                "tracing.corrupt_noise",
                "trace_corrupt.samples",
            ),
            Case("the seed fixes the noise", 1, "tracing.corrupt_seeds", "trace_corrupt.seeds"),
        ),
    ),
    Exercise(
        id="causal_tracing.restore",
        notebook="04_causal_tracing",
        cell="restore",
        kind="function",
        answer="restore",
        signature="restore(model, input_ids, corrupted, block, position, answer)",
        reference="course_utils.tracing.restore",
        withheld=("activation_patching", "causal_trace"),
        cases=(
            Case("one state after a block", 2, "tracing.restore_inner", "trace_runs.inner"),
            Case("the last block", 1, "tracing.restore_last", "trace_runs.last"),
            Case("leaves no hook behind", 1, "tracing.restore_leaves", "trace_runs.leaves"),
        ),
    ),
    Exercise(
        id="causal_tracing.effects",
        notebook="04_causal_tracing",
        cell="effects",
        kind="function",
        answer="effects",
        signature="effects(model, input_ids, corrupted, answer)",
        reference="course_utils.tracing.effects",
        cases=(
            Case("the total effect", 1, "tracing.effects_maps", "trace_runs.total"),
            Case("the indirect effects", 1, "tracing.effects_maps", "trace_runs.indirect"),
            Case("leaves no hook behind", 1, "tracing.effects_leaves", "trace_runs.leaves"),
        ),
    ),
    Exercise(
        id="causal_tracing.average",
        notebook="04_causal_tracing",
        cell="average",
        kind="function",
        answer="average_effects",
        signature="average_effects(maps, subjects)",
        reference="course_utils.tracing.average_effects",
        cases=(
            Case("the mean over facts", 2, "tracing.average_facts", "trace_tables.mean"),
            Case("half of the 95 % interval", 1, "tracing.average_facts", "trace_tables.interval"),
        ),
    ),
    Exercise(
        id="causal_tracing.induction_scores",
        notebook="04_causal_tracing",
        cell="induction-scores",
        kind="function",
        answer="induction_scores",
        signature="induction_scores(patterns)",
        reference="course_utils.tracing.induction_scores",
        cases=(
            Case("one text", 1, "tracing.induction_one", "trace_tables.one"),
            Case("several texts", 1, "tracing.induction_several", "trace_tables.several"),
        ),
    ),
    Exercise(
        id="causal_tracing.ablate_head",
        notebook="04_causal_tracing",
        cell="ablate-head",
        kind="function",
        answer="ablate_head",
        signature="ablate_head(model, input_ids, block, head, baseline, reference)",
        reference="course_utils.tracing.ablate_head",
        cases=(
            Case("zero", 1, "tracing.ablate_zero", "trace_heads.zero"),
            Case("mean", 1, "tracing.ablate_mean", "trace_heads.mean"),
            Case("resample", 1, "tracing.ablate_resample", "trace_heads.resample"),
            Case("leaves the model as it was", 1, "tracing.ablate_leaves", "trace_heads.leaves"),
        ),
    ),
    Exercise(
        id="steering.last_token_vector",
        notebook="05_steering",
        cell="last-token-vector",
        kind="function",
        answer="last_token_vector",
        signature="last_token_vector(model, tokenizer, positive, negative, layer)",
        reference="course_utils.steering.last_token_vector",
        cases=(
            Case("prompts of different lengths", 1, "steering.vector", "steering.vector"),
            Case("the last block", 1, "steering.last_block", "steering.last_block"),
            Case("leaves the model as it was", 1, "steering.traces", "steering.traces"),
        ),
    ),
    Exercise(
        id="steering.hook",
        notebook="05_steering",
        cell="hook",
        kind="function",
        answer="steering_hook",
        signature="steering_hook(vector, strength)",
        reference="course_utils.steering.steering_hook",
        cases=(
            Case("adds to every row, position and pass", 1, "steering.hook", "steering.hook"),
            Case("a block that returns a tuple", 1, "steering.hook_tuples", "steering.hook_tuples"),
            Case("dtype and device", 1, "steering.hook_dtypes", "steering.hook_dtypes"),
        ),
    ),
    Exercise(
        id="steering.llm_steering",
        notebook="05_steering",
        cell="llm-steering",
        kind="class",
        answer="LLMSteering",
        signature="LLMSteering(model, tokenizer)",
        reference="course_utils.steering.LLMSteering",
        withheld=("SteeringVector", "actadd", "caa", "concept", "random_like"),
        cases=(
            Case("the vector", 2, "steering.class_vector", "steering.class_vector"),
            Case(
                "every position, prefill and decoding",
                1,
                "steering.class_positions",
                "steering.class_positions",
            ),
            Case("the text, and options", 1, "steering.class_text", "steering.class_text"),
            Case("set, set again, remove", 1, "steering.class_switch", "steering.class_switch"),
            Case(
                "hooks after success, error, interrupt",
                1,
                "steering.class_traces",
                "steering.class_traces",
            ),
        ),
    ),
    Exercise(
        id="steering.actadd",
        notebook="05_steering",
        cell="actadd",
        kind="function",
        answer="actadd_edit",
        signature="actadd_edit(model, tokenizer, positive, negative, layer, strength)",
        reference="course_utils.steering.actadd_edit",
        cases=(
            Case("padded, and added from the start", 2, "steering.actadd", "steering.actadd"),
            Case("nothing elsewhere", 1, "steering.actadd_elsewhere", "steering.actadd_elsewhere"),
            Case("a short prompt is refused", 1, "steering.actadd_short", "steering.actadd_short"),
        ),
    ),
    Exercise(
        id="steering.caa",
        notebook="05_steering",
        cell="caa",
        kind="function",
        answer="caa_vector",
        signature="caa_vector(model, tokenizer, pairs, layer)",
        reference="course_utils.steering.caa_vector",
        cases=(
            Case("texts of different lengths", 1, "steering.caa", "steering.caa"),
            Case("the last block", 1, "steering.caa_last_block", "steering.caa_last_block"),
            Case("leaves the model as it was", 1, "steering.caa_traces", "steering.traces"),
        ),
    ),
    Exercise(
        id="steering.slerp",
        notebook="05_steering",
        cell="slerp",
        kind="function",
        answer="slerp",
        signature="slerp(a, b, t)",
        reference="course_utils.steering.slerp",
        cases=(
            Case("direction and norm", 1, "steering.slerp", "steering.slerp"),
            Case("the same direction", 1, "steering.slerp_colinear", "steering.slerp_colinear"),
            Case(
                "opposite and zero vectors", 1, "steering.slerp_refused", "steering.slerp_refused"
            ),
        ),
    ),
    Exercise(
        id="steering.score",
        notebook="05_steering",
        cell="score",
        kind="function",
        answer="share_of_kind",
        signature="share_of_kind(texts, wanted, other)",
        reference="course_utils.steering.share_of_kind",
        cases=(
            Case("counts over all texts", 1, "steering.score", "steering.score"),
            Case("whole words", 1, "steering.score_spelling", "steering.score_spelling"),
            Case(
                "no words, and words on both lists",
                1,
                "steering.score_empty",
                "steering.score_empty",
            ),
        ),
    ),
    Exercise(
        id="steering_soberly.slope",
        notebook="06_steering_soberly",
        cell="slope",
        kind="function",
        answer="steerability",
        signature="steerability(strengths, differences)",
        reference="course_utils.steerability.steerability",
        cases=(
            Case("a slope for each sample", 1, "steering_soberly.slope", "steering_soberly.slope"),
            Case(
                "strengths in any order",
                1,
                "steering_soberly.slope_order",
                "steering_soberly.slope_order",
            ),
            Case(
                "few samples and few strengths",
                1,
                "steering_soberly.slope_shapes",
                "steering_soberly.slope_shapes",
            ),
        ),
    ),
    Exercise(
        id="steering_soberly.backwards",
        notebook="06_steering_soberly",
        cell="backwards",
        kind="function",
        answer="anti_steerable_share",
        signature="anti_steerable_share(slopes, groups, n_groups)",
        reference="course_utils.steerability.anti_steerable_share",
        cases=(
            Case("the share in each group", 1, "steering_soberly.share", "steering_soberly.share"),
            Case(
                "a slope of 0",
                1,
                "steering_soberly.share_zero",
                "steering_soberly.share_zero",
            ),
            Case(
                "samples without a slope",
                1,
                "steering_soberly.share_nan",
                "steering_soberly.share_nan",
            ),
            Case(
                "a group without samples",
                1,
                "steering_soberly.share_empty",
                "steering_soberly.share_empty",
            ),
        ),
    ),
    Exercise(
        id="steering_soberly.bootstrap_interval",
        notebook="06_steering_soberly",
        cell="bootstrap-interval",
        kind="function",
        answer="bootstrap_interval",
        signature="bootstrap_interval(values, statistic, level=0.95, n_resamples=1000, seed=0)",
        reference="course_utils.steerability.bootstrap_interval",
        cases=(
            Case(
                "the interval of a mean",
                1,
                "steering_soberly.interval",
                "steering_soberly.interval",
            ),
            Case(
                "any other statistic",
                1,
                "steering_soberly.interval_skewed",
                "steering_soberly.interval_skewed",
            ),
            Case(
                "rows stay whole",
                1,
                "steering_soberly.interval_paired",
                "steering_soberly.interval_paired",
            ),
            Case(
                "the seed fixes the interval, and only the seed",
                1,
                "steering_soberly.interval_seeds",
                "steering_soberly.interval_seeds",
            ),
        ),
    ),
    Exercise(
        id="steering_soberly.random_control",
        notebook="06_steering_soberly",
        cell="random-control",
        kind="function",
        answer="random_control",
        signature="random_control(effect, vector, n, seed=0)",
        reference="course_utils.steerability.random_control",
        cases=(
            Case(
                "the same norm, every direction alike",
                1,
                "steering_soberly.control_directions",
                "steering_soberly.control_directions",
            ),
            Case(
                "the effects, and how rare the vector's own is",
                1,
                "steering_soberly.control_rarity",
                "steering_soberly.control_rarity",
            ),
            Case(
                "effects of the same size",
                1,
                "steering_soberly.control_ties",
                "steering_soberly.control_ties",
            ),
            Case(
                "the seed fixes the vectors, and only the seed",
                1,
                "steering_soberly.control_seeds",
                "steering_soberly.control_seeds",
            ),
        ),
    ),
    Exercise(
        id="beyond_the_mean.entropy_vector",
        notebook="06b_beyond_the_mean",
        cell="entropy-vector",
        kind="function",
        answer="entropy_weighted_vector",
        signature="entropy_weighted_vector(activations, probabilities)",
        reference="course_utils.steerability.entropy_weighted_vector",
        cases=(
            Case("weighted by entropy", 1, "beyond_the_mean.weighted", "beyond_the_mean.weighted"),
            Case(
                "probabilities that do not add up to 1",
                1,
                "beyond_the_mean.part_of_the_mass",
                "beyond_the_mean.part_of_the_mass",
            ),
            Case("a choice without doubt", 1, "beyond_the_mean.certain", "beyond_the_mean.certain"),
            Case(
                "no choice with any doubt",
                1,
                "beyond_the_mean.all_certain",
                "beyond_the_mean.all_certain",
            ),
        ),
    ),
    Exercise(
        id="beyond_the_mean.attack_step",
        notebook="06b_beyond_the_mean",
        cell="attack-step",
        kind="function",
        answer="attack_step",
        signature="attack_step(model, context, targets, perturbation, rate)",
        reference="course_utils.steerability.attack_step",
        cases=(
            Case("the losses", 1, "beyond_the_mean.attack", "beyond_the_mean.losses"),
            Case("the step", 1, "beyond_the_mean.attack", "beyond_the_mean.step"),
            Case(
                "models that use other names",
                1,
                "beyond_the_mean.attack_elsewhere",
                "beyond_the_mean.attack_elsewhere",
            ),
            Case(
                "leaves the model and the perturbation as they were",
                1,
                "beyond_the_mean.attack",
                "beyond_the_mean.traces",
            ),
        ),
    ),
    Exercise(
        id="embeddings.distances",
        notebook="08_embeddings",
        cell="distances",
        kind="function",
        answer="distances",
        signature="distances(a, b)",
        reference="course_utils.retrieval.similarity.distances",
        cases=(
            Case("Euclidean distance", 1, "embeddings.distances_ordinary", "similarity.euclid"),
            Case("dot product", 1, "embeddings.distances_ordinary", "similarity.dot"),
            Case("cosine distance", 1, "embeddings.distances_ordinary", "similarity.cosine"),
            Case(
                "equal vectors, and zeros", 1, "embeddings.distances_special", "similarity.special"
            ),
        ),
    ),
    Exercise(
        id="embeddings.mean_pooling",
        notebook="08_embeddings",
        cell="mean-pooling",
        kind="function",
        answer="mean_pooling",
        signature="mean_pooling(states, mask)",
        reference="course_utils.retrieval.similarity.mean_pooling",
        cases=(
            Case("padding anywhere", 2, "embeddings.pooling_padded", "similarity.pooled"),
            Case("a row without tokens", 1, "embeddings.pooling_empty", "similarity.empty"),
        ),
    ),
    Exercise(
        id="embeddings.top_k",
        notebook="08_embeddings",
        cell="top-k",
        kind="class",
        answer="ExactSearch",
        signature="ExactSearch(vectors)",
        reference="course_utils.retrieval.similarity.ExactSearch",
        cases=(
            Case("the nearest by cosine", 2, "embeddings.exact_nearest", "vector_search.nearest"),
            Case("fewer than k", 1, "embeddings.exact_small", "vector_search.small"),
            Case("normalized once", 1, "embeddings.exact_work", "vector_search.work"),
        ),
    ),
    Exercise(
        id="embeddings.info_nce",
        notebook="08_embeddings",
        cell="info-nce",
        kind="function",
        answer="info_nce",
        signature="info_nce(images, texts, temperature)",
        reference="course_utils.retrieval.similarity.info_nce",
        cases=(
            Case("the loss", 2, "embeddings.loss_pairs", "similarity.loss"),
            Case("vectors of any length", 1, "embeddings.loss_lengths", "similarity.lengths"),
            Case("a low temperature", 1, "embeddings.loss_cold", "similarity.cold"),
            Case("gradients", 1, "embeddings.loss_gradients", "similarity.gradients"),
        ),
    ),
    Exercise(
        id="embeddings.recall",
        notebook="08_embeddings",
        cell="recall",
        kind="function",
        answer="recall_at_k",
        signature="recall_at_k(found, relevant, k)",
        reference="course_utils.retrieval.similarity.recall_at_k",
        cases=(
            Case("the mean share", 2, "embeddings.recall_ranked", "vector_search.ranked"),
            Case(
                "a query without a relevant item",
                1,
                "embeddings.recall_empty",
                "vector_search.nothing_relevant",
            ),
        ),
    ),
    Exercise(
        id="embeddings.ivf",
        notebook="08_embeddings",
        cell="ivf",
        kind="class",
        answer="IVF",
        signature="IVF(vectors, centroids)",
        reference="course_utils.retrieval.similarity.IVF",
        cases=(
            Case("a few cells", 2, "embeddings.ivf_few", "vector_search.few"),
            Case("all cells", 1, "embeddings.ivf_all", "vector_search.all_cells"),
            Case("fewer than k", 1, "embeddings.ivf_sparse", "vector_search.sparse"),
            Case("compares a few", 1, "embeddings.ivf_work", "vector_search.ivf_work"),
        ),
    ),
)
EXERCISES = {exercise.id: exercise for exercise in _ALL}
