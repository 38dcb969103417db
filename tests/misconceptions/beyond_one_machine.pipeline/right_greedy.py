"""Slot by slot, whatever can run, backward first."""

RIGHT = True


def pipeline(stages, micro_batches):
    rows = [[] for _ in range(stages)]
    done = {}
    for slot in range(2 * (micro_batches + stages - 1)):
        for s in range(stages):
            choice = None
            for i in range(micro_batches):
                ready = done.get(("B", s + 1, i), slot) < slot if s < stages - 1 else True
                if choice is None and ("B", s, i) not in done and ready:
                    if done.get(("F", s, i), slot) < slot:
                        choice = ("B", s, i)
            in_flight = sum(("F", s, i) in done for i in range(micro_batches))
            in_flight -= sum(("B", s, i) in done for i in range(micro_batches))
            for i in range(micro_batches):
                ready = s == 0 or done.get(("F", s - 1, i), slot) < slot
                if choice is None and ("F", s, i) not in done and ready and in_flight < stages - s:
                    choice = ("F", s, i)
            if choice is not None:
                done[choice] = slot
            rows[s].append(None if choice is None else f"{choice[0]}{choice[2]}")
    return rows
