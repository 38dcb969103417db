"""Clean and corrupted rows in one batch."""

import torch

from course_utils.anatomy import anatomy

RIGHT = True


@torch.no_grad()
def restore(model, input_ids, corrupted, block, position, answer):
    clean = model.get_input_embeddings()(input_ids)

    def put(module, args, output):
        hidden = output[0] if isinstance(output, tuple) else output
        hidden[1:, position] = hidden[0, position]

    handle = anatomy(model).blocks[block].register_forward_hook(put)
    try:
        logits = model(inputs_embeds=torch.cat([clean, corrupted])).logits
    finally:
        handle.remove()
    return logits[1:, -1].softmax(-1)[:, answer].mean()
