"""With logsumexp, in float32: a large sum is rounded."""

RIGHT = True


def softmax(logits, temperature):
    assert temperature > 0
    z = logits.float() / temperature
    return (z - z.logsumexp(dim=-1, keepdim=True)).exp()
