# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Long random sequences of calls give the same answers in the mount as in the source's file system:
# on the bytes of one file, by every way to reach them at once, and on the names of a small tree.
# GEN5_POSIX_SEED picks other sequences, GEN5_POSIX_STEPS their length.

import fcntl
import functools
import hashlib
import mmap
import os
import random
import stat
import unittest

from beside_source import BesideSource, attempt, compared, in_children, look
from system_calls import (
    FALLOC_KEEP_SIZE, FALLOC_PUNCH_HOLE, FALLOC_ZERO_RANGE, RENAME_EXCHANGE, RENAME_NOREPLACE,
    fallocate, renameat2,
)

SEED = int(os.environ.get("GEN5_POSIX_SEED", "1"))
STEPS = int(os.environ.get("GEN5_POSIX_STEPS", "1500"))
SIZE_MAX = 300_000
ALIGNMENT = 4096


def digest(content):
    return content if isinstance(content, str) or len(content) < 20 else \
        (len(content), hashlib.md5(content).hexdigest())


class Bytes:
    """One file, open several times, and the calls that change or read it."""

    def __init__(self, at, generator):
        self.random = generator
        self.path = at.file(content=b"")
        os.link(self.path, at("other name"))
        self.second = at("other name")
        self.handles = [os.open(self.path, os.O_RDWR) for _ in range(2)]
        self.handles.append(os.open(self.second, os.O_RDWR))
        self.appending = os.open(self.path, os.O_RDWR | os.O_APPEND)
        self.direct = os.open(self.path, os.O_RDWR | getattr(os, "O_DIRECT", 0))

    def close(self):
        for descriptor in (*self.handles, self.appending, self.direct):
            os.close(descriptor)

    def any(self):
        return self.random.choice(self.handles)

    def range(self):
        offset = self.random.choice((self.random.randrange(SIZE_MAX), self.random.randrange(20000)))
        return offset, self.random.choice((1, 100, 4096, 5000, 65536, self.random.randrange(40000)))

    def some_bytes(self, size):
        return self.random.randbytes(1) * size

    def write(self):
        offset, size = self.range()
        return attempt(os.pwrite, self.any(), self.some_bytes(size), offset)

    def read(self):
        offset, size = self.range()
        return digest(attempt(os.pread, self.any(), size, offset))

    def append(self):
        if os.fstat(self.appending).st_size > SIZE_MAX:
            return attempt(os.ftruncate, self.appending, 1000)
        return attempt(os.write, self.appending, self.some_bytes(self.range()[1]))

    def truncate(self):
        size = self.random.choice((self.random.randrange(SIZE_MAX), self.random.randrange(5000), 0))
        if self.random.random() < 0.5:
            return attempt(os.truncate, self.second, size)
        return attempt(os.ftruncate, self.any(), size)

    def allocate(self):
        mode = self.random.choice((
            0, FALLOC_KEEP_SIZE, FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE, FALLOC_ZERO_RANGE,
            FALLOC_ZERO_RANGE | FALLOC_KEEP_SIZE,
        ))
        return attempt(fallocate, self.any(), mode, *self.range())

    def copy(self):
        (source, size), (target, _) = self.range(), self.range()
        return attempt(os.copy_file_range, self.any(), self.any(), size, source, target)

    def mapped(self):
        size = os.fstat(self.handles[0]).st_size
        if size == 0:
            return None
        offset, length = self.range()
        offset %= size
        with mmap.mmap(self.any(), size) as memory:
            seen = digest(memory[offset:offset + length])
            if self.random.random() < 0.5:
                part = memory[offset:offset + length]
                memory[offset:offset + len(part)] = self.some_bytes(len(part))
            if self.random.random() < 0.3:
                memory.flush()
        return seen

    def direct_write(self):
        offset, size = (number // ALIGNMENT * ALIGNMENT for number in self.range())
        with mmap.mmap(-1, size + ALIGNMENT) as memory:
            memory[:size] = self.some_bytes(size)
            with memoryview(memory) as view, view[:size] as part:
                return attempt(os.pwritev, self.direct, [part], offset)

    def direct_read(self):
        offset, size = (number // ALIGNMENT * ALIGNMENT for number in self.range())
        with mmap.mmap(-1, size + ALIGNMENT) as memory:
            with memoryview(memory) as view, view[:size] as part:
                got = attempt(os.preadv, self.direct, [part], offset)
            return got, digest(memory[:got] if isinstance(got, int) else b"")

    def reopened(self):
        place = self.random.randrange(len(self.handles))
        os.close(self.handles[place])
        flags = self.random.choice((0, 0, 0, os.O_TRUNC, os.O_CREAT, os.O_SYNC))
        path = self.random.choice((self.path, self.second))
        self.handles[place] = os.open(path, os.O_RDWR | flags)

    def forgotten(self):
        """The kernel gives its pages back, and reads them again."""
        os.fsync(self.any())
        os.posix_fadvise(self.any(), 0, 0, os.POSIX_FADV_DONTNEED)

    def found(self):
        status = os.stat(self.random.choice((self.path, self.second)))
        return status.st_size, status.st_nlink, os.fstat(self.any()).st_size


class Names:
    """A few names in a few folders, so that most calls find something there."""

    FOLDERS = ("", "one", "two", "one/deep")
    LEAVES = ("a", "b", "c", "one", "deep", "x.gen5.tmp")

    def __init__(self, at, generator):
        self.random = generator
        self.at = at
        self.open = []
        for folder in self.FOLDERS[1:]:
            os.mkdir(at(folder))

    def close(self):
        for descriptor in self.open:
            os.close(descriptor)

    def content(self, path):
        with open(path, "rb") as stream:
            return stream.read()

    def path(self):
        return self.at(self.random.choice(self.FOLDERS), self.random.choice(self.LEAVES))

    def make(self):
        descriptor = attempt(os.open, self.path(), self.random.choice((
            os.O_CREAT | os.O_WRONLY, os.O_CREAT | os.O_EXCL | os.O_RDWR,
            os.O_CREAT | os.O_TRUNC | os.O_RDWR,
        )), 0o640)
        if isinstance(descriptor, str):
            return descriptor
        os.write(descriptor, b"content")
        if self.random.random() < 0.5:
            os.close(descriptor)
        else:
            self.open.append(descriptor)
        if len(self.open) > 10:
            os.close(self.open.pop(0))
        return "made"

    def look(self):
        path = self.path()
        seen = attempt(look, path)
        if isinstance(seen, dict) and seen["kind"] == "-":
            return seen, attempt(self.content, path)
        return seen

    def look_at_open(self):
        if not self.open:
            return None
        descriptor = self.random.choice(self.open)
        status = os.fstat(descriptor)
        return status.st_size, status.st_nlink, stat.filemode(status.st_mode), \
            attempt(os.pwrite, descriptor, b"C", 0)

    def list(self):
        return sorted(attempt(os.listdir, self.at(self.random.choice(self.FOLDERS))))

    def mkdir(self):
        return attempt(os.mkdir, self.path(), 0o750)

    def rmdir(self):
        return attempt(os.rmdir, self.path())

    def unlink(self):
        return attempt(os.unlink, self.path())

    def rename(self):
        return attempt(os.rename, self.path(), self.path())

    def rename_with_flags(self):
        return attempt(renameat2, self.path(), self.path(),
                       self.random.choice((RENAME_EXCHANGE, RENAME_NOREPLACE)))

    def link(self):
        return attempt(os.link, self.path(), self.path(), follow_symlinks=False)

    def symlink(self):
        target = self.random.choice(("a", "../b", "nowhere", "deep"))
        return attempt(os.symlink, target, self.path())

    def through_link(self):
        path = self.path()
        return attempt(os.readlink, path), attempt(self.content, path)

    def chmod(self):
        return attempt(os.chmod, self.path(), self.random.choice((0o700, 0o755, 0o4711)))

    def set_attribute(self):
        path = self.path()
        return attempt(os.setxattr, path, "user.x", self.random.randbytes(3)), \
            attempt(os.getxattr, path, "user.x"), attempt(os.removexattr, path, "user.y")

    def times(self):
        path = self.path()
        result = attempt(os.utime, path, (self.random.randrange(10**9),) * 2)
        return result, attempt(lambda: os.stat(path).st_mtime)

    def lock(self):
        return attempt(lambda: [fcntl.flock(one, fcntl.LOCK_EX | fcntl.LOCK_NB)
                                for one in self.open[:2]])


class Records:
    """A file of records that several processes change, each under its lock. What a record holds is
    one byte, again and again; the last one that was written is in memory that all share."""

    COUNT, SIZE = 16, 2 * ALIGNMENT

    def __init__(self, path):
        self.path = path
        self.written = mmap.mmap(-1, self.COUNT)
        with open(path, "wb") as stream:
            stream.truncate(self.COUNT * self.SIZE)

    def work(self, seed, steps):
        """What a process does; the first record that is not as it was written, or None."""
        generator = random.Random(seed)
        self.buffered = os.open(self.path, os.O_RDWR)
        self.direct = os.open(self.path, os.O_RDWR | getattr(os, "O_DIRECT", 0))
        self.synced = os.open(self.path, os.O_RDWR | os.O_SYNC)
        self.memory = mmap.mmap(self.buffered, self.COUNT * self.SIZE)
        self.aligned = mmap.mmap(-1, self.SIZE)
        for step in range(steps):
            record = generator.randrange(self.COUNT)
            start = record * self.SIZE
            read = generator.choice((self.read, self.read_memory, self.read_direct))
            write = generator.choice((self.write, self.write_memory, self.write_direct,
                                      self.write_synced))
            fcntl.lockf(self.buffered, fcntl.LOCK_EX, self.SIZE, start)
            seen = read(start)
            if seen != self.written[record:record + 1] * self.SIZE:
                return step, record, read.__name__, self.written[record], digest(seen)
            new = generator.randbytes(1)
            write(start, new * self.SIZE)
            self.written[record:record + 1] = new
            fcntl.lockf(self.buffered, fcntl.LOCK_UN, self.SIZE, start)
        return None

    def read(self, start):
        return os.pread(self.buffered, self.SIZE, start)

    def read_memory(self, start):
        return self.memory[start:start + self.SIZE]

    def read_direct(self, start):
        got = os.preadv(self.direct, [self.aligned], start)
        return self.aligned[:got]

    def write(self, start, content):
        os.pwrite(self.buffered, content, start)

    def write_memory(self, start, content):
        self.memory[start:start + self.SIZE] = content

    def write_direct(self, start, content):
        self.aligned[:] = content
        os.pwritev(self.direct, [self.aligned], start)

    def write_synced(self, start, content):
        os.pwrite(self.synced, content, start)


def run(world, seed):
    """What each step gave; the same for the same seed, wherever it runs."""
    generator = world.random
    steps = sorted(name for name in dir(type(world)) if not name.startswith("_")
                   and callable(getattr(type(world), name))
                   and name not in ("any", "close", "content", "path", "range", "some_bytes"))
    seen = []
    try:
        for number in range(STEPS):
            name = generator.choice(steps)
            seen.append((seed, number, name, getattr(world, name)()))
    finally:
        world.close()
    return seen


class RandomSequences(BesideSource):
    def compare(self, test):
        try:
            super().compare(test)
        except AssertionError as error:
            # The first step that differs says more than both lists.
            error.args = (error.args[0][:4000],)
            raise

    @compared
    def test_the_bytes_of_a_file(self, at):
        seen = []
        for seed in range(SEED, SEED + 3):
            place = type(at)(at.folder(f"{seed}"))
            seen += run(Bytes(place, random.Random(seed)), seed)
        return seen

    @compared
    def test_processes_that_lock_a_record_read_what_the_others_have_written(self, at):
        records = Records(at("records"))
        seen = in_children(*(functools.partial(records.work, seed, STEPS // 3)
                             for seed in range(SEED, SEED + 4)))
        os.unlink(at("records"))  # its bytes differ from run to run
        return seen

    @compared
    def test_the_names_of_a_tree(self, at):
        seen = []
        for seed in range(SEED, SEED + 3):
            place = type(at)(at.folder(f"{seed}"))
            seen += run(Names(place, random.Random(seed)), seed)
        return seen


if __name__ == "__main__":
    unittest.main()
