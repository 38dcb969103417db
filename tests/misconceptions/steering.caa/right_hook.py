"""A hook of its own."""

import torch

from course_utils.anatomy import anatomy

RIGHT = True


@torch.no_grad()
def caa_vector(model, tokenizer, pairs, layer):
    block = anatomy(model).blocks[layer]
    seen = []
    handle = block.register_forward_hook(lambda module, args, output: seen.append(output[0, -1]))
    for prompt, *completions in pairs:
        for completion in completions:
            model(**tokenizer(prompt + completion, return_tensors="pt"))
    handle.remove()
    return torch.stack(seen[::2]).mean(dim=0) - torch.stack(seen[1::2]).mean(dim=0)
