"""log_softmax is the stable one."""

import torch.nn.functional as F

MISCONCEPTION = "result/log-probabilities"


def softmax(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    return F.log_softmax(logits / temperature, dim=-1)
