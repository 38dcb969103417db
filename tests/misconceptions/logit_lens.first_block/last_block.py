"""The last block for none."""

MISCONCEPTION = "never/last-block"


def first_leading_block(logits, answers):
    leads = logits.argmax(-1) == answers
    count = leads.flip(0).cumprod(0).sum(0)
    return (len(logits) - count).clamp(max=len(logits) - 1)
