# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Mounts whose daemon makes its system calls through faults.c. GEN5_FAULTS_LIBRARY names the library.

import mmap
import os
import struct

from mounted import GEN5FS, Mount

LIBRARY = os.path.abspath(os.environ.get(
    "GEN5_FAULTS_LIBRARY", os.path.join(os.path.dirname(GEN5FS), "tests", "libfaults.so")
))

# enum fault_call and enum fault_action of faults.h
CALLS = (
    "write", "copy", "truncate", "allocate", "sync", "open", "rename", "link", "unlink", "mkdir",
    "mode", "owner", "xattr", "stat", "read", "readlink", "lock", "duplicate", "close", "memory_file",
    "random", "map", "thread", "malloc",
)
ACTIONS = ("none", "fail", "fail_after", "short", "kill", "hold")
# struct faults
FIELDS = ("action", "calls", "number", "lasts", "error", "counted", "fired", "records")


class Faults:
    """What the library in the daemon is told, and what it tells."""

    def __init__(self, path):
        self.path = path
        with open(path, "wb") as stream:
            stream.write(bytes(8 * len(FIELDS)))
        with open(path, "r+b") as stream:
            self._memory = mmap.mmap(stream.fileno(), 8 * len(FIELDS))

    def _get(self, field):
        return struct.unpack_from("<Q", self._memory, 8 * FIELDS.index(field))[0]

    def _set(self, field, value):
        struct.pack_into("<Q", self._memory, 8 * FIELDS.index(field), value)

    counted = property(lambda self: self._get("counted"))
    fired = property(lambda self: self._get("fired"))

    def arm(self, action, calls, number=1, error=0, lasts=False):
        """The number-th of the calls, a name or several, from now on."""
        self.disarm()
        names = (calls,) if isinstance(calls, str) else calls
        for field, value in (
            ("calls", sum(1 << CALLS.index(name) for name in names)), ("number", number),
            ("error", error), ("lasts", int(lasts)), ("counted", 0), ("fired", 0),
            ("action", ACTIONS.index(action)),
        ):
            self._set(field, value)

    def disarm(self):
        self._set("action", 0)

    def record(self, wanted=True):
        self._set("records", int(wanted))


class FaultyMount(Mount):
    """A mount with `faults`. What is recorded stands in the file `record`."""

    def __init__(self, **options):
        super().__init__(**options)
        self.faults = Faults(os.path.join(self._folder, "faults"))
        self.record = os.path.join(self._folder, "record")
        self.daemon = {
            "LD_PRELOAD": LIBRARY, "GEN5_FAULTS": self.faults.path, "GEN5_FAULTS_RECORD": self.record,
            # The library comes before the sanitizer's, which has to be told that this is meant.
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0",
        }
