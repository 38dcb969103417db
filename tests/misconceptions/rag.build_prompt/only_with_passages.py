"""Does not look at the budget where there is no passage."""

MISCONCEPTION = "question/accepted"


def build_prompt(question, passages, count, budget):
    def whole(lines):
        numbered = "".join(f"[{i}] {line}\n" for i, line in enumerate(lines, start=1))
        context = f"Context:\n{numbered}" if lines else ""
        return f"{context}Question: {question}\nAnswer:"

    if passages and count(whole([])) > budget:
        raise ValueError("the question is too long")
    lines, used = [], []
    for place, passage in enumerate(passages):
        line = " ".join(passage.split())
        if count(whole([*lines, line])) <= budget:
            lines.append(line)
            used.append(place)
    return whole(lines), used
