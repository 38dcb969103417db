"""Returns the passages."""

MISCONCEPTION = "used/texts"


def build_prompt(question, passages, count, budget):
    def whole(lines):
        context = "Context:\n" + "".join(lines) if lines else ""
        return context + f"Question: {question}\nAnswer:"

    if count(whole([])) > budget:
        raise ValueError("the question is too long")
    lines, used = [], []
    for _place, passage in enumerate(passages):
        entry = f"[{len(lines) + 1}] {' '.join(passage.split())}\n"
        if count(whole(lines + [entry])) <= budget:
            lines.append(entry)
            used.append(passage)

    return whole(lines), used
