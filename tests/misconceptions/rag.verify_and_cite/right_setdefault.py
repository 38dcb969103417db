"""setdefault and a dict of first sources."""

RIGHT = True


def verify_and_cite(facts, sources, supports):
    first = {}
    cited = []
    for i in range(len(facts)):
        source = sources[i]
        if source is None:
            continue
        verdict = supports(source.text, facts[i])
        if not verdict:
            continue
        first.setdefault(tuple(source)[:3], source)
        cited.append((facts[i], list(first).index(tuple(source)[:3]) + 1))
    return tuple(cited), tuple(first.values())
