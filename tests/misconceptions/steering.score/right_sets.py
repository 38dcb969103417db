"""Sets."""

RIGHT = True


def share_of_kind(texts, wanted, other):
    wanted, other = set(wanted) - set(other), set(other) - set(wanted)
    words = [w.strip('.,!?:;"') for t in texts for w in t.split()]
    labels = [w in wanted for w in words if w in wanted | other]
    try:
        return sum(labels) / len(labels)
    except ZeroDivisionError:
        return float("nan")
