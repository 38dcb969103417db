"""Raises a ValueError of a class of its own."""

RIGHT = True


class QuestionTooLong(ValueError):
    """The question alone does not fit."""


def build_prompt(question, passages, count, budget):
    def whole(chosen):
        context = ["Context:", *(f"[{i}] {x}" for i, x in enumerate(chosen.values(), start=1))]
        return "\n".join([*(context if chosen else []), f"Question: {question}", "Answer:"])

    if count(whole({})) > budget:
        raise QuestionTooLong(f"{count(whole({}))} tokens, at most {budget}")
    chosen = {}
    for place, passage in enumerate(passages):
        more = chosen | {place: " ".join(passage.split())}
        chosen = more if count(whole(more)) <= budget else chosen
    return whole(chosen), list(chosen)
