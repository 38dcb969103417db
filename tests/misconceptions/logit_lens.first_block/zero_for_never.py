"""argmax of nothing but False."""

MISCONCEPTION = "never/zero"


def first_leading_block(logits, answers):
    leads = logits.argmax(-1) == answers
    stays = leads.flip(0).cumprod(0).flip(0)
    return stays.argmax(0)
