"""Takes short passages first, to fit in more."""

MISCONCEPTION = "order/shortest-first"


def build_prompt(question, passages, count, budget):
    def whole(lines):
        context = "Context:\n" + "".join(lines) if lines else ""
        return context + f"Question: {question}\nAnswer:"

    if count(whole([])) > budget:
        raise ValueError("the question is too long")
    lines, used = [], []
    for place, passage in sorted(enumerate(passages), key=lambda pair: len(pair[1])):
        entry = f"[{len(lines) + 1}] {' '.join(passage.split())}\n"
        if count(whole(lines + [entry])) <= budget:
            lines.append(entry)
            used.append(place)

    return whole(lines), used
