"""The copy of the last block is not counted."""

import math

import torch

MISCONCEPTION = "memory/another-error"


class PagedCache:
    def __init__(self, n_blocks, n_kv_heads, d_head, block_size=16):
        self.block_size = block_size
        self.keys = torch.zeros(n_blocks, n_kv_heads, block_size, d_head)
        self.values = torch.zeros(n_blocks, n_kv_heads, block_size, d_head)
        self.free_blocks = list(range(n_blocks))
        self.owners = [0] * n_blocks
        self.tables = {}
        self.lengths = {}
        self.count = 0

    def n_free_blocks(self):
        return len(self.free_blocks)

    def allocate(self):
        sequence = self.count
        self.count += 1
        self.tables[sequence] = []
        self.lengths[sequence] = 0
        return sequence

    def append(self, sequence, k, v):
        table, length = self.tables[sequence], self.lengths[sequence]
        end = length + k.shape[1]
        used = length % self.block_size
        shared = used > 0 and self.owners[table[-1]] > 1
        needed = math.ceil(end / self.block_size) - len(table)
        if needed > len(self.free_blocks):
            raise MemoryError("no block is free")
        if shared:
            old, table[-1] = table[-1], self.take()
            self.keys[table[-1]] = self.keys[old]
            self.values[table[-1]] = self.values[old]
            self.owners[old] -= 1
        for i in range(k.shape[1]):
            position = length + i
            if position // self.block_size == len(table):
                table.append(self.take())
            block = table[position // self.block_size]
            self.keys[block, :, position % self.block_size] = k[:, i]
            self.values[block, :, position % self.block_size] = v[:, i]
        self.lengths[sequence] = end

    def take(self):
        block = self.free_blocks.pop()
        self.owners[block] = 1
        return block

    def gather(self, sequence):
        length = self.lengths[sequence]
        k = self.keys[self.tables[sequence]].transpose(0, 1).flatten(1, 2)
        v = self.values[self.tables[sequence]].transpose(0, 1).flatten(1, 2)
        return k[:, :length], v[:, :length]

    def fork(self, sequence):
        copy = self.allocate()
        self.tables[copy] = list(self.tables[sequence])
        self.lengths[copy] = self.lengths[sequence]
        for block in self.tables[copy]:
            self.owners[block] += 1
        return copy

    def free(self, sequence):
        for block in self.tables.pop(sequence):
            self.owners[block] -= 1
            if self.owners[block] == 0:
                self.free_blocks.append(block)
        del self.lengths[sequence]
