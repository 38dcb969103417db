"""Tuples of tuples, read off a function of stage and slot."""

RIGHT = True


def pipeline(stages, micro_batches):
    half = micro_batches + stages - 1

    def at(s, t):
        if 0 <= t - s < micro_batches and t < half:
            return f"F{t - s}"
        i = t - half - (stages - 1 - s)
        return "B" + str(i) if 0 <= i < micro_batches else None

    return tuple(tuple(at(s, t) for t in range(2 * half)) for s in range(stages))
