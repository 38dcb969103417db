"""Among the first five is near enough."""

MISCONCEPTION = "leads/in-the-top"


def first_leading_block(logits, answers):
    top = logits.topk(min(5, logits.shape[-1])).indices
    near = (top == answers[:, None]).any(-1)
    return len(logits) - near.flip(0).cumprod(0).sum(0)
