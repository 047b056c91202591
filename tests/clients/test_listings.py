# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# The kernel keeps listings of the mount's folders: a second walk asks for nothing, and a listing is
# never one that was true before (PERFORMANCE.md; DESIGN.md 2.2 rule 11).

import ctypes
import os
import random
import shutil
import threading
import unittest

import container
from mount_case import (
    SEEN_SECONDS, MountCase, new_image, new_latent, npy_bytes, read_file, renamed_over, write_file,
)
from mounted import REFERENCE

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.fdopendir.restype = ctypes.c_void_p
LIBC.fdopendir.argtypes = [ctypes.c_int]
LIBC.readdir64.restype = ctypes.c_void_p
for name in ("readdir64", "closedir", "rewinddir", "telldir"):
    getattr(LIBC, name).argtypes = [ctypes.c_void_p]
LIBC.telldir.restype = ctypes.c_long
LIBC.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]
SHAPE = (1, 4, 8, 8)
NAME_OFFSET = 19  # of d_name in struct dirent64: ino 8, off 8, reclen 2, type 1


class OpenFolder:
    """opendir(3) and what goes with it, which Python does not have."""

    def __init__(self, path):
        self.stream = LIBC.fdopendir(os.open(path, os.O_RDONLY | os.O_DIRECTORY))

    def __enter__(self):
        return self

    def __exit__(self, *details):
        LIBC.closedir(self.stream)

    def next(self):
        """The next name, None at the end; "." and ".." count."""
        entry = LIBC.readdir64(self.stream)
        return os.fsdecode(ctypes.string_at(entry + NAME_OFFSET)) if entry else None

    def rest(self):
        return [name for name in iter(self.next, None) if name not in (".", "..")]

    def again(self):
        LIBC.rewinddir(self.stream)
        return sorted(self.rest())

    def tell(self):
        return LIBC.telldir(self.stream)

    def seek(self, place):
        LIBC.seekdir(self.stream, place)


class ListingCase(MountCase):
    def requests(self):
        """How many requests of each kind the daemon has been sent."""
        lines = self.gen5fs("status", "--requests", self.mount.path).stdout.decode().splitlines()
        return {name: int(count) for name, count in (line.split() for line in lines)}

    def assert_seen(self, predicate):
        self.assert_eventually(predicate, "the change is not seen in the mount", SEEN_SECONDS)

    def listed(self, *parts):
        return sorted(os.listdir(self.member(*parts)))

    def is_directory(self, folder, name):
        """By the type in the listing, which is all that `find` looks at."""
        with os.scandir(folder) as entries:
            return {entry.name: entry.is_dir(follow_symlinks=False) for entry in entries}[name]


class WarmWalk(ListingCase):
    """What was walked once is walked again without a request."""

    def setUp(self):
        super().setUp()

        def prepare(source):
            for folder in ("one", "one/two", "three"):
                os.mkdir(os.path.join(source, folder))
                for number in range(20):
                    shutil.copyfile(os.path.join(REFERENCE, "one-pixel.gen5"),
                                    os.path.join(source, folder, f"{number}.gen5"))

        self.mounted(prepare=prepare)

    def walk(self):
        return self.program("find", self.mount.path, "-size", "+0").stdout

    def test_a_warm_walk_asks_for_no_listing_and_no_attributes(self):
        first = self.walk()
        # To list has changed the times of access, for which the kernel asks once.
        self.assertEqual(self.walk(), first)
        counts = [self.requests(), self.requests()]
        self.assertEqual(self.walk(), first)
        counts.append(self.requests())
        # To ask for the counts takes a few requests itself.
        asking, walking = (
            {kind: later[kind] - earlier.get(kind, 0) for kind in later}
            for earlier, later in zip(counts, counts[1:]))
        for kind in ("opendir", "readdir", "readdirplus", "releasedir", "lookup"):
            self.assertEqual(walking.get(kind, 0), asking.get(kind, 0), kind)
        self.assertLess(sum(walking.values()), 12, walking)

    def test_the_kernel_asks_to_open_a_folder_once(self):
        self.walk()
        self.assertEqual(self.requests().get("opendir", 0), 1)


class ChangesAreSeen(ListingCase):
    """A listing that the kernel has kept is dropped when the folder changes, whoever changes it."""

    def setUp(self):
        super().setUp()
        self.mounted()
        self.mount.add("sd3-f16-raw.gen5", "a.gen5")
        self.eventually_listed("a.gen5")
        self.kept(self.mount.path)
        self.kept(self.member("a.gen5"))

    def kept(self, path):
        """Lists a folder twice: the kernel has it whole then."""
        names = os.listdir(path)
        self.assertEqual(os.listdir(path), names)
        return sorted(names)

    def test_changes_through_the_mount_are_seen_at_once(self):
        folder = self.member("folder")
        os.mkdir(folder)
        names = []
        for number in range(50):
            name = f"{number}.txt"
            write_file(os.path.join(folder, name), b"")
            names.append(name)
            self.assertEqual(self.kept(folder), sorted(names))
        for name in list(names):
            if name.startswith("1"):
                os.unlink(os.path.join(folder, name))
                names.remove(name)
            else:
                os.rename(os.path.join(folder, name), os.path.join(folder, "new-" + name))
                names[names.index(name)] = "new-" + name
            self.assertEqual(self.kept(folder), sorted(names))

    def test_scratch_files_come_and_go_at_once(self):
        before = self.kept(self.member("a.gen5"))
        write_file(self.member("a.gen5", "notes.txt"), b"1")
        self.assertEqual(self.kept(self.member("a.gen5")), sorted([*before, "notes.txt"]))
        os.unlink(self.member("a.gen5", "notes.txt"))
        self.assertEqual(self.kept(self.member("a.gen5")), before)

    def test_an_open_folder_shows_the_change_when_it_is_rewound(self):
        with OpenFolder(self.mount.path) as folder:
            self.assertEqual(folder.again(), ["a.gen5"])
            self.assertEqual(folder.again(), ["a.gen5"])
            write_file(self.source("b.txt"), b"")
            self.assert_seen(lambda: folder.again() == ["a.gen5", "b.txt"])
            os.unlink(self.source("b.txt"))
            self.assert_seen(lambda: folder.again() == ["a.gen5"])

    def test_a_folder_that_is_not_watched_is_believed_for_a_second(self):
        raw = self.member(".gen5fs", "raw")
        with OpenFolder(raw) as folder:
            self.assertEqual(folder.again(), ["a.gen5"])
            self.assertEqual(folder.again(), ["a.gen5"])
            write_file(self.source("b.txt"), b"")
            self.assert_seen(lambda: folder.again() == ["a.gen5", "b.txt"])
        self.assert_seen(lambda: sorted(os.listdir(raw)) == ["a.gen5", "b.txt"])

    def test_a_file_becomes_a_directory_when_it_is_closed(self):
        writer = os.open(self.member("b.gen5"), os.O_WRONLY | os.O_CREAT)
        try:
            os.write(writer, read_file(os.path.join(REFERENCE, "one-pixel.gen5")))
            self.kept(self.mount.path)
            self.assertFalse(self.is_directory(self.mount.path, "b.gen5"))
        finally:
            os.close(writer)
        self.assert_seen(lambda: self.is_directory(self.mount.path, "b.gen5"))
        self.assert_seen(
            lambda: os.stat(self.member("b.gen5")).st_ino == self.listed_ino("b.gen5")
        )

    def listed_ino(self, name):
        with os.scandir(self.mount.path) as entries:
            return {entry.name: entry.inode() for entry in entries}[name]

    def test_a_file_renamed_to_a_container_s_name_is_a_directory(self):
        shutil.copyfile(os.path.join(REFERENCE, "one-pixel.gen5"), self.member("b.part"))
        self.kept(self.mount.path)
        os.rename(self.member("b.part"), self.member("b.gen5"))
        self.assert_seen(lambda: self.is_directory(self.mount.path, "b.gen5"))

    def test_an_image_of_another_kind_changes_the_name(self):
        with_jpeg = container.build(image=b"\xff\xd8\xff\xe0" + bytes(100))
        renamed_over(self.source("a.gen5"), with_jpeg)
        self.assert_seen(lambda: "image.jpg" in self.listed("a.gen5"))
        self.assertNotIn("image.png", self.listed("a.gen5"))

    def test_a_container_that_breaks_shows_the_reason_alone(self):
        good = read_file(self.source("a.gen5"))
        before = self.listed("a.gen5")
        renamed_over(self.source("a.gen5"), b"GEN5 no more")
        self.assert_seen(lambda: self.listed("a.gen5") == ["gen5-error.txt"])
        renamed_over(self.source("a.gen5"), good)
        self.assert_seen(lambda: self.listed("a.gen5") == before)


class ListedAllTheTime(ListingCase):
    """Listers fill the kernel's listings while the folder changes: the last state is what stays."""

    ROUNDS = 5
    LISTERS = 3

    def setUp(self):
        super().setUp()
        self.mounted(prepare=lambda source: os.mkdir(os.path.join(source, "folder")))
        self.done = threading.Event()
        self.failures = []
        listers = [threading.Thread(target=self.keep_listing, args=(each,))
                   for each in range(self.LISTERS)]
        for lister in listers:
            lister.start()
            self.addCleanup(lister.join)
        self.addCleanup(self.done.set)

    def keep_listing(self, number):
        try:
            with OpenFolder(self.member("folder")) as folder:
                while not self.done.is_set():
                    folder.again() if number == 0 else os.listdir(self.member("folder"))
        except Exception as error:
            self.failures.append(error)

    def churn(self, folder, seed):
        """Makes, renames and removes files; the names that are left."""
        chance, names = random.Random(seed), set()
        for number in range(60):
            path = os.path.join(folder, f"{seed}-{number}")
            write_file(path, b"")
            names.add(path)
            if chance.random() < 0.4:
                victim = chance.choice(sorted(names))
                os.unlink(victim)
                names.remove(victim)
            if names and chance.random() < 0.3:
                victim = chance.choice(sorted(names))
                os.rename(victim, victim + "-moved")
                names.remove(victim)
                names.add(victim + "-moved")
        return {os.path.basename(name) for name in names}

    def assert_ends_with_the_last(self, *folders):
        for round in range(self.ROUNDS):
            for folder in folders:
                self.churn(folder, f"{os.path.basename(os.path.dirname(folder))}-{round}")
            last = sorted(os.listdir(self.source("folder")))
            with OpenFolder(self.member("folder")) as folder:
                self.assert_seen(lambda: folder.again() == last)
            self.assertEqual(self.listed("folder"), last)
        self.assertEqual(self.failures, [])

    def test_changes_in_the_source(self):
        self.assert_ends_with_the_last(self.source("folder"))

    def test_changes_through_the_mount(self):
        self.assert_ends_with_the_last(self.member("folder"))

    def test_changes_on_both_sides(self):
        self.assert_ends_with_the_last(self.source("folder"), self.member("folder"))


class LatentsListings(ListingCase):
    """latents/ and the directory above show the same latents, under two names."""

    def setUp(self):
        super().setUp()
        self.mounted()
        self.write(("one",))
        self.eventually_listed("a.gen5")
        self.list_all()

    def write(self, keys):
        latents = [(key, "float16", SHAPE, new_latent(SHAPE, "<f2", 1).tobytes()) for key in keys]
        renamed_over(self.source("a.gen5"), container.build(image=new_image(1), latents=latents))

    def list_all(self):
        return self.listed("a.gen5"), self.listed("a.gen5", "latents")

    def test_a_latent_that_another_program_adds_is_listed(self):
        self.assertEqual(self.list_all()[1], ["one.npy"])
        self.write(("one", "two"))
        self.assert_seen(lambda: self.listed("a.gen5", "latents") == ["one.npy", "two.npy"])
        self.assert_seen(lambda: "latents" in self.listed("a.gen5"))
        self.write(("one",))
        self.assert_seen(lambda: self.listed("a.gen5", "latents") == ["one.npy"])
        self.assert_seen(lambda: "latents" not in self.listed("a.gen5"))

    def test_a_latent_that_is_saved_is_listed_in_both(self):
        values = new_latent(SHAPE, "<f2", 2)
        write_file(self.member("a.gen5", "latents", "two.npy"), npy_bytes(values))
        self.assertEqual(self.listed("a.gen5", "latents"), ["one.npy", "two.npy"])
        self.assertIn("latents", self.listed("a.gen5"))

    def test_a_latent_removed_under_one_name_is_gone_under_the_other(self):
        self.assertIn("latent.npy", self.list_all()[0])
        os.unlink(self.member("a.gen5", "latents", "one.npy"))
        self.assertEqual(self.listed("a.gen5", "latents"), [])
        self.assertNotIn("latent.npy", self.listed("a.gen5"))

    def test_the_first_latent_removed_is_gone_in_latents(self):
        self.assertEqual(self.list_all()[1], ["one.npy"])
        os.unlink(self.member("a.gen5", "latent.npy"))
        self.assertEqual(self.listed("a.gen5", "latents"), [])

    def test_a_new_latent_that_is_refused_is_listed_no_more(self):
        with self.assertRaises(OSError):
            write_file(self.member("a.gen5", "latents", "two.npy"), b"no array")
        self.assert_seen(lambda: self.listed("a.gen5", "latents") == ["one.npy"])
        self.assert_seen(lambda: "latents" not in self.listed("a.gen5"))


class LatentsGoWhileListed(ListingCase):
    """What is neither added to a folder nor removed while it is listed is listed, once
    (readdir(3p)), also where the container is rewritten meanwhile."""

    COUNT = 3000

    def setUp(self):
        super().setUp()
        self.names = [f"step {number:04}.npy" for number in range(self.COUNT)]
        latents = [(name[:-4], "float16", (1, 1, 1, 1), bytes(2)) for name in self.names]
        content = container.build(latents=latents)
        self.mounted(prepare=lambda source: write_file(os.path.join(source, "a.gen5"), content))

    def removed_while_listed(self, removed, shown):
        """Lists some of the latents, then removes others and waits until the container has been
        rewritten without them; all that was listed."""
        with OpenFolder(self.member("a.gen5", "latents")) as folder:
            listed = []
            while len(listed) < shown:
                name = folder.next()
                listed += [name] if name not in (".", "..") else []
            for name in removed:
                os.unlink(self.member("a.gen5", "latents", name))
            left = self.COUNT - len(removed)
            self.eventually_stored("a.gen5", lambda stored: len(stored.latents) == left)
            return listed + folder.rest()

    def test_what_was_listed_goes_and_the_rest_is_listed(self):
        self.assertEqual(self.removed_while_listed(self.names[:900], 900), self.names)

    def test_what_was_not_listed_goes_and_what_stays_is_listed(self):
        listed = self.removed_while_listed(self.names[1::2], 1000)
        stay = self.names[::2]
        self.assertEqual([name for name in listed if name in stay], stay)


class LargeFolder(ListingCase):
    """A folder of many requests' length keeps its order and its places."""

    COUNT = 3000

    def setUp(self):
        super().setUp()
        self.names = sorted(f"file-{number:05}-{'x' * 40}" for number in range(self.COUNT))

        def prepare(source):
            os.mkdir(os.path.join(source, "large"))
            for name in self.names:
                write_file(os.path.join(source, "large", name), b"")

        self.mounted(prepare=prepare)
        self.large = self.member("large")

    def test_every_name_is_listed_once_kept_or_not(self):
        for _ in range(3):
            self.assertEqual(sorted(os.listdir(self.large)), self.names)

    def test_a_folder_is_emptied_while_it_is_listed(self):
        os.listdir(self.large)
        with OpenFolder(self.large) as folder:
            for name in iter(folder.next, None):
                if name not in (".", ".."):
                    os.unlink(os.path.join(self.large, name))
        self.assertEqual(os.listdir(self.large), [])
        self.assertEqual(os.listdir(self.source("large")), [])
        os.rmdir(self.large)

    def test_rm_removes_it(self):
        self.program("rm", "-r", self.large)
        self.assertFalse(os.path.exists(self.source("large")))

    def test_what_stays_is_listed_while_others_are_removed(self):
        doomed = set(self.names[::2])
        for warm in (False, True):
            with OpenFolder(self.large) as folder:
                seen = []
                for name in iter(folder.next, None):
                    seen.append(name)
                    victim = doomed.pop() if doomed and len(seen) % 2 else None
                    if victim is not None:
                        os.unlink(os.path.join(self.large, victim))
            stay = set(self.names[1::2])
            self.assertEqual(stay - set(seen), set(), f"warm: {warm}")
            self.assertEqual(len(seen), len(set(seen)), f"warm: {warm}")

    def test_places_are_found_again(self):
        for _ in range(2):
            with OpenFolder(self.large) as folder:
                places = []
                for _ in range(self.COUNT + 2):
                    places.append((folder.tell(), folder.next()))
                for place, name in reversed(places[::97]):
                    folder.seek(place)
                    self.assertEqual(folder.next(), name)
                folder.seek(places[100][0])
                self.assertEqual(len(folder.rest()), self.COUNT + 2 - 100)

    def test_a_place_is_found_when_others_are_removed(self):
        with OpenFolder(self.large) as folder:
            for _ in range(1000):
                folder.next()
            place = folder.tell()
            ahead = folder.rest()
            for name in ahead[1::2]:
                os.unlink(os.path.join(self.large, name))
            self.assertEqual(len(os.listdir(self.large)), self.COUNT - len(ahead[1::2]))
            folder.seek(place)
            self.assertEqual([name for name in folder.rest() if name in ahead[::2]], ahead[::2])


if __name__ == "__main__":
    unittest.main()
