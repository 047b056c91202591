# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# How often the kernel has to ask the daemon, as `gen5fs status --requests` counts it: "no round
# trip" is a count here and not a time.

import os
import resource
import unittest

from mount_case import MountCase, read_file
from mounted import GEN5FS, REFERENCE, run

# What is counted is done to so many containers, so that one request for each stands out from the few
# that asking for the counts itself may take more or less.
CONTAINERS = 40
ASIDE = 10
MEMBERS = ("image.png", "latent.npy", "metadata.json", "env.json")
# Of which a quarter has to do for the containers that the kernel has files of (descriptors.c).
FILES_MIN = 4 * 4096
# What the kernel sends in its own time and nobody waits for.
UNASKED = ("forget", "batch_forget", "interrupt")


def fill(source):
    content = read_file(os.path.join(REFERENCE, "extra-fields.gen5"))
    for number in range(CONTAINERS):
        with open(os.path.join(source, f"{number:02}.gen5"), "wb") as file:
            file.write(content)


class RequestsCase(MountCase):
    options = ""

    def setUp(self):
        super().setUp()
        self.mounted(options=self.options, prepare=fill)

    def counts(self):
        lines = run([GEN5FS, "status", "--requests", self.mount.path]).stdout.decode().splitlines()
        return {line.split()[0]: int(line.split()[1]) for line in lines}

    def requests_of(self, function):
        """What the kernel sends for it, by kind, less what asking costs."""
        before = self.counts()
        again = self.counts()
        function()
        after = self.counts()
        sent = {}
        for kind in set(after) - set(UNASKED):
            asking = again.get(kind, 0) - before.get(kind, 0)
            sent[kind] = max(0, after[kind] - again.get(kind, 0) - asking)
        return sent

    def assert_requests(self, function, each):
        """That it takes at most `each` requests a container."""
        sent = self.requests_of(function)
        self.assertLessEqual(sum(sent.values()), each * CONTAINERS + ASIDE, sent)

    def paths(self, *members):
        return [self.member(f"{number:02}.gen5", *member.split("/"))
                for number in range(CONTAINERS) for member in members]

    def walk(self):
        for folder, _, files in os.walk(self.mount.path):
            for file in files:
                os.lstat(os.path.join(folder, file))

    def stat_all(self):
        for path in self.paths("", *MEMBERS):
            os.stat(path)

    def list_all(self):
        for path in self.paths(""):
            os.listdir(path)

    def read_all(self):
        for path in self.paths("metadata.json"):
            descriptor = os.open(path, os.O_RDONLY)
            while os.read(descriptor, 1 << 16):
                pass
            os.close(descriptor)


class Counted:
    """The tests of both kinds of mounts."""

    open_read_close = 0

    def test_a_first_walk_asks_twice_for_each_container(self):
        # Once for what it holds and once for the end of that.
        self.assert_requests(self.walk, 2)

    def test_what_was_looked_at_is_looked_at_again_without_a_request(self):
        self.walk()
        self.stat_all()
        self.assert_requests(self.stat_all, 0)

    def test_a_container_that_was_listed_is_listed_again_without_a_request(self):
        # The kernel takes a folder that it has listed for accessed, and asks for its time once.
        self.list_all()
        self.list_all()
        self.assert_requests(self.list_all, 0)

    def test_a_member_that_was_read_is_read_again_by_no_more_than_an_open_and_a_close(self):
        self.read_all()
        self.read_all()
        self.assert_requests(self.read_all, self.open_read_close)

    def test_the_counts_go_on(self):
        before = self.counts()
        self.read_all()
        self.assertGreaterEqual(sum(self.counts().values()), sum(before.values()) + CONTAINERS)


class TestReadWrite(Counted, RequestsCase):
    open_read_close = 2


@unittest.skipIf(resource.getrlimit(resource.RLIMIT_NOFILE)[1] < FILES_MIN,
                 "files are opened one by one where few may be open")
class TestReadOnly(Counted, RequestsCase):
    options = "ro"
    open_read_close = 0


if __name__ == "__main__":
    unittest.main()
