"""Owners are counted in the tables; RuntimeError."""

import torch

RIGHT = True


class PagedCache:
    def __init__(self, n_blocks, n_kv_heads, d_head, block_size=16):
        self.size, self.n_blocks = block_size, n_blocks
        self.pool = torch.zeros(2, n_blocks, n_kv_heads, block_size, d_head)
        self.tables, self.lengths = {}, {}
        self.names = iter("abcdefghijklmnopqrstuvwxyz")

    def owners(self, block):
        return sum(block in table for table in self.tables.values())

    def unused(self):
        return [block for block in range(self.n_blocks) if self.owners(block) == 0]

    def n_free_blocks(self):
        return len(self.unused())

    def allocate(self):
        name = next(self.names)
        self.tables[name], self.lengths[name] = [], 0
        return name

    def append(self, name, k, v):
        table, length = list(self.tables[name]), self.lengths[name]
        end, free = length + k.shape[1], self.unused()
        copied = None
        if length % self.size and self.owners(table[-1]) > 1:
            copied = table.pop()
        wanted = -(-end // self.size) - len(table)
        if wanted > len(free):
            raise MemoryError("full")
        table += free[:wanted]
        if copied is not None:
            self.pool[:, table[length // self.size]] = self.pool[:, copied]
        for i in range(k.shape[1]):
            block, slot = table[(length + i) // self.size], (length + i) % self.size
            self.pool[0, block, :, slot], self.pool[1, block, :, slot] = k[:, i], v[:, i]
        self.tables[name], self.lengths[name] = table, end

    def gather(self, name):
        both = self.pool[:, self.tables[name]].transpose(1, 2).flatten(2, 3)
        return tuple(both[:, :, : self.lengths[name]])

    def fork(self, name):
        copy = self.allocate()
        self.tables[copy], self.lengths[copy] = self.tables[name][:], self.lengths[name]
        return copy

    def free(self, name):
        self.tables[name], self.lengths[name] = [], 0
