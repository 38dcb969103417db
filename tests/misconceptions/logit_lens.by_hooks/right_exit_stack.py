"""An ExitStack takes the hooks off."""

from contextlib import ExitStack

import torch

from course_utils.anatomy import anatomy

RIGHT = True


def logit_lens_by_hooks(model, tokenizer, text, top_k=5):
    parts, states = anatomy(model), {}
    ids = tokenizer(text, return_tensors="pt").input_ids
    with ExitStack() as stack, torch.no_grad():
        hook = parts.blocks[0].register_forward_pre_hook(
            lambda module, args: states.update(embedding=args[0])
        )
        stack.callback(hook.remove)
        for i, block in enumerate(parts.blocks):
            hook = block.register_forward_hook(
                lambda module, args, output, i=i: states.update(
                    {i: output[0] if isinstance(output, tuple) else output}
                )
            )
            stack.callback(hook.remove)
        model(ids)
        result = []
        for layer, state in states.items():
            values, indices = parts.unembed(state[0, -1]).topk(top_k)
            tokens = [tokenizer.decode(t) for t in indices]
            row = {"layer": layer, "top_tokens": tokens, "top_token_logits": values.tolist()}
            result.append(row)
    return result
