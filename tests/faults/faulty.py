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
    "mode", "owner", "times", "xattr", "stat", "read", "readlink", "lock", "duplicate", "close",
    "memory_file", "random", "map", "thread", "malloc", "prune",
)
CHANGING_CALLS = (
    "write", "copy", "truncate", "allocate", "sync", "open", "rename", "link", "unlink", "mkdir",
    "mode", "owner", "times",
)
ACTIONS = ("none", "fail", "fail_after", "short", "kill", "hold")
# struct fault_rule and struct faults
FIELDS = ("action", "calls", "number", "lasts", "error", "counted", "fired")
RULES = 2


class Faults:
    """What the library in the daemon is told, and what it tells."""

    def __init__(self, path):
        self.path = path
        size = 8 * (len(FIELDS) * RULES + 1)
        with open(path, "wb") as stream:
            stream.write(bytes(size))
        with open(path, "r+b") as stream:
            self._memory = mmap.mmap(stream.fileno(), size)

    @staticmethod
    def _offset(field, rule):
        return 8 * (len(FIELDS) * rule + FIELDS.index(field))

    def _get(self, field, rule=0):
        return struct.unpack_from("<Q", self._memory, self._offset(field, rule))[0]

    def _set(self, field, value, rule):
        struct.pack_into("<Q", self._memory, self._offset(field, rule), value)

    counted = property(lambda self: self._get("counted"))
    fired = property(lambda self: self._get("fired"))

    def arm(self, action, calls, number=1, error=0, lasts=False, rule=0):
        """The number-th of the calls, a name or several, from now on; with `lasts` those after it
        too. There may be another rule beside the first."""
        self._set("action", 0, rule)
        names = (calls,) if isinstance(calls, str) else calls
        for field, value in (
            ("calls", sum(1 << CALLS.index(name) for name in names)), ("number", number),
            ("error", error), ("lasts", int(lasts)), ("counted", 0), ("fired", 0),
            ("action", ACTIONS.index(action)),
        ):
            self._set(field, value, rule)

    def disarm(self):
        for rule in range(RULES):
            self._set("action", 0, rule)

    def record(self, wanted=True):
        struct.pack_into("<Q", self._memory, 8 * len(FIELDS) * RULES, int(wanted))


class FaultyMount(Mount):
    """A mount with `faults`. What is recorded stands in the file `record`."""

    def __init__(self, **options):
        super().__init__(**options)
        self.faults = Faults(os.path.join(self._folder, "faults"))
        self.record = os.path.join(self._folder, "record")
        # A path with a space would be taken for two libraries.
        library = os.path.join(self._folder, "library")
        os.symlink(LIBRARY, library)
        self.daemon = {
            "LD_PRELOAD": library, "GEN5_FAULTS": self.faults.path, "GEN5_FAULTS_RECORD": self.record,
            # The library comes before the sanitizer's, which has to be told that this is meant.
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0",
        }
