"""Adds the counts of question and passages."""

MISCONCEPTION = "count/in-parts"


def build_prompt(question, passages, count, budget):
    def whole(lines):
        numbered = "".join(f"[{i}] {line}\n" for i, line in enumerate(lines, start=1))
        context = f"Context:\n{numbered}" if lines else ""
        return f"{context}Question: {question}\nAnswer:"

    if count(whole([])) > budget:
        raise ValueError("the question is too long")
    lines, used = [], []
    for place, passage in enumerate(passages):
        line = " ".join(passage.split())
        parts = [whole([]), *lines, line]
        if sum(map(count, parts)) <= budget:
            lines.append(line)
            used.append(place)
    return whole(lines), used
