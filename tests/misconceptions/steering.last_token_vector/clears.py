"""Clears all hooks of the block, transformers' own among them."""

import torch

from course_utils.anatomy import anatomy

MISCONCEPTION = "hooks/foreign-removed"


@torch.no_grad()
def last_token_vector(model, tokenizer, positive, negative, layer):
    block = anatomy(model).blocks[layer]
    seen = []

    def look(module, args, output):
        seen.append(output[0] if isinstance(output, tuple) else output)

    block.register_forward_hook(look)
    try:
        for prompt in (positive, negative):
            model(**tokenizer(prompt, return_tensors="pt"))
    finally:
        block._forward_hooks.clear()
    return seen[0][0, -1] - seen[1][0, -1]
