"""Gives a prompt for any question."""

MISCONCEPTION = "question/accepted"


def build_prompt(question, passages, count, budget):
    def whole(lines):
        context = "Context:\n" + "".join(lines) if lines else ""
        return context + f"Question: {question}\nAnswer:"

    lines, used = [], []
    for place, passage in enumerate(passages):
        entry = f"[{len(lines) + 1}] {' '.join(passage.split())}\n"
        if count(whole(lines + [entry])) <= budget:
            lines.append(entry)
            used.append(place)

    return whole(lines), used
