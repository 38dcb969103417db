"""Clears all hooks of the block."""

import torch

from course_utils.anatomy import anatomy

MISCONCEPTION = "hooks/foreign-removed"


@torch.no_grad()
def caa_vector(model, tokenizer, pairs, layer):
    block = anatomy(model).blocks[layer]
    seen = []
    block.register_forward_hook(lambda module, args, output: seen.append(output[0, -1]))
    for prompt, *completions in pairs:
        for completion in completions:
            model(**tokenizer(prompt + completion, return_tensors="pt"))
    block._forward_hooks.clear()
    return torch.stack(seen[::2]).mean(dim=0) - torch.stack(seen[1::2]).mean(dim=0)
