"""squeeze() drops the batch where it is one."""

MISCONCEPTION = "batch/squeezed"


def first_leading_block(logits, answers):
    leads = (logits.argmax(-1) == answers).squeeze()
    return len(logits) - leads.flip(0).cumprod(0).sum(0)
