"""The state stays restored."""

import torch

from course_utils.anatomy import anatomy
from course_utils.hooks import edit, record

MISCONCEPTION = "block/from-there-on"


@torch.no_grad()
def restore(model, input_ids, corrupted, block, position, answer):
    blocks = anatomy(model).blocks
    sites = [("block", i) for i in range(block, len(blocks))]
    with record(model, sites) as seen:
        model(input_ids)

    def putting(site):
        def put(activation, positions):
            activation[:, position] = seen[site][0, position]
            return activation

        return put

    with edit(model, {site: putting(site) for site in sites}):
        logits = model(inputs_embeds=corrupted).logits
    return logits[:, -1].softmax(-1)[:, answer].mean()
