# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Few descriptors, many files (SUITES.md, threat 9).

import concurrent.futures
import contextlib
import errno
import os
import shutil
import unittest

from mount_case import REFERENCE, MountCase, read_file, write_file

# What a user who is not root has: the limit of open files cannot be raised beyond the hard one.
WITHOUT_RESOURCE = ("setpriv", "--bounding-set=-sys_resource", "--inh-caps=-sys_resource")


def descriptor_limit(pid):
    """The soft limit of open files of a process."""
    for line in read_file(f"/proc/{pid}/limits").decode().splitlines():
        if line.startswith("Max open files"):
            return int(line.split()[3])
    raise AssertionError("no limit of open files")


def descriptor_table_size(pid):
    """How many descriptors a process can have before the kernel makes it a larger table."""
    for line in read_file(f"/proc/{pid}/status").decode().splitlines():
        if line.startswith("FDSize:"):
            return int(line.split()[1])
    raise AssertionError("no size of the table of descriptors")


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


class DescriptorTable(MountCase):
    COUNT = 600
    FIRST_SIZE = 64  # of a process that opens few files

    def make_containers(self, source):
        for number in range(self.COUNT):
            shutil.copy(os.path.join(REFERENCE, "one-pixel.gen5"),
                        os.path.join(source, f"{number}.gen5"))

    def test_it_does_not_grow_while_containers_are_listed(self):
        """The kernel holds up whoever opens something then."""
        mount = self.mounted(prepare=self.make_containers)
        size = descriptor_table_size(mount.pid)
        for number in range(self.COUNT):
            self.assertIn("metadata.json", os.listdir(os.path.join(mount.path, f"{number}.gen5")))
        opened = len(os.listdir(f"/proc/{mount.pid}/fd"))
        self.assertGreater(opened, self.FIRST_SIZE, "containers are kept open")
        self.assertEqual(descriptor_table_size(mount.pid), size)


def as_others(*limits):
    """What starts the daemon with limits that it cannot raise."""
    return ("prlimit", *limits, *(WITHOUT_RESOURCE if os.geteuid() == 0 else ()))


@contextlib.contextmanager
def opened(path, flags):
    descriptor = os.open(path, flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


class FewDescriptors(MountCase):
    """A tree with many more files and folders than the daemon may open."""

    FOLDER_COUNT = 600
    LIMIT = 256

    def setUp(self):
        super().setUp()
        self.folders = [f"{number // 100}/{number % 100}" for number in range(self.FOLDER_COUNT)]
        self.mounted(prepare=self.make_tree, wrapper=as_others(f"--nofile={self.LIMIT}"))
        self.assertEqual(descriptor_limit(self.mount.pid), self.LIMIT)

    def make_tree(self, source):
        """Folders below others, each with a file that says where it is."""
        for folder in self.folders:
            os.makedirs(os.path.join(source, folder))
            write_file(os.path.join(source, folder, "file"), folder.encode())

    def use_all_descriptors(self):
        """Have every descriptor of before closed. Of the folders, every second one is listed."""
        self.program("find", self.mount.path, "-ignore_readdir_race", "-size", "+1000")
        for folder in self.folders[::2]:
            self.assertEqual(os.listdir(self.member(folder)), ["file"])

    def text(self, *parts):
        return self.read(*parts).decode()

    def test_everything_is_found_and_read_again(self):
        for folders in (self.folders, self.folders[::-3]):
            self.use_all_descriptors()
            for folder in folders:
                self.assertEqual(self.text(folder, "file"), folder)
        self.assert_descriptors_are_left()

    def test_what_is_in_use_stays_usable(self):
        folder = self.folders[3]
        with (contextlib.chdir(self.member(folder)),
              open("file", "r+", encoding="ascii") as stream):
            self.use_all_descriptors()
            self.assertEqual(os.listdir("."), ["file"])
            self.assertEqual(os.fstat(stream.fileno()).st_size, len(folder))
            write_file("made", b"new")
            self.assertEqual(stream.read(), folder)
            stream.write(" more")
        self.assertEqual(self.text(folder, "file"), folder + " more")
        self.assertEqual(self.text(folder, "made"), "new")

    def test_a_folder_that_is_renamed_while_it_is_in_use_stays_usable(self):
        folder = self.folders[5]
        with contextlib.chdir(self.member(folder)):
            os.rename(self.member(folder), self.member("moved"))
            self.use_all_descriptors()
            self.assertEqual(os.getcwd(), self.member("moved"))
            self.assertEqual(read_file("file").decode(), folder)

    def test_names_that_change_here_and_in_the_source_are_followed(self):
        inner, outer = self.folders[5], self.folders[501]
        self.use_all_descriptors()
        os.rename(self.member(inner), self.member("moved"))
        os.rename(self.source(outer), self.source("moved-too"))
        self.use_all_descriptors()
        self.assertEqual(self.text("moved", "file"), inner)
        self.assertEqual(self.text("moved-too", "file"), outer)
        self.assertFalse(os.path.exists(self.member(inner)))
        self.assert_eventually(lambda: not os.path.exists(self.member(outer)), "still there")

    def replace_by_what_has_its_number(self, path, make):
        """A file in the source gives its place and its inode number to what make(PATH) makes."""
        number = os.stat(path).st_ino
        os.unlink(path)
        for attempt in range(200):
            candidate = f"{path}.{attempt}"
            make(candidate)
            if os.lstat(candidate).st_ino == number:
                os.rename(candidate, path)
                return
        self.skipTest("the file system gives the number to nothing else")

    def test_a_file_whose_place_and_number_another_has_is_gone(self):
        path = self.member(self.folders[1], "file")
        with opened(path, os.O_PATH) as descriptor:
            self.use_all_descriptors()
            self.replace_by_what_has_its_number(self.source(self.folders[1], "file"),
                                                lambda made: write_file(made, b"another"))
            self.assert_eventually(lambda: read_file(path) == b"another", "not seen")
            self.assert_os_error(errno.ESTALE, os.open, f"/proc/self/fd/{descriptor}", os.O_RDONLY)

    def test_a_symlink_that_has_the_number_of_a_file_is_a_symlink(self):
        path = self.member(self.folders[1], "file")
        os.stat(path)
        self.use_all_descriptors()
        self.replace_by_what_has_its_number(self.source(self.folders[1], "file"),
                                            lambda made: os.symlink("nowhere", made))
        self.assert_eventually(lambda: os.path.islink(path), "no symlink")
        self.assertEqual(os.readlink(path), "nowhere")

    def test_links_and_removed_files_keep_their_content(self):
        first, second = (self.member(folder, "file") for folder in self.folders[1:4:2])
        os.link(first, self.member("link"))
        with opened(second, os.O_RDWR) as removed:
            os.unlink(second)
            os.unlink(first)
            shutil.copyfile(self.member("link"), first)
            self.use_all_descriptors()
            self.assertEqual(self.text("link"), self.folders[1])
            self.assertEqual(os.fstat(removed).st_nlink, 0)
            self.assertEqual(os.pread(removed, 100, 0).decode(), self.folders[3])

    def test_a_file_of_two_names_is_found_by_the_one_that_is_left(self):
        os.link(self.member(self.folders[1], "file"), self.member("link"))
        os.stat(self.member("link"))
        self.use_all_descriptors()
        os.unlink(self.source("link"))
        self.use_all_descriptors()
        self.assertEqual(self.text(self.folders[1], "file"), self.folders[1])

    def test_containers_are_listed_and_read_like_the_rest(self):
        names = [f"{number}.gen5" for number in range(2 * self.LIMIT)]
        for name in names:
            shutil.copy(os.path.join(REFERENCE, "one-pixel.gen5"), self.source(name))
        kept = read_file(os.path.join(REFERENCE, "one-pixel.gen5"))
        for _ in range(2):
            self.use_all_descriptors()
            found = self.program("find", self.mount.path, "-name", "metadata.json", "-size", "+0")
            self.assertEqual(found.stdout.count(b"\n"), len(names))
            self.assertEqual({self.read(name, "metadata.json") for name in names},
                             {self.read(names[0], "metadata.json")})
        self.assertEqual({self.read(".gen5fs", "raw", name) for name in names}, {kept})
        self.assert_descriptors_are_left()

    def test_what_is_known_of_a_file_takes_little_memory(self):
        count = 8000
        os.mkdir(self.source("many"))
        before = self.memory_bytes()
        for number in range(count):
            write_file(self.source("many", f"picture-{number}.txt"), b"")
        found = self.program("find", self.mount.path, "-path", "*/many/*", "-size", "0")
        self.assertEqual(found.stdout.count(b"\n"), count)
        if not self.is_sanitized():
            self.assertLess(self.memory_bytes() - before, count * 600)
        self.assert_descriptors_are_left()

    def is_sanitized(self):
        return "ASAN_OPTIONS" in os.environ or "TSAN_OPTIONS" in os.environ

    def memory_bytes(self):
        """What the daemon's own data takes in memory."""
        for line in read_file(f"/proc/{self.mount.pid}/status").splitlines():
            if line.startswith(b"RssAnon:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no RssAnon")

    def assert_descriptors_are_left(self):
        self.assertLess(len(os.listdir(f"/proc/{self.mount.pid}/fd")), self.LIMIT * 7 // 8)

    def test_so_many_files_can_be_open_at_once(self):
        self.use_all_descriptors()
        with contextlib.ExitStack() as stack:
            for folder in self.folders[:self.LIMIT * 3 // 4]:
                stack.enter_context(opened(self.member(folder, "file"), os.O_RDONLY))
            self.assertEqual(os.listdir(self.member(self.folders[-1])), ["file"])
            write_file(self.member("made"), b"new")
        self.assertEqual(self.text("made"), "new")

    def test_folders_deeper_than_the_limit_are_reached(self):
        depth = self.LIMIT * 2 // 3
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.chdir(self.mount.path))
            for _ in range(depth):
                os.mkdir("d")
                os.chdir("d")
            self.use_all_descriptors()
            write_file("file", b"deep")
            self.assertEqual(os.listdir("."), ["file"])
        self.program("rm", "-r", self.member("d"))
        self.assertFalse(os.path.exists(self.source("d")))

    def test_many_programs_change_names_at_once(self):
        """Descriptors are closed while others are being used for the same folders."""
        def work(own):
            for turn in range(60):
                for folder in self.folders[own::97]:
                    here, there = (self.member(folder, name) for name in ("file", f"moved{own}"))
                    os.rename(here, there)
                    self.assertEqual(read_file(there).decode(), folder)
                    os.rename(there, here)
                if turn % 20 == own:
                    self.program("find", self.mount.path, "-ignore_readdir_race", "-size", "+1000")

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(work, own) for own in range(4)]:
                done.result()


if __name__ == "__main__":
    unittest.main()
