# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# A mount whose daemon's calls fail one by one, in each way that such calls fail.

import errno
import os

from faulty import FaultyMount
from mount_case import MountCase

# Calls and how they fail. "short" and "fail_after" as faults.h has them.
FAILURES = {
    "write": ["ENOSPC", "EIO", "EDQUOT", "EFBIG", "EINTR", "short"],
    "copy": ["ENOSPC", "EIO", "EDQUOT", "EINTR", "EXDEV", "short"],
    "truncate": ["EIO", "ENOSPC", "EINTR"],
    "sync": ["EIO", "ENOSPC", "EDQUOT", "EINTR"],
    "open": ["EMFILE", "ENFILE", "ENOSPC", "EIO", "EINTR"],
    "rename": ["EIO", "ENOSPC", "EDQUOT", "EINTR", "after EINTR", "after EIO"],
    "link": ["EIO", "ENOSPC"],
    "unlink": ["EIO", "EPERM"],
    "mkdir": ["EIO", "ENOSPC"],
    "mode": ["EIO", "EPERM"],
    "owner": ["EIO", "EPERM"],
    "times": ["EIO"],
    "xattr": ["EIO", "ENOSPC"],
    "stat": ["EIO"],
    "read": ["EIO", "EINTR", "short"],
    "lock": ["EINTR", "ENOLCK"],
    "duplicate": ["EMFILE"],
    "close": ["EIO"],
    "memory_file": ["EMFILE"],
    "random": ["EINTR", "ENOSYS"],
    "map": ["ENOMEM"],
    "thread": ["EAGAIN"],
}
# A call may fail in another thread, for another reason than what is being done: a few more are looked
# at than that makes.
CALLS_MORE = 3


class FailingCase(MountCase):
    """A mount, self.mount, whose source holds the golden containers of `fixtures`, name to fixture."""

    fixtures = {}

    def setUp(self):
        super().setUp()
        self.mount = self.enterContext(FaultyMount())
        self.faults = self.mount.faults
        for name, fixture in self.fixtures.items():
            self.mount.add(fixture, name)
            self.eventually_listed(name)
        self.failures = self.refusals = 0

    def descriptors(self):
        found = []
        for fd in os.listdir(f"/proc/{self.mount.pid}/fd"):
            try:
                found.append(os.readlink(f"/proc/{self.mount.pid}/fd/{fd}"))
            except FileNotFoundError:
                pass
        return found

    def arm(self, failure, call, number):
        """Lets one call fail. What the program is to be told of that; None for nothing."""
        action, error = "fail", failure
        if failure.startswith("after "):
            action, error = "fail_after", failure.removeprefix("after ")
        if failure == "short":
            self.faults.arm("short", call, number)
            return None
        self.faults.arm(action, call, number, getattr(errno, error))
        # ENOSYS would be understood by the kernel as said of all requests of the kind.
        return errno.EOPNOTSUPP if error == "ENOSYS" else getattr(errno, error)

    def fail_every_call(self, act, *about, call, failures, begin):
        """act(failure, call, number) lets the number-th call fail, for every number there is, and
        returns whether there was one. After one that was not as it should be, begin(): those that
        follow may tell more."""
        for failure in failures:
            number = idle = 0
            while idle < CALLS_MORE:
                number += 1
                idle += 1
                with self.subTest(*about, call=call, failure=failure, number=number):
                    idle = 0 if act(failure, call, number) else idle
                    continue
                begin()

    def no_temporary_is_left(self):
        return not any(
            name.startswith(".gen5fs-") for _, _, names in os.walk(self.mount.source) for name in names
        )

    def assert_nothing_is_left(self, descriptors):
        self.assert_eventually(
            lambda: len(self.descriptors()) <= descriptors + 2,
            f"{descriptors} descriptors became {self.descriptors()}",
        )
        self.assert_eventually(self.no_temporary_is_left, "a temporary is left")

    def report(self, what, refused):
        done = self.id().rsplit(".", 1)[1].removeprefix("test_").replace("_", " ")
        print(f"{what}: {self.failures} calls failed, {self.refusals} {refused} were refused with the "
              f"cause: {done}", flush=True)
