# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Each call that the daemon makes during a save fails once, in each way that such calls fail. Every
# time the container is the old one or the new one, to the byte; the program is told the cause, and
# told nothing where the save was done all the same; what it had written whole is kept; no descriptor
# and no temporary is left; and the next save works. With GEN5_TORTURE all failures of all saves, else
# all of the first save, and of the others those that differ in more than the number.

import errno
import os
import unittest

import saves
from faulty import FaultyMount
from mount_case import MountCase, process_lives, read_file

# Calls and how they fail. "short" and "fail_after" as faults.h has them.
FAILURES = {
    "write": ["ENOSPC", "EIO", "EDQUOT", "EFBIG", "EINTR", "short"],
    "copy": ["ENOSPC", "EIO", "EDQUOT", "EINTR", "EXDEV", "short"],
    "truncate": ["EIO", "ENOSPC", "EINTR"],
    "sync": ["EIO", "ENOSPC", "EDQUOT", "EINTR"],
    "open": ["EMFILE", "ENFILE", "ENOSPC", "EIO", "EINTR"],
    "rename": ["EIO", "ENOSPC", "EDQUOT", "EINTR", "after EINTR", "after EIO"],
    "mode": ["EIO", "EPERM"],
    "owner": ["EIO", "EPERM"],
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
# A call may fail in another thread, for another reason than the save: a few more are looked at than
# the save makes.
CALLS_MORE = 3


class FailingCalls(MountCase):
    def setUp(self):
        super().setUp()
        self.mount = self.enterContext(FaultyMount())
        self.faults = self.mount.faults
        self.mount.add(saves.FIXTURE, saves.NAME)
        self.members = sorted(os.listdir(self.member(saves.NAME)))
        self.failures = self.refusals = 0

    def descriptors(self):
        found = []
        for fd in os.listdir(f"/proc/{self.mount.pid}/fd"):
            try:
                found.append(os.readlink(f"/proc/{self.mount.pid}/fd/{fd}"))
            except FileNotFoundError:
                pass
        return found

    def listing(self):
        return [name for name in os.listdir(self.mount.source) if name != ".gen5fs"]

    def container(self):
        return read_file(self.source(saves.NAME))

    def arm(self, failure, call, number):
        action, error = "fail", failure
        if failure.startswith("after "):
            action, error = "fail_after", failure.removeprefix("after ")
        if failure == "short":
            self.faults.arm("short", call, number)
            return None
        self.faults.arm(action, call, number, getattr(errno, error))
        # ENOSYS would be understood by the kernel as said of all requests of the kind.
        return errno.EOPNOTSUPP if error == "ENOSYS" else getattr(errno, error)

    def begin(self, save):
        """Brings the container to the save's first state; what both are. What the member shows in
        each goes to self.shown."""
        states, self.shown = [], {}
        for flip in (0, 1, 0):
            save.act(self.mount.path, flip)
            states.append(self.container())
            self.shown[flip] = save.shown(self.mount.path)
            self.assert_sound(self.source(saves.NAME))
        self.assertEqual(states[0], states[2], "saving is not deterministic")
        self.flip = 0
        return states[:2]

    def assert_shown(self, save):
        """The mount shows the member as it is now, and nothing else that was not there before."""
        self.assert_eventually(
            lambda: save.shown(self.mount.path) == self.shown[self.flip],
            "other bytes are shown",
        )
        self.assert_eventually(
            lambda: sorted(os.listdir(self.member(saves.NAME))) == self.members, "listed is other"
        )

    def assert_kept(self, save, content, new, error):
        """What was written whole and not stored is where the program left it, or was rescued. A close
        that failed before the daemon heard of it may be made good when the file is released."""
        if error.step == "rename":
            self.assertEqual(read_file(save.path(self.mount.path) + ".part"), content)
        elif error.step == "open":
            self.assertFalse(os.path.lexists(save.path(self.mount.path) + ".part"))
        elif error.step in ("close", "fsync"):
            self.assert_eventually(
                lambda: content in self.rescued_files().values() or self.container() == new
                or read_file(save.path(self.mount.path) + ".part") == content,
                "what was written is lost",
            )

    def save_failing(self, save, states, failure, call, number):
        """A save whose call fails. Whether any call did."""
        old, new = states[self.flip], states[1 - self.flip]
        content = save.content(self.mount.path, 1 - self.flip)
        expected = self.arm(failure, call, number)
        try:
            save.write(save.path(self.mount.path), content)
            error = None
        except OSError as raised:
            error = raised
        self.faults.disarm()
        fired = self.faults.fired
        self.assertTrue(process_lives(self.mount.pid), "the daemon is gone")
        self.assert_eventually(lambda: self.listing() == [saves.NAME], "a temporary is left")
        found = self.container()
        if error is None:
            self.assertTrue(found == new, "a save that was acknowledged is not there")
            self.flip = 1 - self.flip
        else:
            self.assertTrue(fired, f"failed by itself: {error!r}")
            self.refusals += 1
            if error.step == "clean up":
                self.assertTrue(found == new, "a save that was acknowledged is not there")
            else:
                self.assertTrue(found in (old, new), "torn")
                if found == old:
                    self.assert_kept(save, content, new, error)
            self.assertEqual(error.errno, expected, f"the cause is not told: {error!r}")
            self.save_again(save, states)
        self.failures += bool(fired)
        return bool(fired)

    def save_again(self, save, states):
        """The next save works, and leaves no trace of the one that failed."""
        self.flip = 1 - self.flip
        save.act(self.mount.path, self.flip)
        self.assertTrue(self.container() == states[self.flip], "the next save does not work")
        for name in os.listdir(self.member(saves.NAME)):
            if name not in self.members:
                os.unlink(self.member(saves.NAME, name))

    def fail_every_call(self, save, call, failures):
        states = self.begin(save)
        for failure in failures:
            number = idle = 0
            while idle < CALLS_MORE:
                number += 1
                idle += 1
                with self.subTest(str(save), call=call, failure=failure, number=number):
                    idle = 0 if self.save_failing(save, states, failure, call, number) else idle
                    continue
                # It was not as it should be. Those that follow may tell more.
                states = self.begin(save)
                idle = 0
        self.assert_shown(save)

    def assert_nothing_is_left(self, descriptors):
        self.assert_eventually(
            lambda: len(self.descriptors()) <= descriptors + 2,
            f"{descriptors} descriptors became {self.descriptors()}",
        )
        for folder, _, names in os.walk(self.mount.source):
            self.assertFalse([name for name in names if name.startswith(".gen5fs-")], folder)

    def tearDown(self):
        done = self.id().rsplit(".", 1)[1].removeprefix("test_").replace("_", " ")
        print(f"failing_calls: {self.failures} calls failed, {self.refusals} saves were refused with "
              f"the cause: {done}", flush=True)

    def test_a_call_that_fails_leaves_the_old_container_or_the_new_one(self):
        for number, save in enumerate(saves.saves()):
            self.begin(save)
            before = len(self.descriptors())
            for call, failures in FAILURES.items():
                if number > 0 and "GEN5_TORTURE" not in os.environ:
                    failures = failures[:1] + [name for name in failures[1:] if not name.isupper()]
                self.fail_every_call(save, call, failures)
            self.assert_nothing_is_left(before)

    def test_where_there_is_no_memory_the_old_container_or_the_new_one_is_left(self):
        for save in saves.saves() if "GEN5_TORTURE" in os.environ else saves.saves()[:1]:
            self.fail_every_call(save, "malloc", ["ENOMEM"])
            # A release that libfuse has no memory for is never told to the daemon.
            self.mount.unmount()
            self.mount.mount()


if __name__ == "__main__":
    unittest.main()
