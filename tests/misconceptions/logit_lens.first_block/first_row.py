"""Takes the first prompt's answer for all."""

MISCONCEPTION = "batch/first-row"


def first_leading_block(logits, answers):
    leads = logits.argmax(-1) == answers[0]
    return len(logits) - leads.flip(0).cumprod(0).sum(0)
