"""Turns line breaks into spaces, and leaves the tabs."""

MISCONCEPTION = "lines/spaces"


def build_prompt(question, passages, count, budget):
    def whole(lines):
        numbered = "".join(f"[{i}] {line}\n" for i, line in enumerate(lines, start=1))
        context = f"Context:\n{numbered}" if lines else ""
        return f"{context}Question: {question}\nAnswer:"

    if count(whole([])) > budget:
        raise ValueError("the question is too long")
    lines, used = [], []
    for place, passage in enumerate(passages):
        line = " ".join(w for w in passage.replace("\n", " ").split(" ") if w)
        if count(whole([*lines, line])) <= budget:
            lines.append(line)
            used.append(place)
    return whole(lines), used
