"""Grows the text; a tuple of places."""

import re

RIGHT = True


def build_prompt(question, passages, count, budget):
    tail = "Question: " + question + "\nAnswer:"
    if count(tail) > budget:
        raise ValueError("too long")
    context, used = "", ()
    for place, passage in enumerate(passages):
        line = "[" + str(len(used) + 1) + "] " + re.sub(r"\s+", " ", passage).strip() + "\n"
        longer = (context or "Context:\n") + line
        if count(longer + tail) > budget:
            continue
        context, used = longer, used + (place,)
    return context + tail, used
