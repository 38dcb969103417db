"""The blocks as Qwen calls them."""

import torch

from course_utils.hooks import record

MISCONCEPTION = "architecture/one-name"


@torch.no_grad()
def effects(model, input_ids, corrupted, answer):
    with record(model, [("block", i) for i in range(len(model.model.layers))]) as seen:
        clean = model(input_ids).logits[0, -1].softmax(-1)[answer]
    noisy = model(inputs_embeds=corrupted).logits[:, -1].softmax(-1)[:, answer].mean()
    indirect = torch.zeros(len(model.model.layers), input_ids.shape[1], dtype=clean.dtype)
    for block in range(len(model.model.layers)):
        for position in range(input_ids.shape[1]):

            def put(module, args, output, block=block, position=position):
                output = output.clone()
                output[:, position] = seen["block", block][0, position]
                return output

            handle = model.model.layers[block].register_forward_hook(put)
            logits = model(inputs_embeds=corrupted).logits
            handle.remove()
            indirect[block, position] = logits[:, -1].softmax(-1)[:, answer].mean() - noisy
    return clean - noisy, indirect
