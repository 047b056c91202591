# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# gen5fs verify: sound containers pass, each kind of damage is found where it is.

import json
import os
import shutil
import signal
import struct
import unittest

import numpy as np

import container
from command_case import FIXTURES, HOSTILE_NAMES, CommandCase
from mount_case import GEN5FS, new_image, read_file, sha256, write_file
from mounted import DATA, REFERENCE

# Its records lie, as FORMAT.md "Reading what exists" tells.
LIAR = "reused-list-second.gen5"
LATENT = ("noise", "float32", (1, 1, 2, 2), np.arange(4, dtype="<f4").tobytes())
NAN_LATENT = ("nan", "float16", (1, 1, 1, 2), np.array([1, np.nan], "<f2").tobytes())


def parts(**options):
    """A sound container of the tests' own making, with changes."""
    return {"image": new_image(1), "latents": [LATENT], "env": container.environment(), **options}


def with_file_info(**changes):
    def change(document):
        document["gen5_metadata"]["file_info"].update(changes)
    return change


def with_model_info(**changes):
    def change(document):
        document["gen5_metadata"]["model_info"].update(changes)
    return change


def with_record(position, **changes):
    def change(document):
        document["gen5_metadata"]["chunks"][position].update(changes)
    return change


def put(offset, content):
    def damage(data):
        data[offset:offset + len(content)] = content
        return data
    return damage


class Sound(CommandCase):
    def test_what_the_reference_wrote_is_sound(self):
        paths = [os.path.join(REFERENCE, name) for name in FIXTURES if name != LIAR]
        for switch in ((), ("--lenient",), ("--deep",)):
            done = self.gen5fs("verify", *switch, *paths)
            self.assertEqual((done.stdout, done.stderr), (b"", b""))

    def test_records_that_lie_are_told_unless_the_reader_is_lenient(self):
        path = os.path.join(REFERENCE, LIAR)
        faults = self.json_lines("verify", "--json", path, status=1)[0]["faults"]
        self.assertEqual([fault["chunk"] for fault in faults], [0, 1, 2])
        for fault in faults:
            self.assertIn("a later record takes its place", fault["reason"])
        self.gen5fs("verify", "--lenient", path)

    def test_what_gen5fs_and_the_tests_write_is_sound(self):
        for compressed in (False, True, "zstd"):
            path = self.built("own.gen5", **parts(compressed=compressed))
            container.strict_check(path)
            self.gen5fs("verify", "--deep", path)

    def test_unknown_chunks_and_the_size_in_the_manifest_are_let_pass(self):
        self.gen5fs("verify", self.built(
            "x.gen5", **parts(chunks=[container.Chunk("XTRA", b"abc")])))
        self.gen5fs("verify", self.built("y.gen5", **parts(manifest=with_file_info(file_size=7))))

    def test_a_container_without_members_is_sound(self):
        self.gen5fs("verify", self.built("empty.gen5"))

    def test_every_kind_of_image_is_sound(self):
        folder = os.path.join(DATA, "images")
        for name in os.listdir(folder):
            if not name.endswith(".py"):
                self.built(name + ".gen5", image=read_file(os.path.join(folder, name)))
        self.gen5fs("verify", "--deep", self.work)


class Faults(CommandCase):
    """Rows of: how the container is made, then the chunk, the part, the offset (None: any) and a
    word of the reason of a fault that must be among those found."""

    def check(self, rows, *switches):
        for number, (options, chunk, part, offset, word) in enumerate(rows):
            with self.subTest(number, word=word):
                path = self.built("faulty.gen5", **parts(**options))
                line, = self.json_lines("verify", "--json", *switches, path, status=1)
                self.assertEqual((line["file"], line["sound"], line["error"]), (path, False, None))
                self.assertEqual(line["file_size"], os.path.getsize(path))
                self.assertTrue(any(
                    (fault["chunk"], fault["part"]) == (chunk, part) and word in fault["reason"]
                    and offset in (None, fault["offset"]) for fault in line["faults"]
                ), line["faults"])

    def test_each_field_of_the_header_is_checked(self):
        self.check((
            ({"header": {"version_major": 2}}, None, None, 4, "version_major"),
            ({"header": {"version_major": 0}}, None, None, 4, "version_major"),
            ({"header": {"version_minor": 1}}, None, None, 5, "version_minor"),
            ({"header": {"flags": 1}}, None, None, 6, "flags"),
            ({"header": {"table_offset": 31}}, None, None, 8, "chunk_table_offset"),
            ({"header": {"table_size": 2 ** 31}}, None, None, 12, "chunk_table_size"),
            ({"header": {"chunk_count": 2}}, None, None, 16, "chunk_count"),
            ({"header": {"file_size": 99}}, None, None, 20, "file_size"),
            ({"header": {"reserved": 2 ** 63}}, None, None, 24, "reserved"),
            ({"header": {"magic": b"GEN6"}}, None, None, 0, "GEN5"),
        ))

    def test_bytes_that_belong_to_nobody_are_found(self):
        end = len(container.build(**parts()))
        table = container.Header(container.build(**parts())).table_offset
        self.check((
            ({"tail": b"xyz"}, None, None, end, "3 bytes belong to no chunk"),
            ({"between": bytes(5)}, None, None, table, "5 bytes belong to no chunk"),
            ({"between": b"x"}, None, None, table, "1 byte belongs to no chunk"),
        ))

    def test_chunks_that_overlap_are_found(self):
        self.check((
            ({"manifest": with_record(1, offset=40)}, 1, "DATA", 40, "overlaps"),
        ))

    def test_each_way_in_which_a_chunk_is_not_what_its_record_says_is_found(self):
        image = new_image(1)
        chunk = container.Chunk
        latent = {"shape": [1, 1, 2, 2], "dtype": "float32", "key": "k"}
        self.check((
            ({"manifest": with_record(1, hash="0" * 64)}, 1, "DATA", None, "SHA-256"),
            ({"damage": put(50, b"\xff")}, 0, "LATN", 32, "SHA-256"),
            ({"damage": put(32, b"DATA")}, 0, "LATN", 32, "DATA chunk"),
            ({"damage": put(40, b"\x11")}, 0, "LATN", 32, "17 bytes"),
            ({"damage": put(36, b"F16\0")}, 0, "LATN", 32, "F16"),
            ({"damage": put(36, b"0000")}, 0, "LATN", 32, "flags"),
            ({"manifest": with_record(0, flags="F16")}, 0, "LATN", 32, "flags"),
            ({"manifest": with_record(1, flags="0001")}, 1, "DATA", None, "flags"),
            ({"manifest": with_record(1, index=7)}, 1, "DATA", None, "index"),
            ({"manifest": with_record(1, extra=[])}, 1, "DATA", None, "extra"),
            ({"manifest": with_record(1, offset=2 ** 31)}, 1, "DATA", None, "end of the file"),
            ({"manifest": with_record(1, offset=-1)}, 1, "DATA", None, "offset"),
            ({"manifest": with_record(1, compressed=1)}, 1, "DATA", None, "compressed"),
            ({"manifest": with_record(1, compressed=True)}, 1, "DATA", None, "zstd"),
            ({"manifest": with_record(1, uncompressed_size=3)}, 1, "DATA", None, "raw chunk"),
            ({"image": None, "chunks": [chunk("DATA", image, compressed=True,
                                              record={"uncompressed_size": 3})]},
             2, "DATA", None, "bytes are stored"),
            ({"chunks": [chunk("DATA", image, compressed=True, stored=lambda whole: container.store(
                whole) + container.store(b"more"))]}, 3, "DATA", None, "zstd frame"),
            ({"chunks": [chunk("DATA", image, compressed=True, stored=lambda whole: container.store(
                whole, content_size=None))]}, 3, "DATA", None, "content size"),
            ({"chunks": [chunk("LATN", bytes(12), b"F32\0", latent)]},
             3, "LATN", None, "shape and dtype"),
            ({"chunks": [chunk("LATN", bytes(16), b"F32\0", {**latent, "dtype": "int8"})]},
             3, "LATN", None, "dtype"),
        ))

    def test_a_record_that_a_later_one_takes_the_place_of_is_found(self):
        self.check((
            ({"chunks": [container.Chunk("DATA", new_image(2))]},
             1, "DATA", None, "a later record takes its place"),
            ({"latents": [LATENT, LATENT]}, 0, "LATN", 32, "a later record takes its place"),
        ))

    def test_a_manifest_that_breaks_the_schema_is_found(self):
        table = container.Header(container.build(**parts())).table_offset
        self.check((
            ({"manifest": with_model_info(prompt=5)}, None, "META", None, "model_info.prompt"),
            ({"manifest": with_model_info(generation_settings={
                "seed": 1, "steps": 0, "sampler": "x"})}, None, "META", table, "steps"),
            ({"manifest": with_file_info(chunk_count=9)}, None, "META", table, "chunk_count"),
            ({"manifest": with_file_info(magic="GEN4")}, None, "META", table, "magic"),
            ({"manifest": with_file_info(version_major="1")}, None, "META", None, "version_major"),
            ({"manifest": lambda document: document["gen5_metadata"].pop("file_info") and None},
             None, "META", table, "file_info"),
            ({"text": lambda text: text.replace(b'"prompt"', b'"tags": [], "prompt"')},
             None, "META", table, "tags"),
            ({"text": lambda text: text[:-1]}, None, None, table, "JSON"),
            ({"meta": lambda whole: container.store(b"META0001" + whole[8:])},
             None, "META", table, "flags"),
            ({"meta": lambda whole: b"no frame"}, None, None, table, "META"),
        ))

    def test_an_environment_that_the_reference_would_not_take_is_found(self):
        good = json.loads(container.environment())
        wrong = json.loads(container.environment())
        wrong["components"][0]["component_sha256_digest"] = "0" * 64
        self.check((
            ({"env": json.dumps({**good, "more": 1}).encode()}, 2, "ENVC", None, "more"),
            ({"env": json.dumps(wrong).encode()}, 2, "ENVC", None, "component_sha256_digest"),
            ({"env": b"{"}, 2, "ENVC", None, "JSON"),
        ))

    def test_contents_are_checked_only_when_asked_for(self):
        cut = new_image(1)[:-20]
        rows = (
            ({"image": cut}, 1, "DATA", None, "cut off"),
            ({"image": cut, "compressed": "zstd"}, 1, "DATA", None, "cut off"),
            ({"image": b"no image"}, 1, "DATA", None, "image"),
            ({"latents": [NAN_LATENT]}, 0, "LATN", 32, "1 NaN"),
            ({"latents": [("k", "float16", (4,), bytes(8))]}, 0, "LATN", 32, "1 dimension"),
            ({"latents": [("k", "float16", (1, 1, 1, 8193), bytes(16386))]},
             0, "LATN", 32, "8193"),
        )
        self.check(rows, "--deep")
        for options, *_ in rows:
            self.gen5fs("verify", self.built("x.gen5", **parts(**options)))

    def test_a_lenient_check_minds_only_what_readers_do(self):
        for options in (
            {"header": {"reserved": 1}}, {"header": {"file_size": 1}}, {"tail": b"x"},
            {"between": b"x"}, {"manifest": with_model_info(prompt=5)}, {"env": b"{"},
            {"latents": [LATENT, LATENT]}, {"manifest": with_record(1, index=7)},
        ):
            path = self.built("x.gen5", **parts(**options))
            self.gen5fs("verify", path, status=1)
            self.gen5fs("verify", "--lenient", path)
        for options in (
            {"damage": put(50, b"\xff")}, {"header": {"magic": b"XXXX"}},
            {"manifest": with_record(0, compressed=True)},
        ):
            self.gen5fs("verify", "--lenient", self.built("x.gen5", **parts(**options)), status=1)

    def test_several_faults_of_one_container_are_all_told(self):
        path = self.built("x.gen5", **parts(
            header={"flags": 1}, tail=b"x", damage=put(50, b"\xff"),
            manifest=with_record(1, hash="0" * 64)))
        lines = self.gen5fs("verify", path, status=1).stdout.decode().splitlines()
        self.assertEqual(len(lines), 4, lines)
        for line in lines:
            self.assertTrue(line.startswith(path + ": "), line)

    def test_every_flipped_byte_before_the_manifest_is_found(self):
        whole = container.build(**parts(image=new_image(1, size=(2, 2))))
        folder = os.path.join(self.work, "flips")
        os.mkdir(folder)
        end = container.Header(whole).table_offset
        for at in range(end):
            flipped = bytearray(whole)
            flipped[at] ^= 0x10
            write_file(os.path.join(folder, f"{at:05}.gen5"), flipped)
        lines = self.json_lines("verify", "--json", folder, status=1)
        self.assertEqual(len(lines), end)
        self.assertEqual([line["file"] for line in lines if line["sound"]], [])

    def test_every_truncation_is_found(self):
        whole = container.build(**parts(image=new_image(1, size=(2, 2))))
        folder = os.path.join(self.work, "cuts")
        os.mkdir(folder)
        for size in range(len(whole)):
            write_file(os.path.join(folder, f"{size:05}.gen5"), whole[:size])
        lines = self.json_lines("verify", "--json", folder, status=1)
        self.assertEqual(len(lines), len(whole))
        self.assertEqual([line["file"] for line in lines if line["sound"]], [])

    def test_odd_structures_end_in_time_and_memory(self):
        records = 65537
        self.check((
            ({"text": lambda text: b"[" * 100000}, None, None, None, "nested"),
            ({"manifest": lambda document: document["gen5_metadata"].update(
                chunks=[{}] * records)}, None, None, None, "65537 records"),
            ({"chunks": [container.Chunk("DATA", b"x", compressed=True, stored=container.repeat(
                b"DATA0000" + struct.pack("<I", 2 ** 32 - 13), b"\0", 2 ** 32 - 13),
                record={"uncompressed_size": 2 ** 32 - 13})]}, 3, "DATA", None, "window"),
        ) if not os.environ.get("GEN5_SANITIZED") else ())


class Places(CommandCase):
    def setUp(self):
        super().setUp()
        self.tree = os.path.join(self.work, "tree")
        os.makedirs(os.path.join(self.tree, "deep", "deeper"))

    def put(self, *place, name="one-pixel.gen5"):
        path = os.path.join(self.tree, *place)
        shutil.copyfile(os.path.join(REFERENCE, name), path)
        return path

    def files(self, *paths, status=0):
        return [line["file"] for line in self.json_lines("verify", "--json", *paths, status=status)]

    def test_folders_are_gone_through_in_order(self):
        expected = [
            self.put("a.gen5"), self.put("b.gen5"), self.put("deep", "c.gen5"),
            self.put("deep", "deeper", "d.gen5"), self.put("z.gen5"),
        ]
        self.put("notes.txt")
        self.put("x.gen5.bak")
        self.assertEqual(self.files(self.tree), expected)

    def test_a_file_is_checked_whatever_its_name(self):
        path = self.put("notes.txt")
        self.assertEqual(self.files(path), [path])

    def test_own_files_and_links_in_folders_are_passed_over(self):
        os.makedirs(os.path.join(self.tree, ".gen5fs", "rescued"))
        self.put(".gen5fs", "rescued", "x.gen5")
        self.put(".gen5fs-0123456789abcdef.tmp")
        kept = self.put("kept.gen5")
        os.symlink(kept, os.path.join(self.tree, "link.gen5"))
        os.symlink(self.tree, os.path.join(self.tree, "deep", "loop"))
        os.symlink("nowhere", os.path.join(self.tree, "dangling.gen5"))
        os.mkfifo(os.path.join(self.tree, "fifo.gen5"))
        self.assertEqual(self.files(self.tree), [kept])

    def test_a_link_that_is_given_is_followed(self):
        self.put("kept.gen5")
        link = os.path.join(self.work, "link")
        os.symlink(self.tree, link)
        self.assertEqual(self.files(link), [os.path.join(link, "kept.gen5")])

    def test_names_of_any_bytes_are_told_as_they_are(self):
        expected = sorted(HOSTILE_NAMES)
        for name in expected:
            self.put(os.fsdecode(name) + ".gen5")
        told = [os.path.basename(os.fsencode(path)) for path in self.files(self.tree)]
        self.assertEqual(told, sorted(name + b".gen5" for name in expected))

    def test_a_fault_stays_one_line_whatever_the_name(self):
        os.rename(self.put("x.gen5", name=LIAR), os.path.join(self.tree, "a\nb\x1b[2J.gen5"))
        done = self.gen5fs("verify", self.tree, status=1)
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), 3)
        self.assertTrue(all(b"a?b?[2J.gen5: chunk " in line for line in lines), lines)

    def test_what_cannot_be_looked_at_is_told_and_the_rest_is_checked(self):
        good, bad = self.put("good.gen5"), self.put("bad.gen5", name=LIAR)
        fifo = os.path.join(self.work, "fifo")
        os.mkfifo(fifo)
        missing = os.path.join(self.work, "missing")
        done = self.gen5fs("verify", missing, self.tree, status=2)
        self.assertIn(bad.encode(), done.stdout)
        self.assert_complaint(done, missing, "No such file")
        done = self.gen5fs("verify", fifo, good, status=2)
        self.assert_complaint(done, fifo, "regular")
        self.gen5fs("verify", "", status=2)

    def test_what_is_not_there_has_its_line_of_json_in_its_place(self):
        missing, dangling = os.path.join(self.work, "missing"), os.path.join(self.work, "dangling")
        os.symlink(missing, dangling)
        good = self.put("good.gen5")
        self.assertEqual(self.files(missing, good, dangling, status=2), [missing, good, dangling])
        for path in missing, dangling:
            line, = self.json_lines("verify", "--json", path, status=2)
            self.assertEqual((line["sound"], line["faults"]), (False, []))
            self.assertIn("No such file", line["error"])

    def test_a_file_that_cannot_be_looked_at_has_its_line_of_json(self):
        fifo = os.path.join(self.work, "fifo")
        os.mkfifo(fifo)
        line, = self.json_lines("verify", "--json", fifo, status=2)
        self.assertEqual((line["file"], line["sound"], line["faults"]), (fifo, False, []))
        self.assertIn("regular", line["error"])

    def test_a_folder_without_containers_is_noted(self):
        done = self.gen5fs("verify", self.tree)
        self.assertEqual(done.stdout, b"")
        self.assert_complaint(done, self.tree, "no containers")

    def test_many_containers_keep_their_order(self):
        damaged = read_file(os.path.join(REFERENCE, LIAR))
        sound = read_file(os.path.join(REFERENCE, "one-pixel.gen5"))
        expected = []
        for number in range(400):
            path = os.path.join(self.tree, f"{number:03}.gen5")
            write_file(path, damaged if number % 3 == 0 else sound)
            expected.append(path)
        self.assertEqual(self.files(self.tree, status=1), expected)
        lines = self.gen5fs("verify", self.tree, status=1).stdout.decode().splitlines()
        self.assertEqual([line.split(":")[0] for line in lines],
                         [path for path in expected[::3] for _ in range(3)])

    def test_the_source_of_a_mount_can_be_checked_through_it(self):
        self.put("a.gen5", name=LIAR)
        point = os.path.join(self.work, "point")
        os.mkdir(point)
        if not os.path.exists("/dev/fuse"):
            self.skipTest("there is no /dev/fuse")
        self.mount_in_background(self.tree, point)
        self.assertEqual(
            self.files(os.path.join(point, ".gen5fs", "raw"), status=1),
            [os.path.join(point, ".gen5fs", "raw", "a.gen5")])
        self.gen5fs("umount", point)


class Output(CommandCase):
    def large(self):
        """Containers that take a while."""
        folder = os.path.join(self.work, "large")
        os.mkdir(folder)
        side = 4096
        path = os.path.join(folder, "0.gen5")
        container.build(path, latents=[
            ("zeros", "float32", (1, 4, side, side), bytes(16 * side * side))], compressed="zstd")
        for number in range(1, 4):
            shutil.copyfile(path, os.path.join(folder, f"{number}.gen5"))
        return folder

    def test_a_bar_is_shown_on_a_terminal_and_taken_away(self):
        shown = self.on_terminal("verify", self.large()).decode()
        self.assertRegex(shown, r"\r\[=* *\] +\d+ %  \d/4 files  \d+ files/s  [\d.]+ [kM]?B(ytes)?/s"
                                r"|\r\[=* *\] +\d+ %  \d/4 files  \d+ files/s  \d+ bytes?/s")
        self.assertRegex(shown, r"\d+:\d\d left|-:-- left")
        self.assertIn("\r\x1b[K", shown)
        self.assertIn("4 containers", shown.split("\r\x1b[K")[-1])
        self.assertIn("no faults", shown.split("\r\x1b[K")[-1])

    def test_a_narrow_terminal_is_not_written_over(self):
        shown = self.on_terminal("verify", self.large(), columns=40).decode()
        lines = shown.replace("\x1b[K", "").split("\r")
        self.assertTrue(any("files" in line for line in lines), shown)
        self.assertLess(max(len(line) for line in lines[:-2]), 40, lines)

    def test_no_bar_is_shown_in_a_pipe(self):
        done = self.gen5fs("verify", self.large())
        self.assertEqual((done.stdout, done.stderr), (b"", b""))

    def test_faults_go_to_standard_output_alone(self):
        done = self.gen5fs("verify", os.path.join(REFERENCE, LIAR), status=1)
        self.assertEqual(len(done.stdout.splitlines()), 3)
        self.assertEqual(done.stderr, b"")
        self.assertNotIn(b"\x1b", done.stdout)

    def test_colours_are_for_terminals_that_want_them(self):
        path = os.path.join(REFERENCE, LIAR)
        self.assertIn(b"\x1b[31m", self.on_terminal("verify", path, status=1))
        plain = self.on_terminal("verify", path, status=1, NO_COLOR="1")
        self.assertNotIn(b"\x1b[31m", plain)
        self.assertIn(b"3 faults in 1 of them", plain)

    def test_a_reader_that_goes_away_ends_the_command(self):
        done = self.to_closed_pipe("verify", os.path.join(REFERENCE, LIAR))
        self.assertEqual(done.returncode, -signal.SIGPIPE)
        self.assertEqual(done.stderr, b"")

    def test_faults_that_are_lost_are_trouble(self):
        done = self.to_full_disk("verify", os.path.join(REFERENCE, LIAR))
        self.assertEqual(done.returncode, 2)
        self.assert_complaint(done, "standard output", "No space left")

    def test_nothing_is_changed(self):
        path = self.fixture(LIAR)
        before = os.stat(path)
        self.gen5fs("verify", "--deep", path, status=1)
        after = os.stat(path)
        self.assertEqual((before.st_mtime_ns, before.st_ino, before.st_size),
                         (after.st_mtime_ns, after.st_ino, after.st_size))
        self.assertEqual(sorted(os.listdir(self.work)), ["home", LIAR])


class Usage(CommandCase):
    def test_help_is_printed(self):
        self.assert_help("verify")
        self.assertEqual(self.gen5fs("help", "verify").stdout,
                         self.gen5fs("verify", "--help").stdout)

    def test_wrong_usage_is_named(self):
        self.assert_usage_error("verify", says=["PATH", "gen5fs verify"])
        self.assert_usage_error("verify", "--deap", "x", says=["--deap", "--deep"])
        self.assert_usage_error("help", "verfy", says=["verfy", "gen5fs verify"])

    def test_a_double_dash_ends_the_switches(self):
        self.fixture("one-pixel.gen5", "--deep")
        line = json.loads(self.program(GEN5FS, "verify", "--json", "--", "--deep").stdout)
        self.assertEqual(line["file"], "--deep")
        self.assertEqual(sha256(read_file(os.path.join(self.work, "--deep"))),
                         sha256(read_file(os.path.join(REFERENCE, "one-pixel.gen5"))))


if __name__ == "__main__":
    unittest.main()
