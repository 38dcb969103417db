"""Which memory is put on large pages, and that its content stays."""

import mmap

from course_utils.grading.inside import pages

MAPS = """\
00400000-00a00000 r-xp 00000000 fe:00 12 /usr/bin/python3.11
00c00000-00e00000 rw-p 00200000 fe:00 12 /usr/bin/python3.11
01000000-01300000 rw-p 00000000 00:00 0 [heap]
02100000-02700000 rw-p 00000000 00:00 0
02900000-02a00000 rw-p 00000000 00:00 0
03000000-03400000 rw-s 00000000 00:00 0 /dev/zero (deleted)
04000000-04200000 r--p 00000000 00:00 0
05000000-05200000 rw-p 00000000 00:00 0 [stack]
"""


def test_whole_large_pages_of_private_memory_are_chosen():
    assert [*pages._starts(MAPS.splitlines())] == [0x1000000, 0x2200000, 0x2400000]


def test_content_stays():
    memory = mmap.mmap(-1, 8 * pages.LARGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    written = bytes(range(256)) * (len(memory) // 256)
    memory[:] = written
    pages.enlarge()
    assert memory[:] == written
    memory.close()
