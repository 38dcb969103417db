"""Takes dimension 1 for the blocks."""

MISCONCEPTION = "index/number-of-prompts"


def first_leading_block(logits, answers):
    leads = logits.argmax(-1) == answers
    return logits.shape[1] - leads.flip(0).cumprod(0).sum(0)
