"""A loop over the samples."""

import torch

from course_utils.anatomy import anatomy
from course_utils.hooks import record

RIGHT = True


@torch.no_grad()
def restore(model, input_ids, corrupted, block, position, answer):
    probabilities = []
    with record(model, [("block", block)]) as seen:
        model(input_ids)
    state = seen["block", block][0, position]

    def put(module, args, output):
        return torch.cat(
            [output[:, :position], state[None, None], output[:, position + 1 :]], dim=1
        )

    for sample in corrupted:
        handle = anatomy(model).blocks[block].register_forward_hook(put)
        try:
            logits = model(inputs_embeds=sample[None]).logits
        finally:
            handle.remove()
        probabilities.append(logits[0, -1].softmax(-1)[answer])
    return sum(probabilities) / len(probabilities)
