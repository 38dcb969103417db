"""float32 whatever comes, F.softmax as a method, 1-D made 2-D on the way."""

import torch.nn.functional as F

RIGHT = True


def softmax(logits, temperature):
    if float(temperature) <= 0.0:
        raise RuntimeError("no")
    flat = logits.float().reshape(-1, logits.size(-1))
    return F.softmax(flat.div(temperature), dim=1).reshape(logits.size())
