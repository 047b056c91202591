# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# gen5fs unpack: the names and bytes of the mount, whole folders or none.

import json
import os
import shutil
import signal
import subprocess
import unittest

import numpy as np

import container
from command_case import FIXTURES, HOSTILE_NAMES, CommandCase, latent, tree
from mount_case import (
    DTYPES, GEN5FS, PROGRAM_SECONDS, new_image, npy_bytes, read_file, sha256, take_down, write_file,
)
from mounted import REFERENCE, eventually


class UnpackCase(CommandCase):
    def setUp(self):
        super().setUp()
        self.out = os.path.join(self.work, "out")

    def at(self, *parts):
        return os.path.join(self.out, *parts)

    def unpack(self, *arguments, status=0):
        return self.gen5fs("unpack", *arguments, "-C", self.out, status=status)

    def assert_no_temporaries(self):
        left = [name for _, folders, files in os.walk(self.out) for name in folders + files
                if name.startswith(".gen5fs")]
        self.assertEqual(left, [])


class Contents(UnpackCase):
    def test_every_fixture_becomes_the_files_that_the_tests_own_reader_has(self):
        self.unpack(REFERENCE)
        self.assertEqual(sorted(os.listdir(self.out)), FIXTURES)
        for name in FIXTURES:
            with self.subTest(name):
                parsed = container.parse(os.path.join(REFERENCE, name))
                files = tree(self.at(name))
                self.assertEqual(files[b"metadata.json"], parsed.manifest_bytes)
                self.assertEqual(files[b"env.json"], parsed.environment)
                images = [content for path, content in files.items() if path.startswith(b"image.")]
                self.assertEqual(images, [] if parsed.image is None else [parsed.image])
                arrays = [
                    npy_bytes(np.frombuffer(payload, DTYPES[dtype]).reshape(shape))
                    for dtype, shape, payload in parsed.latents.values()
                ]
                self.assertEqual(files[b"latent.npy"], arrays[0])
                keyed = [content for path, content in files.items() if path.startswith(b"latents/")]
                self.assertEqual(sorted(map(sha256, keyed)),
                                 sorted(map(sha256, arrays)) if len(arrays) > 1 else [])

    def test_the_digests_are_those_that_the_reference_gave(self):
        with open(os.path.join(REFERENCE, "expected.json"), encoding="utf-8") as stream:
            expected = json.load(stream)
        self.unpack(REFERENCE)
        for name, entry in expected.items():
            if entry.get("image") and name in FIXTURES:
                digests = {sha256(content) for content in tree(self.at(name)).values()}
                self.assertIn(entry["image"]["sha256"], digests, name)

    @unittest.skipUnless(os.path.exists("/dev/fuse"), "there is no /dev/fuse")
    def test_names_and_bytes_are_those_of_the_mount(self):
        shutil.copytree(REFERENCE, os.path.join(self.work, "library"))
        point = os.path.join(self.work, "point")
        os.mkdir(point)
        self.addCleanup(take_down, point)
        self.mount_in_background(os.path.join(self.work, "library"), point)
        self.unpack(REFERENCE)
        for name in FIXTURES:
            self.assertEqual(tree(os.path.join(point, name)), tree(self.at(name)), name)
        self.gen5fs("umount", point)

    def test_the_first_latent_is_one_file_under_both_its_names(self):
        self.unpack(self.built("x.gen5", latents=[latent("a", 1), latent("b", 2)]))
        first, keyed = (os.stat(self.at("x.gen5", *place))
                        for place in (("latent.npy",), ("latents", "a.npy")))
        self.assertEqual(first.st_ino, keyed.st_ino)
        self.assertNotEqual(first.st_ino, os.stat(self.at("x.gen5", "latents", "b.npy")).st_ino)

    def test_members_that_the_container_lacks_are_absent(self):
        self.unpack(self.built("empty.gen5"))
        self.assertEqual(list(tree(self.at("empty.gen5"))), [b"metadata.json"])

    def test_an_image_of_an_unknown_kind_has_its_own_name(self):
        self.unpack(self.built("x.gen5", image=b"what is this"))
        self.assertEqual(read_file(self.at("x.gen5", "image.bin")), b"what is this")

    def test_chunks_that_no_file_stands_for_are_noted(self):
        done = self.unpack(self.built("x.gen5", chunks=[container.Chunk("XTRA", b"abc")]))
        self.assert_complaint(done, "x.gen5", "XTRA", "left out")
        self.assertEqual(done.stdout, b"")

    def test_modes_follow_the_umask(self):
        self.shell('umask 027; "$1" unpack "$2" -C "$3"', GEN5FS,
                   os.path.join(REFERENCE, "three-latents.gen5"), self.out)
        place = self.at("three-latents.gen5")
        self.assertEqual(os.stat(place).st_mode & 0o777, 0o750)
        self.assertEqual(os.stat(os.path.join(place, "latents")).st_mode & 0o777, 0o750)
        self.assertEqual(os.stat(os.path.join(place, "image.png")).st_mode & 0o777, 0o640)


class Damage(UnpackCase):
    def test_a_damaged_member_is_left_out_and_the_others_are_there(self):
        def change(data):
            data[50] ^= 1
        done = self.unpack(self.damaged("three-latents.gen5", change), status=1)
        self.assert_complaint(done, "damaged.gen5", "LATN chunk at byte 32")
        files = tree(self.at("damaged.gen5"))
        self.assertEqual(
            sorted(files), [b"env.json", b"image.png", b"latents/final_latent.npy",
                            b"latents/optimized_noise.npy", b"metadata.json"])
        self.assert_no_temporaries()

    def test_a_damaged_image_is_left_out(self):
        path = self.built("x.gen5", image=new_image(1), latents=[latent("a", 1)],
                          manifest=lambda document: document["gen5_metadata"]["chunks"][1].update(
                              hash="0" * 64))
        done = self.unpack(path, status=1)
        self.assert_complaint(done, "DATA chunk", "SHA-256")
        self.assertEqual(sorted(tree(self.at("x.gen5"))), [b"latent.npy", b"metadata.json"])

    def test_what_is_no_container_leaves_nothing(self):
        text = self.outside("text.gen5", b"text")
        done = self.unpack(text, os.path.join(REFERENCE, "one-pixel.gen5"), status=1)
        self.assert_complaint(done, text, "GEN5")
        self.assertEqual(os.listdir(self.out), ["one-pixel.gen5"])

    def test_a_full_disk_leaves_no_half_folder(self):
        os.mkdir(self.out)
        self.program("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", self.out)
        self.addCleanup(take_down, self.out)
        done = self.unpack(os.path.join(REFERENCE, "default-f16-zstd.gen5"), status=1)
        self.assert_complaint(done, "No space left")
        self.assertEqual(os.listdir(self.out), [])
        self.unpack(os.path.join(REFERENCE, "one-pixel.gen5"))


class Places(UnpackCase):
    def test_folders_keep_their_places(self):
        library = os.path.join(self.work, "library")
        os.makedirs(os.path.join(library, "deep", "deeper"))
        for place in ("a.gen5", "deep/b.gen5", "deep/deeper/a.gen5"):
            shutil.copyfile(os.path.join(REFERENCE, "one-pixel.gen5"), os.path.join(library, place))
        write_file(os.path.join(library, "notes.txt"), b"")
        for given in (library, library + "/"):
            self.unpack(given)
            self.assertEqual(
                sorted({os.path.dirname(path) for path in tree(self.out)}),
                [b"a.gen5", b"deep/b.gen5", b"deep/deeper/a.gen5"])
            shutil.rmtree(self.out)

    def test_names_of_any_bytes_are_kept(self):
        names = [os.fsdecode(name) for name in HOSTILE_NAMES]
        paths = [self.fixture("one-pixel.gen5", name) for name in names]
        self.gen5fs("unpack", "-C", self.out, "--", *paths)
        self.assertEqual(sorted(os.listdir(self.out)), sorted(names))
        self.assertEqual(len(tree(self.out)), 4 * len(names))

    def test_relative_names_that_begin_with_a_dash_are_understood(self):
        self.fixture("one-pixel.gen5", "-f.gen5")
        self.program(GEN5FS, "unpack", "-C", "-out", "--", "-f.gen5", cwd=self.work)
        self.assertTrue(os.path.exists(os.path.join(self.work, "-out", "-f.gen5", "image.png")))

    def test_the_folder_is_made_with_those_above_it(self):
        self.out = os.path.join(self.work, "new", "newer")
        self.unpack(os.path.join(REFERENCE, "one-pixel.gen5"))
        self.assertEqual(os.listdir(self.out), ["one-pixel.gen5"])

    def test_a_folder_that_cannot_be_made_is_named(self):
        self.out = os.path.join(self.outside("file", b""), "below")
        done = self.unpack(os.path.join(REFERENCE, "one-pixel.gen5"), status=1)
        self.assert_complaint(done, self.out, "Not a directory")

    def test_two_containers_do_not_become_one_folder(self):
        os.mkdir(os.path.join(self.work, "other"))
        one = self.fixture("one-pixel.gen5", "x.gen5")
        other = self.fixture("no-image.gen5", "other/x.gen5")
        for switch in ((), ("-f",)):
            done = self.unpack(*switch, one, other, status=1)
            self.assert_complaint(done, other, one, "left out")
            self.assertTrue(os.path.exists(self.at("x.gen5", "image.png")))
            shutil.rmtree(self.out)


class Overwriting(UnpackCase):
    def setUp(self):
        super().setUp()
        self.path = self.built("x.gen5", image=new_image(1), env=container.environment(),
                               latents=[latent("a", 1), latent("b", 2)])
        self.unpack(self.path)
        self.before = tree(self.out)

    def test_it_refuses_unless_forced(self):
        write_file(self.at("x.gen5", "image.png"), b"mine")
        done = self.unpack(self.path, status=1)
        self.assert_complaint(done, self.at("x.gen5"), "exists", "-f")
        self.assertEqual(read_file(self.at("x.gen5", "image.png")), b"mine")
        self.assert_no_temporaries()
        self.unpack("-f", self.path)
        self.assertEqual(tree(self.out), self.before)
        self.assert_no_temporaries()

    def test_others_go_on_when_one_is_refused(self):
        done = self.unpack(self.path, os.path.join(REFERENCE, "one-pixel.gen5"), status=1)
        self.assert_complaint(done, "exists")
        self.assertEqual(sorted(os.listdir(self.out)), ["one-pixel.gen5", "x.gen5"])

    def test_forced_it_takes_away_stale_members_and_nothing_else(self):
        write_file(self.at("x.gen5", "notes.txt"), b"mine")
        write_file(self.at("x.gen5", "image.jpeg"), b"mine too")
        self.built("x.gen5", image=b"\xff\xd8\xff no png", latents=[latent("c", 3)])
        self.unpack("-f", self.path)
        files = tree(self.at("x.gen5"))
        self.assertEqual(
            sorted(files),
            [b"image.jpeg", b"image.jpg", b"latent.npy", b"metadata.json", b"notes.txt"])
        self.assertFalse(os.path.exists(self.at("x.gen5", "latents")))
        self.assertEqual(files[b"notes.txt"], b"mine")

    def test_forced_it_keeps_other_files_among_the_latents(self):
        write_file(self.at("x.gen5", "latents", "readme"), b"mine")
        self.built("x.gen5", latents=[latent("latent", 4)])
        self.unpack("-f", self.path)
        self.assertEqual(sorted(tree(self.at("x.gen5"))),
                         [b"latent.npy", b"latents/readme", b"metadata.json"])

    def test_forced_it_fills_a_folder_without_latents(self):
        shutil.rmtree(self.at("x.gen5", "latents"))
        self.unpack("-f", self.path)
        self.assertEqual(tree(self.out), self.before)

    def test_a_file_or_a_link_in_the_way_is_never_replaced(self):
        shutil.move(self.at("x.gen5"), os.path.join(self.work, "elsewhere"))
        os.symlink(os.path.join(self.work, "elsewhere"), self.at("x.gen5"))
        for switch in ((), ("-f",)):
            done = self.unpack(*switch, self.path, status=1)
            self.assert_complaint(done, self.at("x.gen5"))
            self.assertTrue(os.path.islink(self.at("x.gen5")))
        os.unlink(self.at("x.gen5"))
        write_file(self.at("x.gen5"), b"a file")
        self.unpack("-f", self.path, status=1)
        self.assertEqual(read_file(self.at("x.gen5")), b"a file")
        self.assert_no_temporaries()

    def test_containers_are_not_unpacked_over_themselves(self):
        done = self.gen5fs("unpack", self.path, "-C", self.work, status=1)
        self.assert_complaint(done, "exists")
        container.parse(self.path)


class Interruptions(UnpackCase):
    def start(self):
        """Unpacks many containers; returns once some are there, and the process."""
        library = os.path.join(self.work, "library")
        os.mkdir(library)
        content = container.build(image=os.urandom(300_000), latents=[latent("a", 1)])
        for number in range(2000):
            write_file(os.path.join(library, f"{number:04}.gen5"), content)
        self.whole = None
        process = subprocess.Popen(
            (GEN5FS, "unpack", library, "-C", self.out), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment,
        )
        self.addCleanup(process.communicate)
        eventually(lambda: any(name.endswith(".gen5") for name in os.listdir(self.out)))
        return process

    def assert_only_whole_folders(self):
        names = [name for name in os.listdir(self.out) if not name.startswith(".gen5fs-")]
        self.assertGreater(len(names), 0)
        for name in names:
            self.assertEqual(sorted(os.listdir(self.at(name))),
                             ["image.bin", "latent.npy", "metadata.json"])
            self.assertEqual(os.path.getsize(self.at(name, "image.bin")), 300_000)
        return names

    def test_a_signal_ends_it_with_whole_folders_alone(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process = self.start()
            process.send_signal(number)
            self.assertEqual(process.wait(PROGRAM_SECONDS), -number)
            self.assertLess(len(self.assert_only_whole_folders()), 2000)
            self.assert_no_temporaries()
            self.assertEqual(process.stderr.read(), b"")
            shutil.rmtree(self.out)
            shutil.rmtree(os.path.join(self.work, "library"))

    def test_sudden_death_leaves_no_half_folder_under_its_name(self):
        process = self.start()
        process.kill()
        process.wait(PROGRAM_SECONDS)
        self.assert_only_whole_folders()


class Output(UnpackCase):
    def test_nothing_is_printed_in_a_pipe(self):
        done = self.unpack(REFERENCE)
        self.assertEqual((done.stdout, done.stderr), (b"", b""))

    def test_a_bar_is_shown_on_a_terminal_for_many(self):
        library = os.path.join(self.work, "library")
        os.mkdir(library)
        content = container.build(image=os.urandom(2_000_000), latents=[latent("a", 1)])
        for number in range(200):
            write_file(os.path.join(library, f"{number:04}.gen5"), content)
        shown = self.on_terminal("unpack", library, "-C", self.out).decode()
        self.assertRegex(shown, r"\d+/200 files  \d+ files/s")
        self.assertTrue(shown.endswith("\r\x1b[K"), shown[-100:])

    def test_help_and_usage(self):
        self.assert_help("unpack")
        self.assert_usage_error("unpack", says=["FILE", "gen5fs unpack FILE... -C DIR"])
        self.assert_usage_error("unpack", "x.gen5", says=["DIR"])
        self.assert_usage_error("unpack", "x.gen5", "-C", says=["-C needs a value"])
        self.assert_usage_error("unpack", "--forse", "x", says=["--forse", "--force"])


if __name__ == "__main__":
    unittest.main()
