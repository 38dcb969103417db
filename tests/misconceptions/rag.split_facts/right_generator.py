"""Two generators, tuples with nested spans."""

RIGHT = True


def pieces(text, start, stop, marks):
    begin = i = start
    while i < stop:
        mark = next((m for m in marks if text.startswith(m, i)), None)
        if mark and i + len(mark) < stop:
            yield begin, i
            begin = i = i + len(mark)
        else:
            i += 1
    yield begin, stop


def sentences(text):
    start = 0
    for i, letter in enumerate(text + " "):
        is_end = letter == "." and (i + 1 >= len(text) or text[i + 1].isspace())
        if is_end or i == len(text):
            while start < i and text[start].isspace():
                start += 1
            if start < min(i, len(text)):
                yield start, min(i, len(text))
            start = i + 1


def split_facts(text):
    facts, subject = [], ""
    for start, stop in sentences(text):
        for a, b in pieces(text, start, stop, (", and ", ", ", " and ")):
            clause = text[a:b]
            head, _, tail = clause.partition(" ")
            if head in ("He", "She", "They", "It") and subject:
                clause = f"{subject} {tail}"
            elif head[0].isupper():
                subject = head
            else:
                clause = f"{subject} {clause}"
            facts.append((clause, (a, b)))
    return facts
