# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Few descriptors, many files (SUITES.md, threat 9).

import os
import unittest

from mount_case import MountCase, read_file

# What a user who is not root has: the limit of open files cannot be raised beyond the hard one.
WITHOUT_RESOURCE = ("setpriv", "--bounding-set=-sys_resource", "--inh-caps=-sys_resource")


def descriptor_limit(pid):
    """The soft limit of open files of a process."""
    for line in read_file(f"/proc/{pid}/limits").decode().splitlines():
        if line.startswith("Max open files"):
            return int(line.split()[3])
    raise AssertionError("no limit of open files")


def may_raise_limits():
    """Whether this process has CAP_SYS_RESOURCE (linux/capability.h: 24)."""
    for line in read_file("/proc/self/status").decode().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> 24 & 1)
    return False


class DescriptorLimit(MountCase):
    """The daemon may open as much as it is allowed to."""

    @unittest.skipUnless(may_raise_limits(), "CAP_SYS_RESOURCE is for those who may raise limits")
    def test_root_goes_beyond_the_hard_limit(self):
        mount = self.mounted(wrapper=("prlimit", "--nofile=1024:4096"))
        self.assertEqual(descriptor_limit(mount.pid), int(read_file("/proc/sys/fs/nr_open")))

    def test_others_go_to_the_hard_limit(self):
        wrapper = ("prlimit", "--nofile=1024:4096")
        if os.geteuid() == 0:
            wrapper += WITHOUT_RESOURCE
        mount = self.mounted(wrapper=wrapper)
        self.assertEqual(descriptor_limit(mount.pid), 4096)
        self.assertNotIn("limit", mount.log())


if __name__ == "__main__":
    unittest.main()
