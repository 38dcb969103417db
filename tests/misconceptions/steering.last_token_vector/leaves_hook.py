"""Never removes the hook."""

import torch

from course_utils.anatomy import anatomy

MISCONCEPTION = "hooks/left-on"


@torch.no_grad()
def last_token_vector(model, tokenizer, positive, negative, layer):
    block = anatomy(model).blocks[layer]
    seen = []

    def look(module, args, output):
        seen.append(output[0] if isinstance(output, tuple) else output)

    block.register_forward_hook(look)
    for prompt in (positive, negative):
        model(**tokenizer(prompt, return_tensors="pt"))
    return seen[0][0, -1] - seen[1][0, -1]
