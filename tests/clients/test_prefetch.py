# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Containers that are parsed before they are looked into, and verified before they are read. Whoever
# does so sees of it that the work has been done by then, and nothing else. How much a thread of the
# daemon has read is in proc(5).

import contextlib
import errno
import functools
import os
import re
import unittest

from container import build, parse
from mount_case import MountCase, new_image, read_file, renamed_over, write_file

COUNT = 40
SIDE = 400  # An image of half a megabyte: not given with the answer to an open.
PLACES = range(COUNT)
PARSED = 20


@functools.lru_cache
def images():
    return [new_image(place, (SIDE, SIDE)) for place in PLACES]


def name_of(place):
    return f"{place:04}.gen5"


def broken(content):
    """The container with one byte of its image another, and all that it states as it was."""
    image = parse(content).document["chunks"][0]
    changed = bytearray(content)
    changed[image["offset"] + image["compressed_size"] // 2] ^= 1
    return bytes(changed)


class Prefetch(MountCase):
    options = ""
    compressed = False

    def setUp(self):
        super().setUp()
        self.images = images()
        self.mounted(prepare=self.prepare, options=self.options)

    def prepare(self, source):
        self.contents = [build(image=image, compressed=self.compressed) for image in self.images]
        for place in PLACES:
            write_file(os.path.join(source, name_of(place)), self.contents[place])

    def image(self, place):
        return self.read(name_of(place), "image.png")

    def bytes_read(self, of_prefetch):
        """By the thread that goes ahead, or by all others together."""
        folder = f"/proc/{self.mount.pid}/task"
        total = 0
        for thread in os.listdir(folder):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # It has ended.
                named = read_file(f"{folder}/{thread}/comm") == b"prefetch\n"
                text = read_file(f"{folder}/{thread}/io").decode()
                total += int(re.search(r"rchar: (\d+)", text)[1]) if named == of_prefetch else 0
        return total

    def read_until(self, places, size):
        """Reads images in this order, and waits until those behind them are verified."""
        for place in places:
            self.assertEqual(self.image(place), self.images[place])
        self.assert_eventually(lambda: self.bytes_read(True) >= size, "nothing is verified ahead")


class Orders(Prefetch):
    def test_the_next_ones_by_name_are_verified_once_for_all(self):
        self.read_until([0, 1, 2], sum(len(self.images[place]) for place in (3, 4, 5)))
        before = self.bytes_read(False)
        for place in (3, 4, 5):
            self.assertEqual(self.image(place), self.images[place])
        read = self.bytes_read(False) - before
        self.assertLess(read, 1.5 * sum(len(self.images[place]) for place in (3, 4, 5)))

    def test_the_next_ones_as_they_are_listed_are_verified(self):
        listed = [int(name[:4]) for name in os.listdir(self.mount.path)]
        size = sum(len(self.images[place]) for place in listed[6:9])
        self.read_until(listed[:6], size)

    def test_all_are_read_right_by_several_readers_and_in_any_order(self):
        orders = (PLACES, reversed(PLACES), PLACES[::2], PLACES[1::3], [5, 5, 6, 0, COUNT - 1, COUNT - 2, 1])
        for order in orders:
            self.assertEqual([self.images[place] == self.image(place) for place in order].count(False), 0)

    def test_a_first_one_in_the_middle_of_others_leads_nowhere(self):
        first_listed = int(os.listdir(self.mount.path)[0][:4])
        self.image(10 if first_listed != 10 else 11)
        # The first one leads to the next two.
        self.read_until([0], 2 * len(self.images[0]))
        self.assertLess(self.bytes_read(True), 2.5 * len(self.images[0]))


class Changes(Prefetch):
    def test_times_of_access_are_kept_until_somebody_reads(self):
        old = (10 ** 18, 11 * 10 ** 17)
        for place in PLACES:
            os.utime(self.source(name_of(place)), ns=old)
        self.read_until([0, 1], sum(len(self.images[place]) for place in (2, 3)))
        times = [os.stat(self.source(name_of(place))).st_atime_ns for place in PLACES]
        self.assertEqual(set(times[2:]), {old[0]})
        if times[0] == old[0]:
            self.skipTest("the file system keeps no times of access")
        self.image(2)
        self.assertGreater(os.stat(self.source(name_of(2))).st_atime_ns, old[0])

    def test_what_was_replaced_since_is_read_as_it_is_now(self):
        self.read_until([0, 1], sum(len(self.images[place]) for place in (2, 3)))
        for place in (2, 3, 4):
            renamed_over(self.source(name_of(place)), build(image=self.images[COUNT - place]))
            self.assert_eventually(lambda place=place: self.image(place) == self.images[COUNT - place],
                                   f"{place} is shown as it was")

    def test_what_was_broken_in_place_since_is_not_served(self):
        self.read_until([0, 1], sum(len(self.images[place]) for place in (2, 3)))
        write_file(self.source(name_of(2)), broken(self.contents[2]))
        self.assert_os_error(errno.EIO, self.image, 2)
        self.assertEqual(self.image(3), self.images[3])

    def test_what_is_gone_since_is_passed_over(self):
        for place in (2, 4):
            os.unlink(self.source(name_of(place)))
        os.mkfifo(self.source(name_of(2)))
        self.read_until([0, 1, 3], sum(len(self.images[place]) for place in (5, 6)))


class CompressedChanges(Changes):
    compressed = True


class Damage(Prefetch):
    def prepare(self, source):
        super().prepare(source)
        write_file(os.path.join(source, name_of(2)), broken(self.contents[2]))
        write_file(os.path.join(source, name_of(3)), b"no container")

    def test_one_that_is_damaged_says_so_when_it_is_read_and_its_neighbours_are_whole(self):
        self.read_until([0, 1, 4], sum(len(self.images[place]) for place in (2, 5, 6)))
        self.assertNotIn(name_of(2), self.mount.log())
        for _ in range(2):
            self.assert_os_error(errno.EIO, self.image, 2)
        self.assertIn(b"SHA-256", os.getxattr(self.member(name_of(2), "image.png"), "user.gen5.error"))
        self.assertEqual(os.listdir(self.member(name_of(3))), ["gen5-error.txt"])
        for place in (5, 6, 7):
            self.assertEqual(self.image(place), self.images[place])


class LongManifests(Prefetch):
    def prepare(self, source):
        super().prepare(source)

        def lengthen(manifest):
            return {**manifest, "unknown": "a" * (2 << 20)}

        for place in PLACES[2::2]:
            write_file(os.path.join(source, name_of(place)),
                       build(image=self.images[place], manifest=lengthen))

    def test_they_are_passed_over_and_read_like_any_other(self):
        self.read_until([0, 1], sum(len(self.images[place]) for place in (3, 5)))
        for place in PLACES:
            self.assertEqual(self.image(place), self.images[place])


class ReadOnly(Prefetch):
    options = "ro"

    def test_where_the_kernel_opens_files_itself_the_next_ones_are_verified_too(self):
        self.read_until([0, 1], sum(len(self.images[place]) for place in (2, 3)))


class Looks(Prefetch):
    def listed(self, place):
        return sorted(os.listdir(self.member(name_of(place))))

    def look_until_parsed(self, places):
        """Lists some, and waits until more than these can have been parsed ahead."""
        for place in places:
            self.assertEqual(self.listed(place), ["image.png", "metadata.json"])
        size = len(self.read(name_of(places[0]), "metadata.json"))
        self.assert_eventually(lambda: self.bytes_read(True) > (PARSED + 2) * size, "nothing is parsed ahead")

    def test_the_next_ones_are_parsed_once_for_all(self):
        self.look_until_parsed([0, 1, 2])
        size = len(self.read(name_of(3), "metadata.json"))
        before = self.bytes_read(False)
        for place in range(4, 4 + PARSED):
            self.assertEqual(self.listed(place), ["image.png", "metadata.json"])
        # What else they read are the kernel's requests.
        self.assertLess(self.bytes_read(False) - before, PARSED * size)
        self.assertLess(self.bytes_read(True), COUNT * 4 * size, "images are not looked at for that")

    def test_all_are_listed_right_in_any_order(self):
        for order in (PLACES, reversed(PLACES), PLACES[::2], PLACES[1::3], [5, 0, COUNT - 1, 7, 30, 2]):
            for place in order:
                self.assertEqual(os.stat(self.member(name_of(place), "image.png")).st_size,
                                 len(self.images[place]))

    def test_what_was_changed_since_is_listed_as_it_is_now(self):
        self.look_until_parsed([0, 1])
        renamed_over(self.source(name_of(9)), build(image=None))
        os.unlink(self.source(name_of(10)))
        with open(self.source(name_of(11)), "r+b") as file:
            file.truncate(20)
        self.assert_eventually(lambda: self.listed(9) == ["metadata.json"], "the old one is listed")
        self.assertNotIn(name_of(10), os.listdir(self.mount.path))
        self.assert_os_error(errno.ENOENT, self.listed, 10)
        self.assert_eventually(lambda: self.listed(11) == ["gen5-error.txt"], "the old one is listed")
        self.assertEqual(self.listed(12), ["image.png", "metadata.json"])


class UnverifiedLooks(Looks):
    options = "noverify"


class ReadOnlyLooks(Looks):
    options = "ro"


class Unverified(Prefetch):
    options = "noverify"

    def test_where_nothing_is_verified_no_payload_is_read_ahead(self):
        for place in PLACES:
            self.assertEqual(self.image(place), self.images[place])
        self.assertLess(self.bytes_read(True), len(self.images[0]))


if __name__ == "__main__":
    unittest.main()
