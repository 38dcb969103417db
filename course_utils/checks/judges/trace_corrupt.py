"""Judges of ``causal_tracing.corrupt``. Oracle: the noise itself, result minus embeddings.

Which random numbers an answer draws is free; where they are, how large, and whether they differ is
not. Bounds on sizes are at least six standard errors wide.
"""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.checks.judges import common
from course_utils.checks.judges.common import Refusal
from course_utils.checks.probes import tracing as probes

SENTENCES = {
    "causal_tracing.corrupt": {
        "noise/none": (
            "There is no noise: the embeddings are as they were.",
            "Is the noise added to a copy that is not returned?",
        ),
        "span/everywhere": (
            "Every position gets noise.",
            "Only the subject is corrupted: corrupted[:, subject] += noise.",
        ),
        "span/end-left-out": (
            "The subject's last token gets no noise.",
            "subject.stop is already one past the last position: do not subtract 1.",
        ),
        "span/one-too-far": (
            "The token after the subject gets noise as well.",
            "subject.stop is already one past the last position: do not add 1.",
        ),
        "span/one-token": (
            "Only one of the subject's tokens gets noise.",
            "The subject is a slice of several positions.",
        ),
        "span/others": (
            "The noise is on the other tokens, not on the subject.",
            "corrupted[:, subject], with the slice as it is.",
        ),
        "span/wrong": (
            "The noise is at the wrong positions.",
            "corrupted[:, subject]: the first dimension is the sample.",
        ),
        "samples/first-only": (
            "Only one of the samples gets noise.",
            "Index every sample: corrupted[:, subject], not corrupted[0, subject].",
        ),
        "samples/shared-memory": (
            "All samples share one memory: expand makes no copies, and PyTorch refuses to write.",
            "repeat(n_samples, 1, 1) copies; or add the noise out of place.",
        ),
        "embeddings/replaced": (
            "The embeddings are replaced by noise.",
            "Noise is added: corrupted[:, subject] += noise.",
        ),
        "embeddings/positions-added": (
            "The position embeddings are added already; the model adds them once more.",
            "Take the token embeddings alone: model.get_input_embeddings()(input_ids).",
        ),
        "embeddings/wrong": (
            "Away from the subject the result is not the prompt's embeddings.",
            "Take model.get_input_embeddings()(input_ids) and leave it as it is there.",
        ),
        "architecture/one-name": (
            "It fails on GPT-2, whose embedding has another name.",
            "model.get_input_embeddings() finds it in every model.",
        ),
        "scale/one-std": (
            "The noise has 1 standard deviation, not 3.",
            "Multiply normal noise by 3 * std.",
        ),
        "scale/variance": (
            "The standard deviation was confused with the variance.",
            "noise = 3 * weight.std() * torch.randn(...).",
        ),
        "scale/subject-tokens": (
            "The standard deviation is that of the subject's own embeddings.",
            "Take it over the whole table: model.get_input_embeddings().weight.std().",
        ),
        "scale/prompt": (
            "The standard deviation is that of the prompt's embeddings.",
            "Take it over the whole table: model.get_input_embeddings().weight.std().",
        ),
        "scale/per-dimension": (
            "Each dimension has a standard deviation of its own.",
            "One number over the whole table: weight.std() without a dim.",
        ),
        "scale/no-std": (
            "The noise does not depend on the embeddings' size.",
            "Multiply by the standard deviation of the table.",
        ),
        "scale/wrong": (
            "The noise is of the wrong size.",
            "3 * model.get_input_embeddings().weight.std() * torch.randn(...).",
        ),
        "noise/not-centered": (
            "The noise has a mean other than 0.",
            "torch.randn draws normal numbers, torch.rand numbers from 0 to 1.",
        ),
        "noise/not-normal": (
            "The noise is not normally distributed.",
            "torch.randn draws normal numbers.",
        ),
        "noise/same-for-every-sample": (
            "All samples have the same noise.",
            "Draw for all samples at once, of shape [n_samples, tokens, d_model]; or seed one "
            "generator once, before the loop.",
        ),
        "noise/same-for-every-token": (
            "All tokens of the subject get the same noise.",
            "Draw one number for each sample, token and dimension.",
        ),
        "noise/one-number-per-token": (
            "All dimensions of a token get the same number.",
            "Draw one number for each sample, token and dimension.",
        ),
        "seed/ignored": (
            "Two calls with the same seed give different noise.",
            "generator = torch.Generator().manual_seed(seed), and randn(..., generator=generator).",
        ),
        "seed/fixed": (
            "Another seed gives the same noise.",
            "Use the argument seed.",
        ),
    }
}
TOLERANCE = 1e-6


def places(calls: list[dict], seed: int) -> Refusal | None:
    prompts = probes.corrupt_prompts(seed)
    for call, p in zip(calls, prompts, strict=True):
        if refusal := _misshapen(call, p, probes.SAMPLES):
            is_name = call.get("error") == "AttributeError" and call is calls[-1]
            slug = "architecture/one-name" if is_name else refusal.slug
            return Refusal(slug, refusal.expected, refusal.seen)
        if refusal := _misplaced(call["value"], p):
            return refusal
    one, other = (calls[i]["value"][:, prompts[0].subject] for i in (0, 1))
    if torch.equal(one, other):
        return Refusal("embeddings/replaced", "embeddings with noise", "noise without embeddings")
    return None


def noise(calls: list[dict], seed: int) -> Refusal | None:
    """The size and the distribution of the noise at the first of the subject's tokens and after."""
    p = probes.prompt(probes.qwen, seed, 405)
    if refusal := _misshapen(calls[0], p, probes.NOISE_SAMPLES):
        return refusal
    seen = _noise(calls[0]["value"].double(), p)[:, p.subject]
    noisy = seen[(seen != 0).any(-1)]  # [places, d_model]: where there is any is judged elsewhere
    table = p.model.get_input_embeddings().weight
    expected = f"normal noise with a standard deviation of {common.number(3 * float(table.std()))}"
    if len(noisy) < 2 or torch.allclose(seen, seen[:1].expand_as(seen), atol=TOLERANCE):
        return None  # a few numbers, drawn once for all samples, tell little of their distribution
    told = f"a mean of {common.number(float(noisy.mean()))}, a standard deviation of "
    told += common.number(float(noisy.std()))
    slug = _size(noisy, p) or _form(noisy)
    return Refusal(slug, expected, told) if slug else None


def samples(calls: list[dict], seed: int) -> Refusal | None:
    """Whether samples, tokens and dimensions differ."""
    p = probes.prompt(probes.qwen, seed, 405)
    if refusal := _misshapen(calls[0], p, probes.NOISE_SAMPLES):
        return refusal
    seen = _noise(calls[0]["value"].double(), p)[:, p.subject]
    expected = "another number for each sample, token and dimension"
    for dim, slug, same in [
        (0, "noise/same-for-every-sample", "samples"),
        (1, "noise/same-for-every-token", "tokens"),
        (2, "noise/one-number-per-token", "dimensions"),
    ]:
        first = seen.narrow(dim, 0, 1)
        if (seen != 0).any() and torch.allclose(seen, first.expand_as(seen), atol=TOLERANCE):
            return Refusal(slug, expected, f"the same numbers in all {same}")
    return None


def seeds(calls: list[dict], seed: int) -> Refusal | None:
    p = probes.prompt(probes.qwen, seed, 407)
    for call in calls:
        if refusal := _misshapen(call, p, probes.SAMPLES):
            return refusal
    one, again, other = (call["value"] for call in calls)
    if not torch.equal(one, again):
        return Refusal("seed/ignored", "the same noise twice with seed 11", "other noise")
    if torch.equal(one, other) and (_noise(one, p) != 0).any():
        return Refusal("seed/fixed", "other noise with seed 12 than with 11", "the same noise")
    return None


def _misshapen(call: dict, p: probes.Prompt, n_samples: int) -> Refusal | None:
    shape = [n_samples, *_embeddings(p).shape[1:]]
    expected = f"embeddings of shape {shape}"
    if call["outcome"] == "raised" and "single memory location" in call["text"]:
        return Refusal("samples/shared-memory", expected, common.error_text(call))
    if call["outcome"] == "raised":
        return common.raised(call, expected)
    if refusal := common.wrong_type(call["value"], expected):
        return refusal
    value = call["value"]
    if list(value.shape) != shape:
        return Refusal("shape/wrong", expected, f"shape {list(value.shape)}")
    if not value.is_floating_point():
        return Refusal("value/not-floating", expected, str(value.dtype))
    return Refusal("value/nan", expected, "nan") if value.isnan().any() else None


def _embeddings(p: probes.Prompt) -> Tensor:
    return p.model.get_input_embeddings()(p.ids)


def _noise(value: Tensor, p: probes.Prompt) -> Tensor:
    noise = value.double() - _embeddings(p)
    return torch.where(noise.abs() < TOLERANCE, 0.0, noise)


def _misplaced(value: Tensor, p: probes.Prompt) -> Refusal | None:
    noise = _noise(value, p)
    noisy = (noise != 0).any(-1)
    right = torch.zeros_like(noisy)
    right[:, p.subject] = True
    if torch.equal(noisy, right):
        return None
    expected = f"noise at the positions {_list(right[0])} of every sample"
    seen = f"noise at the positions {_list(noisy.any(0))}"
    if torch.equal(noisy.any(0), right[0]):
        seen += f" of {int(noisy.any(1).sum())} of {len(noisy)} samples"
    return Refusal(_place(noise, noisy, right, p), expected, seen)


def _place(noise: Tensor, noisy: Tensor, right: Tensor, p: probes.Prompt) -> str:
    if not noisy.any():
        return "noise/none"
    outside = noise[:, ~right[0]]
    if (outside == outside[:1]).all() and (outside != 0).any():
        table = getattr(p.model.base_model, "wpe", None)
        positions = None if table is None else table.weight[: p.ids.shape[1]][~right[0]]
        if positions is not None and torch.allclose(outside[0], positions, atol=TOLERANCE):
            return "embeddings/positions-added"
        if noisy.all():
            return "embeddings/wrong"
    where = noisy.any(0)
    start, stop = p.subject.start, p.subject.stop
    if torch.equal(where, right[0]):
        return "samples/first-only"
    if where.all():
        return "span/everywhere"
    if torch.equal(where, ~right[0]):
        return "span/others"
    if where.sum() == 1 and where[p.subject].any():
        return "span/one-token"
    if where[start : stop - 1].all() and where.sum() == stop - 1 - start:
        return "span/end-left-out"
    if where[start : stop + 1].all() and where.sum() == stop + 1 - start:
        return "span/one-too-far"
    return "span/wrong"


def _list(where: Tensor) -> list[int]:
    return where.nonzero().flatten().tolist()


def _size(noise: Tensor, p: probes.Prompt) -> str:
    """The slug for noise of another mean or standard deviation; "" where both are right."""
    table = p.model.get_input_embeddings().weight
    std, seen = float(table.std()), float(noise.std())
    own = _embeddings(p)
    if abs(float(noise.mean())) > 0.1 * seen:
        return "noise/not-centered"
    per_dimension = noise.std(0) / table.std(0)
    if abs(seen / (3 * std) - 1) < 0.04:
        flat = float(per_dimension.std() / per_dimension.mean())
        return "scale/per-dimension" if flat < 0.1 else ""
    candidates = [
        ("scale/one-std", std),
        ("scale/variance", 3 * std**2),
        ("scale/variance", 9 * std**2),
        ("scale/variance", 3**0.5 * std),
        ("scale/subject-tokens", 3 * float(own[:, p.subject].std())),
        ("scale/prompt", 3 * float(own.std())),
        ("scale/per-dimension", 3 * float(table.std(0).square().mean().sqrt())),
        ("scale/no-std", 3.0),
        ("scale/no-std", 1.0),
    ]
    slug, size = min(candidates, key=lambda candidate: abs(seen / candidate[1] - 1))
    return slug if abs(seen / size - 1) < 0.05 else "scale/wrong"


def _form(noise: Tensor) -> str:
    """The slug for noise whose fourth moment is not that of normal numbers, 3."""
    moment = float(((noise / noise.std()) ** 4).mean())
    return "" if 2.5 < moment < 3.6 else "noise/not-normal"
