"""Only Llama's names of the parts."""

import torch

MISCONCEPTION = "layer/one-architecture"


@torch.no_grad()
def last_token_vector(model, tokenizer, positive, negative, layer):
    block = model.model.layers[layer]
    seen = []

    def look(module, args, output):
        seen.append(output[0] if isinstance(output, tuple) else output)

    handle = block.register_forward_hook(look)
    try:
        for prompt in (positive, negative):
            model(**tokenizer(prompt, return_tensors="pt"))
    finally:
        handle.remove()
    return seen[0][0, -1] - seen[1][0, -1]
