"""Joins lines; tries a list of places."""

RIGHT = True


def build_prompt(question, passages, count, budget):
    flat = [" ".join(passage.split()) for passage in passages]

    def whole(places):
        lines = [f"[{i}] {flat[place]}" for i, place in enumerate(places, start=1)]
        head = ["Context:"] if places else []
        return "\n".join([*head, *lines, f"Question: {question}", "Answer:"])

    if count(whole([])) > budget:
        raise ValueError(f"{count(whole([]))} tokens for the question, {budget} allowed")
    used = []
    for place in range(len(flat)):
        if count(whole(used + [place])) <= budget:
            used = used + [place]
    return whole(used), used
