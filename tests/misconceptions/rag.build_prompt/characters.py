"""Counts characters."""

MISCONCEPTION = "count/characters"


def build_prompt(question, passages, count, budget):
    def whole(lines):
        context = "Context:\n" + "".join(lines) if lines else ""
        return context + f"Question: {question}\nAnswer:"

    if count(whole([])) > budget:
        raise ValueError("the question is too long")
    lines, used = [], []
    for place, passage in enumerate(passages):
        entry = f"[{len(lines) + 1}] {' '.join(passage.split())}\n"
        if len(whole(lines + [entry])) <= budget:
            lines.append(entry)
            used.append(place)

    return whole(lines), used
