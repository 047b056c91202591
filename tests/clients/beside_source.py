# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Tests that know no expected values: each does something in a folder of the mount and in a plain
# folder of the same file system, and both must tell the same. Afterwards what the mount shows, what
# the source holds and what the plain folder holds must be the same tree.

import errno
import functools
import os
import pickle
import shutil
import stat
import subprocess
import tempfile
import traceback
import unittest

from mounted import Mount, eventually

# A user and a group that own nothing, and a group that the user is in besides.
USER, GROUP, OTHER_GROUP, STRANGER = 65534, 65534, 65533, 65532


needs_root = unittest.skipIf(os.geteuid() != 0, "only root can act as others")


def attempt(call, *arguments, **named):
    """What a call returns, or the name of its error."""
    try:
        return call(*arguments, **named)
    except OSError as error:
        return errno.errorcode.get(error.errno, error.errno)


def in_children(*functions):
    """Runs each function in a process of its own, all at once; what they return, in their order."""
    children = []
    for function in functions:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(reading)
                try:
                    answer = (True, function())
                except BaseException:
                    answer = (False, traceback.format_exc())
                with os.fdopen(writing, "wb") as stream:
                    stream.write(pickle.dumps(answer))
            finally:
                os._exit(0)
        os.close(writing)
        children.append((child, reading))
    answers = []
    for child, reading in children:
        with os.fdopen(reading, "rb") as stream:
            answers.append(pickle.loads(stream.read()))
        os.waitpid(child, 0)
    for done, result in answers:
        assert done, result
    return [result for _, result in answers]


def as_user(function, uid=USER, gid=GROUP, groups=(), umask=None):
    """Runs a function as another user. Only root can."""
    def become():
        if umask is not None:
            os.umask(umask)
        os.setgroups(groups)
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        return function()
    return in_children(become)[0]


def in_child(function, umask=None):
    def begin():
        if umask is not None:
            os.umask(umask)
        return function()
    return in_children(begin)[0]


def look(path):
    """What stat(2) tells, but for numbers that differ from folder to folder."""
    status = os.lstat(path)
    kind = stat.S_IFMT(status.st_mode)
    seen = {
        "kind": stat.filemode(status.st_mode)[0], "mode": f"{stat.S_IMODE(status.st_mode):04o}",
        "owner": (status.st_uid, status.st_gid), "links": status.st_nlink,
    }
    if kind != stat.S_IFDIR:
        seen["size"] = status.st_size
    if kind in (stat.S_IFCHR, stat.S_IFBLK):
        seen["device"] = status.st_rdev
    return seen


def mode_of(path):
    return f"{stat.S_IMODE(os.lstat(path).st_mode):04o}"


def setfacl(*arguments):
    """Its status and what it complained of."""
    done = subprocess.run(["setfacl", *arguments], capture_output=True, text=True)
    return done.returncode, done.stderr.rsplit(":", 1)[-1].strip()


def getfacl(path):
    """The lines that it printed, of a list that says more than the mode, and its complaint."""
    done = subprocess.run(["getfacl", "-nspc", path], capture_output=True, text=True)
    return done.stdout.split("\n"), done.stderr.rsplit(":", 1)[-1].strip()


def _xattrs(path):
    names = attempt(os.listxattr, path, follow_symlinks=False)
    if isinstance(names, str):
        return names
    return {name: os.getxattr(path, name, follow_symlinks=False) for name in sorted(names)}


def _content(path, status):
    if stat.S_ISLNK(status.st_mode):
        return os.readlink(path)
    if stat.S_ISREG(status.st_mode):
        def read():
            with open(path, "rb") as stream:
                return stream.read()
        return attempt(read)
    return None


def _remove(folder):
    """Removes a tree whose modes may keep its owner out."""
    os.chmod(folder, 0o700)
    for parent, folders, _ in os.walk(folder):
        for name in folders:
            path = os.path.join(parent, name)
            if not os.path.islink(path):
                os.chmod(path, 0o700)
    shutil.rmtree(folder)


def tree(folder):
    """Everything in a folder, by its path in it."""
    found = {}
    for parent, folders, files in os.walk(folder):
        for name in sorted(folders + files):
            path = os.path.join(parent, name)
            found[os.path.relpath(path, folder)] = {
                **look(path), "content": _content(path, os.lstat(path)), "xattrs": _xattrs(path),
            }
    return found


class Place:
    """The folder that a test works in: place("a", "b") is a path in it."""

    def __init__(self, path):
        self.path = path

    def __call__(self, *parts):
        return os.path.join(self.path, *parts)

    def file(self, name="file", content=b"content", mode=0o644):
        """Makes a file and returns its path."""
        path = self(name)
        with open(path, "wb") as stream:
            stream.write(content)
        os.chmod(path, mode)
        return path

    def folder(self, name="folder", mode=0o755):
        path = self(name)
        os.mkdir(path)
        os.chmod(path, mode)
        return path

    def open(self, path, flags):
        """A descriptor that is closed when the test is over."""
        descriptor = os.open(path, flags, 0o644)
        self.descriptors.append(descriptor)
        return descriptor

    def times_moved(self, paths, call, *arguments, **named):
        """What a call gives, and which of the times of each path it has changed."""
        def times():
            seen = {}
            for path in paths:
                status = attempt(os.lstat, path)
                seen[path] = status if isinstance(status, str) else (
                    status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns,
                )
            return seen
        before = times()
        self._tick(before)
        result = attempt(call, *arguments, **named)
        after = times()
        moved = {}
        for path in paths:
            if isinstance(before[path], str) or isinstance(after[path], str):
                moved[os.path.relpath(path, self.path)] = "gone" if isinstance(after[path], str) \
                    else "new"
            else:
                moved[os.path.relpath(path, self.path)] = [
                    name for name, old, new in zip(("a", "m", "c"), before[path], after[path])
                    if old != new
                ]
        return result, moved

    def _tick(self, before):
        """Waits until the clock of the file system has moved on from all of these times."""
        newest = max((max(times) for times in before.values() if not isinstance(times, str)),
                     default=0)

        def moved_on():
            with tempfile.TemporaryFile(dir=self.clock_folder) as stream:
                return os.fstat(stream.fileno()).st_ctime_ns > newest
        eventually(moved_on)


def compared(test):
    """A test that is given a Place and returns what it saw there: run in both folders."""
    @functools.wraps(test)
    def run(self):
        self.compare(test)
    return run


class BesideSource(unittest.TestCase):
    """One mount for all tests of a class; each test has folders of its own."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.is_root = os.geteuid() == 0
        cls.mount = cls.enterClassContext(Mount(options="allow_other" if cls.is_root else ""))
        # Its folders are closed to others.
        os.chmod(os.path.dirname(cls.mount.path), 0o755)
        cls.plain = os.path.join(os.path.dirname(cls.mount.path), "plain")
        os.mkdir(cls.plain)

    def compare(self, test):
        name = self.id().rsplit(".", 1)[1][:100]
        seen = {}
        trees = {}
        for where, root in (("plain", self.plain), ("mount", self.mount.path)):
            place = Place(os.path.join(root, name))
            place.clock_folder = self.plain
            place.descriptors = []
            os.mkdir(place.path)
            os.chmod(place.path, 0o777)
            try:
                seen[where] = test(self, place)
            finally:
                for descriptor in place.descriptors:
                    attempt(os.close, descriptor)
            trees[where] = tree(place.path)
        trees["source"] = tree(os.path.join(self.mount.source, name))
        for root in (self.plain, self.mount.path):
            _remove(os.path.join(root, name))
        self.assertEqual(seen["mount"], seen["plain"], "what was seen: the mount, a plain folder")
        self.assertEqual(trees["source"], trees["plain"], "what is left: the source, a plain folder")
        self.assertEqual(trees["mount"], trees["source"], "what is shown: the mount, the source")
