# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# gen5fs pack: files become containers that hold them, whole or not at all.

import json
import os
import shutil
import signal
import stat
import subprocess
import unittest

import numpy as np

import container
from command_case import FIXTURES, HOSTILE_NAMES, CommandCase, latent, tree
from mount_case import (
    GEN5FS, PROGRAM_SECONDS, Stored, new_image, new_latent, npy_bytes, read_file, take_down,
    write_file,
)
from mounted import REFERENCE, eventually

SHAPE = (1, 4, 8, 8)


class PackCase(CommandCase):
    def setUp(self):
        super().setUp()
        self.out = os.path.join(self.work, "out")
        self.target = os.path.join(self.work, "new.gen5")

    def at(self, *parts):
        return os.path.join(self.out, *parts)

    def pack(self, *arguments, status=0):
        """Makes self.target."""
        return self.gen5fs("pack", *arguments, "-o", self.target, status=status)

    def packed(self, *arguments):
        """What self.target holds, which is made quietly and passes the strict check."""
        done = self.pack(*arguments)
        self.assertEqual((done.stdout, done.stderr), (b"", b""))
        container.strict_check(self.target)
        return Stored(self.target)

    def unpacked(self, name, *sources):
        """A folder in self.work with what these containers hold."""
        folder = os.path.join(self.work, name)
        self.gen5fs("unpack", *sources, "-C", folder)
        return folder

    def folder(self, name, **files):
        """A folder with these files: member names, with "__" for the slash and "_" for the dot."""
        for file, content in files.items():
            path = os.path.join(self.work, name, file.replace("__", "/").replace("_", "."))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            write_file(path, content)
        return os.path.join(self.work, name)

    def image_file(self, name="image.png", seed=1):
        return self.outside(name, new_image(seed))

    def latent_file(self, name="latent.npy", seed=1, dtype="<f2"):
        return self.outside(name, npy_bytes(new_latent(SHAPE, dtype, seed)))

    def metadata_file(self, **changes):
        document = {"gen5_metadata": {"model_info": container.model_info(**changes)}}
        return self.outside("metadata.json", json.dumps(document).encode())

    def assert_refused(self, done, *words):
        self.assert_complaint(done, *words)
        self.assertEqual(done.stdout, b"")
        self.assertFalse(os.path.exists(self.target))
        self.assert_no_temporaries(self.work)

    def assert_no_temporaries(self, folder):
        left = [name for _, folders, files in os.walk(folder) for name in folders + files
                if name.startswith(".gen5fs")]
        self.assertEqual(left, [])


class RoundTrips(PackCase):
    def test_what_unpack_gave_becomes_the_same_container(self):
        folder = self.unpacked("library", REFERENCE)
        done = self.gen5fs("pack", folder, "-C", self.out)
        self.assertEqual((done.stdout, done.stderr), (b"", b""))
        self.assertEqual(sorted(os.listdir(self.out)), FIXTURES)
        for name in FIXTURES:
            with self.subTest(name):
                container.strict_check(self.at(name))
                old = Stored(os.path.join(REFERENCE, name))
                new = Stored(self.at(name))
                self.assert_same_payloads(new, old)
                self.assertEqual(list(new.latents), list(old.latents))
                if name != "reused-list-second.gen5":  # which lists the chunks of another file too
                    self.assertEqual(new.user_text(), old.user_text())

    def test_unpacking_it_again_gives_the_same_files(self):
        folder = self.unpacked("library", REFERENCE)
        self.gen5fs("pack", folder, "-C", self.out)
        again = self.unpacked("again", self.out)
        before, after = tree(folder), tree(again)
        self.assertEqual(sorted(before), sorted(after))
        for path, content in before.items():
            if not path.endswith(b"metadata.json"):
                self.assertEqual(after[path], content, path)
        self.gen5fs("pack", again, "-C", os.path.join(self.work, "third"))
        third = tree(os.path.join(self.work, "third"))
        self.assertEqual(third, tree(self.out))  # byte for byte

    def test_containers_that_are_faulty_themselves_need_lenient(self):
        info = container.model_info()
        info["generation_settings"]["steps"] = 0
        values = np.full(SHAPE, np.nan, "<f4")
        path = self.built("x.gen5", info=info, image=b"no image",
                          latents=[("a", "float32", SHAPE, values.tobytes())])
        folder = os.path.join(self.unpacked("library", path), "x.gen5")
        done = self.pack(folder, status=1)
        self.assert_refused(done, "metadata.json", "steps", "--lenient")
        self.pack(folder, "--lenient")
        new = Stored(self.target)
        self.assertEqual(new.image, b"no image")
        self.assertEqual(new.user_text(), Stored(path).user_text())
        np.testing.assert_array_equal(new.latents["a"], values)

    @unittest.skipUnless(os.path.exists("/dev/fuse"), "there is no /dev/fuse")
    def test_a_container_is_packed_out_of_a_mount(self):
        self.mounted(fixtures=["three-latents.gen5"])
        self.pack(self.member("three-latents.gen5"))
        self.assert_same_payloads(Stored(self.target),
                                  Stored(os.path.join(REFERENCE, "three-latents.gen5")))


class Parts(PackCase):
    def test_files_become_members(self):
        stored = self.packed(
            "--image", self.image_file(), "--latent", "noise=" + self.latent_file("a.npy", 1),
            "-l", "final=" + self.latent_file("b.npy", 2, "<f4"),
            "--metadata", self.metadata_file(prompt="a cat"),
            "--env", self.outside("env.json", container.environment()))
        self.assertEqual(stored.image, new_image(1))
        self.assertEqual(list(stored.latents), ["noise", "final"])
        np.testing.assert_array_equal(stored.latents["noise"], new_latent(SHAPE, "<f2", 1))
        np.testing.assert_array_equal(stored.latents["final"], new_latent(SHAPE, "<f4", 2))
        self.assertEqual(stored.prompt, "a cat")
        self.assertEqual(stored.environment, container.environment())

    def test_without_metadata_it_is_that_of_an_empty_container(self):
        stored = self.packed("--image", self.image_file())
        self.assertEqual(stored.latents, {})
        self.assertIsNone(stored.environment)
        self.assertEqual((stored.prompt, stored.model_info["tags"]), ("", []))
        self.assertRegex(stored.model_info["date"], r"^20\d\d-\d\d-\d\dT")

    def test_a_latent_is_called_as_its_file_is(self):
        stored = self.packed("--latent", self.latent_file("noise%2Ffirst.npy"),
                             "--latent", self.latent_file("latent.npy", 2),
                             "--latent", "=" + self.latent_file("empty.npy", 3))
        self.assertEqual(sorted(stored.latents), ["", "latent", "noise/first"])

    def test_the_first_latent_is_that_of_the_metadata(self):
        folder = os.path.join(
            self.unpacked("u", os.path.join(REFERENCE, "sd15-f32-raw.gen5")), "sd15-f32-raw.gen5")
        stored = self.packed("--latent", os.path.join(folder, "latent.npy"),
                             "--metadata", os.path.join(folder, "metadata.json"))
        self.assertEqual(list(stored.latents), ["initial_noise"])
        self.assertIsNone(stored.image)

    def test_switches_replace_what_the_folder_has(self):
        folder = self.folder("f", image_png=new_image(1), env_json=container.environment(),
                             latent_npy=npy_bytes(new_latent(SHAPE, "<f2", 1)))
        stored = self.packed(folder, "--env", "none", "--image", self.image_file("other.png", 2),
                             "--latent", "x=" + self.latent_file("x.npy", 3))
        self.assertEqual(stored.image, new_image(2))
        self.assertIsNone(stored.environment)
        self.assertEqual(list(stored.latents), ["x"])

    def test_keys_with_names_that_were_cut_are_known_from_the_metadata(self):
        keys = ["first", "k" * 300, "ä" * 200]
        path = self.built("x.gen5", latents=[latent(key, i) for i, key in enumerate(keys)])
        stored = self.packed(os.path.join(self.unpacked("u", path), "x.gen5"))
        self.assertEqual(list(stored.latents), keys)

    def test_a_cut_name_without_metadata_is_refused(self):
        path = self.built("x.gen5", latents=[latent("first", 1), latent("k" * 300, 2)])
        folder = os.path.join(self.unpacked("u", path), "x.gen5")
        os.unlink(os.path.join(folder, "metadata.json"))
        self.assert_refused(self.pack(folder, status=1), "kkk", "stands for no key")

    def test_without_metadata_the_first_latent_is_the_one_with_its_content(self):
        one, other = (npy_bytes(new_latent(SHAPE, "<f2", seed)) for seed in (1, 2))
        folder = self.folder("f", latent_npy=other, latents__a_npy=one, latents__b_npy=other)
        self.assertEqual(list(self.packed(folder).latents), ["b", "a"])

    def test_a_first_latent_of_its_own_is_called_latent(self):
        one, other = (npy_bytes(new_latent(SHAPE, "<f2", seed)) for seed in (1, 2))
        folder = self.folder("f", latent_npy=other, latents__a_npy=one)
        self.assertEqual(list(self.packed(folder).latents), ["latent", "a"])

    def test_two_files_of_one_latent_that_differ_are_refused(self):
        folder = os.path.join(
            self.unpacked("u", os.path.join(REFERENCE, "three-latents.gen5")), "three-latents.gen5")
        changed = os.path.join(folder, "latent.npy")
        os.unlink(changed)
        write_file(changed, npy_bytes(new_latent(SHAPE, "<f2", 9)))
        self.assert_refused(self.pack(folder, status=1), "latent.npy", "latents/", "differs")

    def test_a_container_takes_one_image(self):
        folder = self.folder("f", image_png=new_image(1), image_jpg=new_image(1))
        self.assert_refused(self.pack(folder, status=1), folder, "two images")

    def test_files_that_are_no_members_are_named_and_left_out(self):
        folder = self.folder("f", image_png=new_image(1), notes_txt=b"", _hidden=b"")
        done = self.pack(folder)
        self.assert_complaint(done, "notes.txt", "left out")
        self.assertEqual(Stored(self.target).image, new_image(1))

    def test_a_folder_without_members_is_refused(self):
        folder = self.folder("f", notes_txt=b"")
        done = self.pack(folder, status=1)
        self.assertIn(b"has no member", done.stderr)
        self.assertFalse(os.path.exists(self.target))

    def test_tensors_of_other_byte_orders_are_converted(self):
        values = np.asfortranarray(new_latent((2, 4, 8, 8), ">f4", 5))
        stored = self.packed("--latent", "x=" + self.outside("x.npy", npy_bytes(values)))
        np.testing.assert_array_equal(stored.latents["x"], values)


    def test_more_latents_than_the_soft_limit_of_open_files(self):
        keys = [f"k{number * 7 % 150}" for number in range(150)]
        content = npy_bytes(new_latent((1, 1, 1, 1), "<f2", 1))
        folder = self.folder("f", **{f"latents__{key}_npy": content for key in keys})
        self.shell('ulimit -Sn 64; "$1" pack "$2" -o "$3"', GEN5FS, folder, self.target)
        container.strict_check(self.target)
        self.assertEqual(sorted(Stored(self.target).latents), sorted(keys))


class Settings(PackCase):
    def test_values_are_set_with_all_else_untouched(self):
        text = b'{ "gen5_metadata":{"model_info" : %s, "own": 1.50}}' % json.dumps(
            container.model_info()).encode()
        path = self.outside("m.json", text)
        stored = self.packed("--metadata", path, "--set", "model_info.prompt=a cat, 50 % =grey",
                             "--set", "model_info.generation_settings.seed=18446744073709551617",
                             "-s", "notes.by=me", "-s", 'model_info["a=b"]=[1, {"c": null}]')
        self.assertEqual(stored.prompt, "a cat, 50 % =grey")
        self.assertIn(b"18446744073709551617", stored.manifest_text)
        self.assertIn(b'"own": 1.50', stored.manifest_text)
        self.assertEqual(stored.document["notes"], {"by": "me"})
        self.assertEqual(stored.model_info["a=b"], [1, {"c": None}])
        self.assertEqual(stored.model_info["tags"], container.model_info()["tags"])

    def test_a_string_stays_a_string_whatever_it_looks_like(self):
        for prompt in ("42", '"quoted"', "null", "[1]", "", "umlaut \u00e4 \U0001f600"):
            with self.subTest(prompt):
                self.assertEqual(
                    self.packed("--set", "model_info.prompt=" + prompt, "-f").prompt, prompt)

    def test_a_value_against_the_schema_is_refused(self):
        done = self.pack("--image", self.image_file(), "--set", "model_info.tags=sea", status=1)
        self.assert_refused(done, "model_info.tags=sea", "must be an array of strings")
        done = self.pack("--set", "model_info.generation_settings.seed=1", status=1)
        self.assert_refused(done, "steps")

    def test_a_path_without_a_place_is_refused(self):
        for setting in ("model_info.prompt.x=1", "chunks[0].extra=1", "model_info..x=1"):
            with self.subTest(setting):
                self.assert_refused(self.pack("--set", setting, status=1), setting)

    def test_every_container_of_many_is_set(self):
        folder = self.unpacked("u", *(os.path.join(REFERENCE, name) for name in FIXTURES[:3]))
        self.gen5fs("pack", folder, "-C", self.out, "--set", 'model_info.tags=["a"]')
        for name in FIXTURES[:3]:
            self.assertEqual(Stored(self.at(name)).model_info["tags"], ["a"])


class Refusals(PackCase):
    def test_what_is_not_valid_is_named_and_makes_nothing(self):
        png = new_image(1)
        rows = (
            ("--image", "cut.png", png[:-10], "PNG"),
            ("--image", "text.png", b"text", ""),
            ("--latent", "x.npy", b"text", ""),
            ("--latent", "x.npy", npy_bytes(np.zeros((4, 8, 8), "<f2")), "4"),
            ("--latent", "x.npy", npy_bytes(np.full(SHAPE, np.inf, "<f2")), "inf"),
            ("--metadata", "m.json", b'{"gen5_metadata": {', "line 1"),
            ("--metadata", "m.json", b"[]", "gen5_metadata"),
            ("--env", "e.json", b'{"env_version": 1}', "components"),
        )
        for switch, name, content, says in rows:
            with self.subTest(switch=switch, says=says):
                path = self.outside(name, content)
                self.assert_refused(self.pack(switch, path, status=1), path, says)

    def test_what_cannot_be_read_is_named(self):
        missing = os.path.join(self.work, "missing")
        for arguments in (("--image", missing), ("--metadata", missing), (missing,),
                          ("--env", missing), ("--latent", "k=" + missing)):
            self.assert_refused(self.pack(*arguments, status=1), missing, "No such file")
        fifo = os.path.join(self.work, "fifo")
        os.mkfifo(fifo)
        self.assert_refused(self.pack("--image", fifo, status=1), fifo, "not a regular file")

    def test_a_place_that_is_not_there_is_named(self):
        self.target = os.path.join(self.work, "none", "new.gen5")
        self.assert_refused(self.pack("--image", self.image_file(), status=1), self.target,
                            "No such file")

    def test_a_full_disk_leaves_nothing(self):
        place = os.path.join(self.work, "small")
        os.mkdir(place)
        self.program("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place)
        self.addCleanup(take_down, place)
        self.target = os.path.join(place, "new.gen5")
        image = self.outside("image.png", new_image(1, (300, 300)))
        done = self.pack("--image", image, status=1)
        self.assert_complaint(done, self.target, "No space left")
        self.assertEqual(os.listdir(place), [])


class Overwriting(PackCase):
    def setUp(self):
        super().setUp()
        shutil.copyfile(os.path.join(REFERENCE, "one-pixel.gen5"), self.target)
        os.chmod(self.target, 0o640)
        self.before = read_file(self.target)

    def test_it_refuses_unless_forced(self):
        done = self.pack("--image", self.image_file(), status=1)
        self.assert_complaint(done, self.target, "exists", "-f")
        self.assertEqual(read_file(self.target), self.before)
        self.assertEqual(self.packed("-f", "--image", self.image_file()).image, new_image(1))
        self.assertEqual(stat.S_IMODE(os.stat(self.target).st_mode), 0o640)
        self.assert_no_temporaries(self.work)

    def test_forced_the_old_one_stays_where_the_new_one_is_not_valid(self):
        self.pack("-f", "--image", self.outside("x.png", b"text"), status=1)
        self.assertEqual(read_file(self.target), self.before)

    def test_a_folder_or_a_link_in_the_way_is_never_replaced(self):
        folder = self.unpacked("u", self.target)
        done = self.gen5fs("pack", "-f", folder, "-C", folder, status=1)
        self.assert_complaint(done, "new.gen5", "no regular file")
        real = os.path.join(self.work, "real")
        os.rename(self.target, real)
        os.symlink(real, self.target)
        self.pack("-f", "--image", self.image_file(), status=1)
        self.assertTrue(os.path.islink(self.target))
        self.assertEqual(read_file(real), self.before)

    def test_a_new_container_has_the_mode_of_any_new_file(self):
        os.unlink(self.target)
        self.shell('umask 027; "$1" pack --image "$2" -o "$3"', GEN5FS, self.image_file(),
                   self.target)
        self.assertEqual(stat.S_IMODE(os.stat(self.target).st_mode), 0o640)


class Places(PackCase):
    def test_folders_keep_their_places(self):
        library = os.path.join(self.work, "library")
        for place in ("a.gen5", "deep/b.gen5", "deep/deeper/a.gen5"):
            os.makedirs(os.path.join(library, place))
            write_file(os.path.join(library, place, "image.png"), new_image(1))
        write_file(os.path.join(library, "notes.txt"), b"")
        for given in (library, library + "/", os.path.join(library, "deep", "..")):
            self.gen5fs("pack", given, "-C", self.out)
            self.assertEqual(sorted(tree(self.out)),
                             [b"a.gen5", b"deep/b.gen5", b"deep/deeper/a.gen5"])
            shutil.rmtree(self.out)

    def test_a_folder_that_is_one_itself_needs_no_suffix(self):
        folder = self.folder("sea", image_png=new_image(1), metadata_json=read_file(
            self.metadata_file()))
        for given, cwd in ((folder, None), (folder + "///", None), (".", folder)):
            self.program(GEN5FS, "pack", given, "-C", self.out, cwd=cwd)
            self.assertEqual(os.listdir(self.out), ["sea.gen5"])
            shutil.rmtree(self.out)

    def test_names_of_any_bytes_are_kept(self):
        names = [os.fsdecode(name) for name in HOSTILE_NAMES if name.endswith(b".gen5")]
        folders = []
        for name in names:
            folders.append(os.path.join(self.work, name))
            os.mkdir(folders[-1])
            write_file(os.path.join(folders[-1], "image.png"), new_image(1))
        self.program(GEN5FS, "pack", "-C", self.out, "--", *names, cwd=self.work)
        self.assertEqual(sorted(os.listdir(self.out)), sorted(names))
        for name in names:
            container.strict_check(self.at(name))
        self.target = self.at("-o\n.gen5")
        self.packed(folders[0])

    def test_names_in_complaints_are_harmless(self):
        name = "x\n\x1b[31m.png"
        done = self.pack("--image", self.outside(name, b"text"), status=1)
        self.assert_complaint(done, "x??[31m.png")

    def test_two_folders_do_not_become_one_container(self):
        one = self.folder("x.gen5", image_png=new_image(1)) + ""
        other = os.path.join(self.work, "other", "x.gen5")
        os.makedirs(other)
        write_file(os.path.join(other, "image.png"), new_image(2))
        one = os.path.join(self.work, "x.gen5")
        os.makedirs(one, exist_ok=True)
        write_file(os.path.join(one, "image.png"), new_image(1))
        done = self.gen5fs("pack", "-f", one, other, "-C", self.out, status=1)
        self.assert_complaint(done, other, one, "left out")
        self.assertEqual(Stored(self.at("x.gen5")).image, new_image(1))

    def test_others_go_on_when_one_is_refused(self):
        folder = self.unpacked("u", *(os.path.join(REFERENCE, name) for name in FIXTURES[:3]))
        broken = os.path.join(folder, FIXTURES[1], "metadata.json")
        write_file(broken, b"{")
        done = self.gen5fs("pack", folder, "-C", self.out, status=1)
        self.assert_complaint(done, broken)
        self.assertEqual(sorted(os.listdir(self.out)), [FIXTURES[0], FIXTURES[2]])

    def test_a_file_and_an_empty_folder_are_complained_about(self):
        path = self.fixture("one-pixel.gen5")
        self.assert_complaint(self.gen5fs("pack", path, "-C", self.out, status=1), path,
                              "Not a directory")
        empty = os.path.join(self.work, "empty")
        os.mkdir(empty)
        self.assert_complaint(self.gen5fs("pack", empty, "-C", self.out), empty, "no containers")


class Interruptions(PackCase):
    def test_a_signal_ends_it_with_whole_containers_alone(self):
        library = os.path.join(self.work, "library")
        image = new_image(1, (300, 300))
        for number in range(600):
            os.makedirs(os.path.join(library, f"{number:04}.gen5"))
            write_file(os.path.join(library, f"{number:04}.gen5", "image.png"), image)
        for number in (signal.SIGINT, signal.SIGTERM):
            process = subprocess.Popen(
                (GEN5FS, "pack", library, "-C", self.out), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment)
            self.addCleanup(process.communicate)
            eventually(lambda: os.path.isdir(self.out) and any(
                name.endswith(".gen5") and name[0] != "." for name in os.listdir(self.out)))
            process.send_signal(number)
            self.assertEqual(process.wait(PROGRAM_SECONDS), -number)
            self.assertEqual(process.stderr.read(), b"")
            self.assert_no_temporaries(self.out)
            made = os.listdir(self.out)
            self.assertLess(len(made), 600)
            for name in made:
                self.assertEqual(container.parse(self.at(name)).image, image)
            shutil.rmtree(self.out)


class Output(PackCase):
    def test_a_bar_is_shown_on_a_terminal_for_many(self):
        library = os.path.join(self.work, "library")
        image = new_image(1, (600, 600))
        for number in range(150):
            os.makedirs(os.path.join(library, f"{number:04}.gen5"))
            write_file(os.path.join(library, f"{number:04}.gen5", "image.png"), image)
        shown = self.on_terminal("pack", library, "-C", self.out).decode()
        self.assertRegex(shown, r"\d+/150 files  \d+ files/s")
        self.assertTrue(shown.endswith("\r\x1b[K"), shown[-100:])

    def test_help_and_usage(self):
        self.assert_help("pack")
        self.assert_usage_error("pack", says=["-C DIR", "-o OUT.gen5"])
        self.assert_usage_error("pack", "f", says=["-C DIR"])
        self.assert_usage_error("pack", "-o", "x.gen5", says=["FOLDER"])
        self.assert_usage_error("pack", "-C", "d", says=["FOLDER"])
        self.assert_usage_error("pack", "f", "-o", "x", "-C", "d", says=["exclude"])
        self.assert_usage_error("pack", "f", "g", "-o", "x", says=["-C DIR"])
        self.assert_usage_error("pack", "f", "-C", "d", "--image", "i", says=["-o"])
        self.assert_usage_error("pack", "-o", "x", "--set", "prompt", says=["PATH=VALUE"])
        self.assert_usage_error("pack", "-o", "x", "--imag", "y", says=["--imag", "--image"])


if __name__ == "__main__":
    unittest.main()
