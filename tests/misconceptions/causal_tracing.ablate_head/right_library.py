"""The course's ablate."""

import torch

from course_utils.tracing import ablate

RIGHT = True


@torch.no_grad()
def ablate_head(model, input_ids, block, head, baseline, reference):
    with ablate(model, [("head", block, head)], baseline, reference):
        return model(input_ids).logits
