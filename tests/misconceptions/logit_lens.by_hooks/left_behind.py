"""Never removes a hook."""

import torch

from course_utils.anatomy import anatomy

MISCONCEPTION = "hooks/left-behind"


@torch.no_grad()
def logit_lens_by_hooks(model, tokenizer, text, top_k=5):
    parts = anatomy(model)
    ids = tokenizer(text, return_tensors="pt").input_ids
    states = []

    def see_input(block, args):
        states.append(args[0])

    def see_output(block, args, output):
        states.append(output[0] if isinstance(output, tuple) else output)

    parts.blocks[0].register_forward_pre_hook(see_input)
    for block in parts.blocks:
        block.register_forward_hook(see_output)
    model(ids)
    rows = []
    names = ["embedding", *range(len(parts.blocks))]
    for layer, state in zip(names, states, strict=True):
        top = parts.unembedding(parts.final_norm(state[0, -1])).topk(top_k)
        tokens = [tokenizer.decode(t) for t in top.indices]
        rows.append({"layer": layer, "top_tokens": tokens, "top_token_logits": top.values})
    return rows
