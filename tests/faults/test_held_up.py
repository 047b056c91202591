# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# A daemon that is killed while the kernel holds one of its threads up. The thread tells the kernel of a
# change in a folder, and the kernel lets it wait for a program's request in that folder, which waits
# for the daemon: neither would ever end, and every program that looks into the mount would hang with
# them.

import errno
import os
import threading
import unittest

from faulty import FaultyMount
from mount_case import MountCase, process_lives, read_file

HELD_SECONDS = 30


class HeldUp(MountCase):
    def setUp(self):
        super().setUp()
        self.mount = self.enterContext(FaultyMount())
        self.mount.add("extra-fields.gen5", "a.gen5")
        self.eventually_listed("a.gen5")
        self.failure = None

    def make_folder(self):
        try:
            os.mkdir(self.member("folder"))
        except OSError as error:
            self.failure = error

    def threads_held_up(self):
        """Names of the daemon's threads that nothing but an answer from the kernel can wake."""
        held = []
        for thread in os.listdir(f"/proc/{self.mount.pid}/task"):
            name, rest = read_file(f"/proc/{self.mount.pid}/task/{thread}/stat").rsplit(b")", 1)
            if rest.split()[0] == b"D":
                held.append(name.split(b"(", 1)[1].decode())
        return held

    def test_a_daemon_that_is_killed_while_a_notice_waits_ends_its_mount(self):
        self.mount.faults.arm("hold", "mkdir")
        maker = threading.Thread(target=self.make_folder, daemon=True)
        maker.start()
        self.assert_eventually(lambda: self.mount.faults.fired, "the folder is not being made")
        os.rename(self.source("a.gen5"), self.source("b.gen5"))
        self.assert_eventually(lambda: "notices" in self.threads_held_up(), "no notice waits")
        daemon = self.mount.process
        daemon.kill()
        maker.join(HELD_SECONDS)
        self.assertFalse(maker.is_alive(), "a request hangs")
        self.assertIn(self.failure.errno, (errno.ENOTCONN, errno.ECONNABORTED))
        daemon.wait(HELD_SECONDS)
        with self.assertRaises(OSError) as raised:
            os.listdir(self.member())
        self.assertIn(raised.exception.errno, (errno.ENOTCONN, errno.ECONNABORTED))
        self.mount.kill()
        self.mount.mount()
        self.assertEqual(os.listdir(self.member()), ["b.gen5"])

    def test_the_guard_ends_with_the_daemon(self):
        for end in (self.mount.unmount, self.mount.kill):
            with self.subTest(end.__name__):
                guards = self.children_of(self.mount.pid)
                self.assertEqual(len(guards), 1)
                end()
                for guard in guards:
                    self.assert_process_ends(guard)
                self.mount.mount()

    def children_of(self, parent):
        children = read_file(f"/proc/{parent}/task/{parent}/children").split()
        return [int(child) for child in children if process_lives(int(child))]


if __name__ == "__main__":
    unittest.main()
