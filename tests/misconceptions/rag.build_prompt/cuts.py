"""Cuts the last passage so that it fits."""

MISCONCEPTION = "budget/cuts"


def build_prompt(question, passages, count, budget):
    def whole(lines):
        body = "".join(f"[{i}] {line}\n" for i, line in enumerate(lines, start=1))
        return ("Context:\n" + body if lines else "") + f"Question: {question}\nAnswer:"

    if count(whole([])) > budget:
        raise ValueError("the question is too long")
    lines, used = [], []
    for place, passage in enumerate(passages):
        words = passage.split()
        while words and count(whole(lines + [" ".join(words)])) > budget:
            words.pop()
        if words:
            lines.append(" ".join(words))
            used.append(place)
    return whole(lines), used
