"""Leaves the forward pass with an exception once the block has run."""

import torch

from course_utils.anatomy import anatomy

RIGHT = True


class Enough(Exception):
    pass


def last_token_vector(model, tokenizer, positive, negative, layer):
    def stop(module, args, output):
        raise Enough(output)

    handle = anatomy(model).blocks[layer].register_forward_hook(stop)
    last = []
    for prompt in (negative, positive):
        try:
            with torch.inference_mode():
                model(**tokenizer(prompt, return_tensors="pt"))
        except Enough as enough:
            (output,) = enough.args
            last.append((output if torch.is_tensor(output) else output[0])[0, -1].clone())
    handle.remove()
    return last[1] - last[0]
