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
from failing import FAILURES, FailingCase
from mount_case import new_image, process_lives, read_file

# Whose failing allocations are tried without GEN5_TORTURE, too.
MEMORY_SAVES = ("image in place", "metadata in place")


class FailingCalls(FailingCase):
    fixtures = {saves.NAME: saves.FIXTURE}

    def setUp(self):
        super().setUp()
        self.members = sorted(os.listdir(self.member(saves.NAME)))

    def listing(self):
        return [name for name in os.listdir(self.mount.source) if name != ".gen5fs"]

    def container(self):
        return read_file(self.source(saves.NAME))

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

    def fail_save(self, save, call, failures):
        def begin():
            self.states = self.begin(save)

        def act(failure, call, number):
            return self.save_failing(save, self.states, failure, call, number)

        begin()
        self.fail_every_call(act, str(save), call=call, failures=failures, begin=begin)
        self.assert_shown(save)

    def tearDown(self):
        self.report("failing_calls", "saves")

    def test_a_call_that_fails_leaves_the_old_container_or_the_new_one(self):
        for number, save in enumerate(saves.saves()):
            self.begin(save)
            before = len(self.descriptors())
            for call, failures in FAILURES.items():
                if number > 0 and "GEN5_TORTURE" not in os.environ:
                    failures = failures[:1] + [name for name in failures[1:] if not name.isupper()]
                self.fail_save(save, call, failures)
            self.assert_nothing_is_left(before)

    def begin_saving(self, content):
        """An image that is written and not stored yet; its descriptor."""
        path = self.member(saves.NAME, "image.png")
        descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC)
        os.write(descriptor, content)
        return descriptor

    def fail_fsync(self, descriptor, error):
        self.arm(error, "sync", 1)
        self.assert_os_error(getattr(errno, error), os.fsync, descriptor)
        self.faults.disarm()

    def test_what_could_not_be_stored_is_tried_again_by_the_next_fsync_or_close(self):
        for number, error in enumerate(("ENOSPC", "EDQUOT", "EIO", "EROFS")):
            for way in (os.fsync, os.close):
                with self.subTest(error, way=way.__name__):
                    image, before = new_image(100 + number), self.container()
                    descriptor = self.begin_saving(image)
                    self.fail_fsync(descriptor, error)
                    # Without another process, whose end would close the descriptor once more.
                    self.assertTrue(self.container() == before, "it is stored")
                    way(descriptor)
                    self.assertTrue(self.container() != before, "it is not stored")
                    if way == os.fsync:
                        os.close(descriptor)
                    self.assertTrue(self.stored(saves.NAME).image == image, "it is another")
                    self.failures += 1
                    self.begin(saves.saves()[0])
        self.assertFalse(os.path.exists(self.source(".gen5fs")), "something was rescued")

    def test_where_there_is_no_memory_the_old_container_or_the_new_one_is_left(self):
        for save in saves.saves():
            if "GEN5_TORTURE" not in os.environ and save.name not in MEMORY_SAVES:
                continue
            self.fail_save(save, "malloc", ["ENOMEM"])
            # A release that libfuse has no memory for is never told to the daemon.
            self.mount.unmount()
            self.mount.mount()


if __name__ == "__main__":
    unittest.main()
