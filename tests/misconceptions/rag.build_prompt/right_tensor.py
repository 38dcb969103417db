"""Places as a tensor."""

import torch

RIGHT = True


def build_prompt(question, passages, count, budget):
    def prompt(lines):
        text = ""
        if lines:
            text += "Context:\n"
        for number, line in enumerate(lines):
            text += f"[{number + 1}] {line}\n"
        text += f"Question: {question}\n"
        return text + "Answer:"

    if count(prompt([])) > budget:
        raise ValueError("The question is longer than the budget.")
    lines, used = [], []
    for i in range(len(passages)):
        lines.append(" ".join(passages[i].split()))
        if count(prompt(lines)) > budget:
            lines.pop()
        else:
            used.append(i)
    return prompt(lines), torch.tensor(used, dtype=torch.long)
