"""Effects on the logit."""

import torch

from course_utils.anatomy import anatomy
from course_utils.hooks import record

MISCONCEPTION = "probability/logit"


@torch.no_grad()
def effects(model, input_ids, corrupted, answer):
    parts = anatomy(model)
    with record(model, [("block", i) for i in range(len(parts.blocks))]) as seen:
        clean = model(input_ids).logits[0, -1][answer]
    noisy = model(inputs_embeds=corrupted).logits[:, -1][:, answer].mean()
    indirect = torch.zeros(len(parts.blocks), input_ids.shape[1], dtype=clean.dtype)
    for block in range(len(parts.blocks)):
        for position in range(input_ids.shape[1]):

            def put(module, args, output, block=block, position=position):
                output = output.clone()
                output[:, position] = seen["block", block][0, position]
                return output

            handle = parts.blocks[block].register_forward_hook(put)
            logits = model(inputs_embeds=corrupted).logits
            handle.remove()
            indirect[block, position] = logits[:, -1][:, answer].mean() - noisy
    return clean - noisy, indirect
