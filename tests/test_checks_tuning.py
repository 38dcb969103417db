"""What the checks of notebooks 10 and 10b say, and answers that no bank holds."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils import checks

ACCUMULATE = "performance_tuning.accumulate"
CHECKPOINTED = "performance_tuning.checkpointed"
PAD = "performance_tuning.pad_batch"
SAVED = "performance_tuning.saved_bytes"
LORA = "fine_tuning_and_inference.lora"
INT8 = "fine_tuning_and_inference.int8"


def slug(id, answer):
    return checks.run(id, answer).misconception


def test_a_refusal_tells_what_was_counted():
    report = checks.run(SAVED, lambda forward, parameters=(): forward() is None)
    assert "for x [" in report.cases[0].expected


def test_a_guess_without_a_forward_pass_is_none():
    assert slug(SAVED, lambda forward, parameters=(): 0) == "forward/not-run"


def test_gradients_that_are_right_times_a_number_are_named():
    reference = checks.reference(ACCUMULATE)

    def doubled(model, micro_batches):
        loss = reference(model, micro_batches)
        for parameter in model.parameters():
            parameter.grad *= 2
        return loss

    assert slug(ACCUMULATE, doubled) == "scale/other"


def test_one_batch_of_all_rows_is_no_accumulation():
    def at_once(model, micro_batches):
        width = max(ids.shape[1] for ids, _ in micro_batches)
        pad = lambda x, value: F.pad(x, (0, width - x.shape[1]), value=value)  # noqa: E731
        ids = torch.cat([pad(ids, 0) for ids, _ in micro_batches])
        targets = torch.cat([pad(targets, -100) for _, targets in micro_batches])
        model.zero_grad()
        loss = F.cross_entropy(model(ids).flatten(0, 1), targets.flatten())
        loss.backward()
        return loss.item()

    assert slug(ACCUMULATE, at_once) == "graphs/all-at-once"


def test_a_checkpoint_that_forgets_the_parameters_is_refused():
    class Forgets(torch.autograd.Function):
        @staticmethod
        def forward(ctx, run, x):
            ctx.run = run
            ctx.save_for_backward(x)
            return run(x)

        @staticmethod
        def backward(ctx, gradient):
            (x,) = ctx.saved_tensors
            x = x.detach().requires_grad_()
            with torch.enable_grad():
                y = ctx.run(x)
            return None, *torch.autograd.grad(y, x, gradient)

    def answer(blocks, x, k):
        for start in range(0, len(blocks), k):
            x = Forgets.apply(nn.Sequential(*blocks[start : start + k]), x)
        return x

    assert slug(CHECKPOINTED, answer) == "gradients/parameters-cut"


@pytest.mark.parametrize(
    "change, expected",
    [
        (lambda batch: batch["input_ids"], "result/wrong-type"),
        (lambda batch: None, "result/none"),
        (lambda batch: {k: v.tolist() for k, v in batch.items()}, "result/wrong-type"),
        (lambda batch: {k: v.float() for k, v in batch.items()}, "dtype/not-whole"),
        (lambda batch: batch | {"labels": batch["labels"][:, 1:]}, "labels/shifted"),
        (lambda batch: {k: v.T for k, v in batch.items()}, "shape/wrong"),
    ],
)
def test_batches_of_another_kind_are_refused(change, expected):
    reference = checks.reference(PAD)
    answer = lambda texts, pad_id, multiple=1: change(reference(texts, pad_id, multiple))  # noqa: E731
    assert slug(PAD, answer) == expected


@pytest.mark.parametrize("id", [LORA, INT8])
def test_a_layer_without_its_tensors_is_told_so(id):
    class Plain(nn.Module):
        def __init__(self, base, rank=0, alpha=0):
            super().__init__()
            self.base = base

        def forward(self, x):
            return self.base(x)

        def dequantized(self):
            return self.base.weight

    assert slug(id, Plain) == "attributes/missing"


def test_original_weights_behind_int8_are_found():
    class Keeps(checks.reference(INT8)):
        def __init__(self, linear):
            super().__init__(linear)
            self.hidden = {"deep": [linear.weight.detach()]}

        def dequantized(self):
            return self.hidden["deep"][0]

    report = checks.run(INT8, Keeps)
    assert {case.misconception for case in report.cases} >= {"again/original", "kept/float-weights"}


def test_weights_that_a_function_keeps_are_found():
    class Keeps(checks.reference(INT8)):
        def __init__(self, linear):
            super().__init__(linear)
            self.exact = lambda x: linear(x)

    assert slug(INT8, Keeps) == "kept/float-weights"


def test_a_lora_layer_passes_gradients_on_to_its_input():
    class Cut(checks.reference(LORA)):
        def forward(self, x):
            return self.base(x) + self.scale * (x.detach() @ self.A.T @ self.B.T)

    assert slug(LORA, Cut) == "train/input-cut"
