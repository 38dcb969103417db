"""hidden_states inside, the input of the final norm for the last block."""

import torch

from course_utils.anatomy import anatomy

RIGHT = True


@torch.no_grad()
def last_token_vector(model, tokenizer, positive, negative, layer):
    seen = []
    handle = anatomy(model).final_norm.register_forward_pre_hook(
        lambda module, args: seen.append(args[0])
    )
    rows = []
    for prompt in (positive, negative):
        ids = tokenizer.encode(prompt, return_tensors="pt")
        states = model(ids, output_hidden_states=True).hidden_states
        states = [*states[:-1], seen[-1]]
        rows.append(states[layer + 1][0, -1])
    handle.remove()
    return rows[0] - rows[1]
