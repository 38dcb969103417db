"""Asks the list where a passage stands."""

MISCONCEPTION = "used/first-found"


def build_prompt(question, passages, count, budget):
    def whole(lines):
        numbered = "".join(f"[{i}] {line}\n" for i, line in enumerate(lines, start=1))
        context = f"Context:\n{numbered}" if lines else ""
        return f"{context}Question: {question}\nAnswer:"

    if count(whole([])) > budget:
        raise ValueError("the question is too long")
    lines, used = [], []
    for passage in passages:
        line = " ".join(passage.split())
        if count(whole([*lines, line])) <= budget:
            lines.append(line)
            used.append(passages.index(passage))
    return whole(lines), used
