# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# gen5fs info: what it shows of containers, held against numpy, Pillow and the tests' own reader.

import base64
import io
import os
import re
import signal
import unittest

import numpy as np
from PIL import Image

import container
from command_case import (
    FIXTURES, HOSTILE_NAMES, CommandCase, json_with_literals, strict_json,
)
from mount_case import DTYPES, new_image, read_file, sha256
from mounted import DATA, GEN5FS, REFERENCE

COLOURS = {
    "1": "greyscale", "L": "greyscale", "I;16": "greyscale", "I": "greyscale",
    "LA": "greyscale with alpha", "P": "palette", "RGB": "RGB", "RGBA": "RGB with alpha",
    "CMYK": "CMYK",
}


def reference(name):
    return os.path.join(REFERENCE, name)


def latent(key, values):
    return key, values.dtype.name, values.shape, values.tobytes()


class Json(CommandCase):
    def test_every_fixture_is_described_as_the_tests_own_reader_has_it(self):
        lines = self.json_lines("info", "--json", *map(reference, FIXTURES))
        self.assertEqual(len(lines), len(FIXTURES))
        for name, line in zip(FIXTURES, lines):
            with self.subTest(name):
                parsed = container.parse(reference(name))
                self.assertEqual(line["file"], reference(name))
                self.assertEqual(line["file_size"], len(parsed.data))
                self.assertEqual((line["version_major"], line["version_minor"]), (1, 0))
                self.assertEqual([entry["key"] for entry in line["latents"]], list(parsed.latents))
                self.assertEqual(
                    [(chunk["type"], chunk["offset"], chunk["stored_size"], chunk["size"],
                      chunk["hash"], chunk["compressed"]) for chunk in line["chunks"]],
                    [(record["type"], record["offset"], record["compressed_size"],
                      record["uncompressed_size"], record["hash"], record["compressed"])
                     for record in parsed.records],
                )
                self.check_image(line, parsed)
                self.check_environment(line, parsed)

    def check_image(self, line, parsed):
        if parsed.image is None:
            self.assertIsNone(line["image"])
            return
        with Image.open(io.BytesIO(parsed.image)) as image:
            self.assertEqual(
                (line["image"]["width"], line["image"]["height"], line["image"]["kind"].upper()),
                (*image.size, image.format),
            )
            self.assertEqual(line["image"]["colour"], COLOURS[image.mode])
        self.assertEqual(line["image"]["size"], len(parsed.image))
        self.assertEqual(line["image"]["hash"], sha256(parsed.image))
        self.assertIsNone(line["image"]["error"])

    def check_environment(self, line, parsed):
        components = container.load_json(parsed.environment.decode())["components"]
        self.assertEqual(
            [(entry["component_id"], entry["canonical"]) for entry in line["environment"]],
            [(entry["component_id"], entry["cononical_str"]) for entry in components],
        )

    def test_statistics_are_those_of_numpy(self):
        lines = self.json_lines("info", "--json", *map(reference, FIXTURES))
        for name, line in zip(FIXTURES, lines):
            latents = container.parse(reference(name)).latents
            for entry in line["latents"]:
                dtype, shape, payload = latents[entry["key"]]
                values = np.frombuffer(payload, DTYPES[dtype]).astype(np.float64)
                with self.subTest(name, key=entry["key"]):
                    self.assertEqual((entry["dtype"], tuple(entry["shape"])), (dtype, shape))
                    self.assertEqual((entry["min"], entry["max"]), (values.min(), values.max()))
                    np.testing.assert_allclose(
                        [entry["mean"], entry["std"]], [values.mean(), values.std()],
                        rtol=1e-9, atol=1e-12,
                    )
                    self.assertEqual((entry["nan_count"], entry["infinity_count"]), (0, 0))

    def test_statistics_of_many_elements_far_from_zero_keep_their_precision(self):
        values = (np.random.default_rng(1).standard_normal((1, 4, 300, 300)) + 1000).astype("<f4")
        path = self.built("far.gen5", latents=[latent("far", values)])
        entry = self.json_lines("info", "--json", path)[0]["latents"][0]
        exact = values.astype(np.float64)
        np.testing.assert_allclose(
            [entry["mean"], entry["std"]], [exact.mean(), exact.std()], rtol=1e-12)

    def test_every_half_float_is_counted_for_what_it_is(self):
        values = np.arange(65536, dtype="<u2").view("<f2").reshape(1, 4, 128, 128)
        path = self.built("halves.gen5", latents=[latent("all", values)])
        entry = self.json_lines("info", "--json", path)[0]["latents"][0]
        finite = values[np.isfinite(values)].astype(np.float64)
        self.assertEqual(entry["nan_count"], int(np.isnan(values).sum()))
        self.assertEqual(entry["infinity_count"], int(np.isinf(values).sum()))
        self.assertEqual((entry["min"], entry["max"]), (finite.min(), finite.max()))
        np.testing.assert_allclose(
            [entry["mean"], entry["std"]], [finite.mean(), finite.std()], rtol=1e-12, atol=1e-9)

    def test_a_latent_without_a_finite_element_has_no_range(self):
        values = np.full((1, 1, 2, 2), np.nan, "<f4")
        path = self.built("nan.gen5", latents=[latent("nan", values)])
        entry = self.json_lines("info", "--json", path)[0]["latents"][0]
        self.assertEqual([entry[name] for name in ("min", "max", "mean", "std")], [None] * 4)
        self.assertEqual(entry["nan_count"], 4)

    def test_numbers_keep_their_literals(self):
        done = self.gen5fs("info", "--json", reference("big-numbers.gen5"))
        shown = json_with_literals(done.stdout)["model_info"]
        stored = json_with_literals(container.parse(reference("big-numbers.gen5")).manifest_text)
        self.assertEqual(shown, stored["gen5_metadata"]["model_info"])
        settings = shown["generation_settings"]
        self.assertEqual(settings["seed"], "18446744073709551615")
        self.assertEqual(settings["huge"], "123456789012345678901234567890")
        self.assertEqual(settings["tiny"], "5e-324")

    def test_not_a_number_is_shown_as_a_string(self):
        settings = self.json_lines("info", "--json", reference("nan-setting.gen5"))[0][
            "model_info"]["generation_settings"]
        self.assertEqual(
            [settings[name] for name in ("eta", "guidance_rescale", "low")],
            ["NaN", "Infinity", "-Infinity"],
        )

    def test_odd_keys_and_prompts_come_out_as_they_are_stored(self):
        for name in ("odd-latent-keys.gen5", "unicode-prompt.gen5", "long-prompt.gen5"):
            parsed = container.parse(reference(name))
            line = self.json_lines("info", "--json", reference(name))[0]
            self.assertEqual([entry["key"] for entry in line["latents"]], list(parsed.latents))
            self.assertEqual(line["model_info"], parsed.model_info)

    def test_strings_that_json_can_hold_and_utf_8_cannot_survive(self):
        info = container.model_info(prompt="lone \ud800 and \x00 and \x7f \u2028")
        path = self.built("odd.gen5", info=info, latents=[
            ("key \udfff", "float32", (1, 1, 1, 1), bytes(4))])
        line = self.json_lines("info", "--json", path)[0]
        self.assertEqual(line["model_info"]["prompt"], info["prompt"])
        self.assertEqual(line["latents"][0]["key"], "key \udfff")

    def test_what_the_user_added_to_a_chunk_is_shown(self):
        path = self.built("extra.gen5", chunks=[
            container.Chunk("DATA", new_image(1), extra={"note": ["mine", 1]})])
        line = self.json_lines("info", "--json", path)[0]
        self.assertEqual(line["image"]["extra"], {"note": ["mine", 1]})

    def test_a_file_name_of_any_bytes_comes_back(self):
        paths = [self.fixture("one-pixel.gen5", os.fsdecode(name)) for name in HOSTILE_NAMES]
        lines = self.json_lines("info", "--json", "--", *paths)
        self.assertEqual([os.fsencode(line["file"]) for line in lines],
                         [os.fsencode(path) for path in paths])

    def test_a_file_that_cannot_be_read_has_its_line_too(self):
        missing = os.path.join(self.work, "missing.gen5")
        lines = self.json_lines("info", "--json", missing, reference("one-pixel.gen5"), status=1)
        self.assertEqual(lines[0]["file"], missing)
        self.assertIn("No such file", lines[0]["error"])
        self.assertIn("model_info", lines[1])

    def test_a_damaged_payload_is_told_and_its_neighbours_are_shown(self):
        def change(data):
            data[50] ^= 1
        path = self.damaged("mixed-dtypes-raw.gen5", change)
        done = self.gen5fs("info", "--json", path, status=1)
        line = strict_json(done.stdout)
        self.assertIn("SHA-256", line["latents"][0]["error"])
        self.assertIsNone(line["latents"][1]["error"])
        self.assertIn("mean", line["latents"][1])
        self.assertIsNone(line["image"]["error"])
        self.assert_complaint(done, path, "LATN", "32", "SHA-256")

    def test_a_member_whose_record_is_damaged_is_told(self):
        path = self.built("record.gen5", image=new_image(1), chunks=[
            container.Chunk("LATN", bytes(4), b"F32\0", {"dtype": "float32", "shape": [1]})])
        done = self.gen5fs("info", "--json", path, status=1)
        line = strict_json(done.stdout)
        self.assertEqual(line["latents"], [])
        self.assertTrue(line["chunks"][1]["error"])
        self.assert_complaint(done, path, "LATN")

    def test_every_kind_of_image_is_described_as_pillow_has_it(self):
        folder = os.path.join(DATA, "images")
        for name in sorted(os.listdir(folder)):
            if name.endswith(".py"):
                continue
            with self.subTest(name):
                content = read_file(os.path.join(folder, name))
                path = self.built("image.gen5", image=content, compressed=True)
                image = self.json_lines("info", "--json", path)[0]["image"]
                with Image.open(io.BytesIO(content)) as known:
                    self.assertEqual((image["width"], image["height"]), known.size)
                    self.assertEqual(image["kind"].upper(), known.format)
                    self.check_colour(image, known, content)

    def check_colour(self, image, known, content):
        if known.format == "BMP":
            # Pillow makes grey of a palette that is grey, and RGB of 32 bits.
            self.assertIn(image["colour"], ("palette", "RGB"))
            return
        if known.format == "GIF":
            self.assertEqual(image["colour"], "palette")
            return
        self.assertEqual(image["colour"], COLOURS[known.mode])
        if known.format == "PNG":
            self.assertEqual(image["depth"], content[24])

    def test_an_image_of_no_known_kind_is_shown_without_a_size(self):
        path = self.built("unknown.gen5", image=b"no image at all")
        image = self.json_lines("info", "--json", path)[0]["image"]
        self.assertIsNone(image["error"])
        self.assertNotIn("width", image)
        self.assertEqual(image["size"], 15)


class Page(CommandCase):
    def page(self, *arguments, status=0):
        return self.gen5fs("info", *arguments, status=status).stdout.decode()

    def test_the_page_tells_all_that_the_issue_names(self):
        path = reference("default-f16-zstd.gen5")
        page = self.page(path)
        for words in (
            path, "Stable Diffusion 3", "A puppy smiling, cinematic", "puppy, dog, smile",
            "cfg_scale", "7.5", "PNG, 512 x 512", "initial_noise", "float16", "1 x 4 x 64 x 64",
            "mean", "deviation", "stored in", "%", "name=torch;version=2.4.0;cuda=12.1",
        ):
            self.assertIn(words, page)

    def test_a_seed_of_64_bits_is_shown_whole(self):
        self.assertIn("18446744073709551615", self.page(reference("big-numbers.gen5")))

    def test_unknown_fields_are_shown(self):
        page = self.page(self.built("x.gen5", info=container.model_info(mine={"deep": [1, "two"]})))
        self.assertIn("mine.deep[0]", page)
        self.assertIn("two", page)

    def test_unknown_chunks_and_repeated_records_are_named(self):
        path = self.built("x.gen5", chunks=[container.Chunk("XTRA", b"abc")])
        self.assertRegex(self.page(path), r"XTRA at byte 32: of a type that is not known")
        self.assertIn("a later record takes its place",
                      self.page(reference("reused-list-second.gen5")))

    def test_several_files_come_one_after_the_other(self):
        page = self.page(reference("one-pixel.gen5"), reference("no-image.gen5"))
        self.assertLess(page.index("one-pixel.gen5"), page.index("no-image.gen5"))

    def test_nothing_in_a_container_drives_the_terminal(self):
        info = container.model_info(
            prompt="one\ntwo\x1b]0;owned\x07 \u009b31m", tags=["a\rb"], mine={"k\x1b[2J": "v"})
        path = self.built("hostile.gen5", info=info, latents=[
            ("\x1b[31m", "float32", (1, 1, 1, 1), bytes(4))])
        page = self.page(path)
        self.assertEqual([c for c in page if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160)],
                         [])
        self.assertIn("one\n", page)

    def test_a_damaged_member_is_marked_and_explained_on_standard_error(self):
        def change(data):
            data[50] ^= 1
        path = self.damaged("mixed-dtypes-raw.gen5", change)
        done = self.gen5fs("info", path, status=1)
        self.assertIn("a16: damaged", done.stdout.decode())
        self.assertIn("b32: float32", done.stdout.decode())
        self.assert_complaint(done, path, "SHA-256")

    def test_colours_are_for_terminals_that_want_them(self):
        path = reference("one-pixel.gen5")
        self.assertNotIn("\x1b", self.page(path))
        self.assertIn(b"\x1b[1m", self.on_terminal("info", path))
        self.assertNotIn(b"\x1b", self.on_terminal("info", path, NO_COLOR="1"))
        self.assertNotIn(b"\x1b", self.on_terminal("info", path, TERM="dumb"))
        self.assertIn(b"\x1b[1m", self.on_terminal("info", path, NO_COLOR=""))


class Pictures(CommandCase):
    """A terminal that says that it shows pictures gets the one that gen5fs preview draws."""

    def setUp(self):
        super().setUp()
        self.path = reference("three-latents.gen5")
        self.expected = self.gen5fs("preview", self.path).stdout
        self.assertTrue(self.expected.startswith(b"\x89PNG"))

    def shown(self, *paths, status=0, **environment):
        return self.on_terminal("info", "--preview", *paths, status=status, **environment)

    def kitty(self, shown):
        """The pictures in the sequences of kitty's protocol, which are as it asks."""
        pictures, more = [], False
        for control, payload in re.findall(rb"\x1b_G([^;]*);([^\x1b]*)\x1b\\", shown):
            keys = dict(pair.split(b"=") for pair in control.split(b","))
            if not more:
                self.assertEqual({key: keys[key] for key in (b"a", b"f", b"q")},
                                 {b"a": b"T", b"f": b"100", b"q": b"2"})
                pictures.append(b"")
            more = keys[b"m"] == b"1"
            self.assertLessEqual(len(payload), 4096)
            self.assertEqual(len(payload) % 4 if more else 0, 0)
            pictures[-1] += base64.b64decode(payload, validate=True)
        self.assertFalse(more)
        return pictures

    def test_kitty_and_those_like_it(self):
        for environment in ({"TERM": "xterm-kitty"}, {"TERM": "xterm-ghostty"},
                            {"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}):
            with self.subTest(environment):
                shown = self.shown(self.path, **environment)
                self.assertEqual(self.kitty(shown), [self.expected])
                self.assertIn(b"Stable Diffusion 3", shown)

    def test_iterm_and_those_like_it(self):
        for environment in ({"TERM_PROGRAM": "iTerm.app"}, {"LC_TERMINAL": "iTerm2"},
                            {"TERM_PROGRAM": "WezTerm"}, {"TERM_PROGRAM": "mintty"}):
            with self.subTest(environment):
                shown = self.shown(self.path, TERM="xterm-256color", **environment)
                (size, picture), = re.findall(
                    rb"\x1b\]1337;File=inline=1;size=(\d+):([^\x07]*)\x07", shown)
                picture = base64.b64decode(picture, validate=True)
                self.assertEqual((picture, int(size)), (self.expected, len(self.expected)))

    def test_each_of_several_containers_has_its_own(self):
        paths = [self.path, reference("one-pixel.gen5"), reference("no-image.gen5")]
        expected = [self.gen5fs("preview", path).stdout for path in paths]
        self.assertEqual(self.kitty(self.shown(*paths, TERM="xterm-kitty")), expected)

    def test_where_there_is_nothing_to_draw_there_is_the_page_alone(self):
        def change(data):
            data[50] ^= 1
        for path, status in (
            (self.built("none.gen5"), 0),
            (self.built("flat.gen5", latents=[latent("x", np.zeros(4, "<f4"))]), 0),
            (self.damaged("mixed-dtypes-raw.gen5", change), 1),
        ):
            with self.subTest(path):
                shown = self.shown(path, status=status, TERM="xterm-kitty")
                self.assertEqual(self.kitty(shown), [])
                self.assertIn(b"model", shown)

    def test_elsewhere_it_is_refused_with_what_to_use(self):
        self.assert_usage_error("info", "-p", self.path, says=["--preview", "gen5fs preview FILE -o"])
        self.assert_usage_error("info", "-pj", self.path, says=["--json", "--preview"])
        for environment in ({}, {"TERM": "xterm-256color"}, {"TERM": "xterm-kitty", "TMUX": "x"},
                            {"TERM_PROGRAM": "iTerm.app", "STY": "x"},
                            {"TERM": "dumb", "KITTY_WINDOW_ID": "1"}):
            with self.subTest(environment):
                shown = self.shown(self.path, status=2, **environment)
                self.assertNotIn(b"\x1b", shown)
                self.assertIn(b"known to show pictures", shown)


class Usage(CommandCase):
    def test_help_is_printed(self):
        self.assert_help("info")

    def test_wrong_usage_is_named(self):
        self.assert_usage_error("info", says=["FILE", "gen5fs info"])
        self.assert_usage_error("info", "--jsn", "x", says=["--jsn", "--json"])

    def test_files_that_are_no_containers_are_refused_with_a_reason(self):
        fifo = os.path.join(self.work, "fifo.gen5")
        os.mkfifo(fifo)
        for path, reason in (
            (os.path.join(self.work, "missing"), "No such file"), (self.work, "folder"),
            (fifo, "regular"), (self.outside("text", b"x" * 100), "GEN5"),
            (self.outside("short", b"GEN5"), "header"),
            (self.outside("other", b"raiiaf" + bytes(100)), "RAIIAF"),
        ):
            with self.subTest(reason):
                done = self.gen5fs("info", path, status=1)
                self.assertEqual(done.stdout, b"")
                self.assert_complaint(done, path, reason)

    def test_every_truncation_ends_with_a_reason(self):
        whole = read_file(reference("one-pixel.gen5"))
        for size in range(0, len(whole), 97):
            path = self.outside("cut.gen5", whole[:size])
            self.assertNotEqual(self.gen5fs("info", path, status=1).stderr, b"", size)

    def test_options_may_follow_and_a_double_dash_ends_them(self):
        path = self.fixture("one-pixel.gen5", "--json")
        done = self.program(GEN5FS, "info", "--", "--json")
        self.assertTrue(done.stdout.decode().startswith("--json\n"))
        line = strict_json(self.gen5fs("info", path, "--json").stdout)
        self.assertEqual(line["file"], path)

    def test_a_reader_that_goes_away_ends_the_command(self):
        done = self.to_closed_pipe("info", *([reference("default-f16-zstd.gen5")] * 20))
        self.assertEqual(done.returncode, -signal.SIGPIPE)
        self.assertEqual(done.stderr, b"")

    def test_output_that_is_lost_is_no_success(self):
        done = self.to_full_disk("info", reference("one-pixel.gen5"))
        self.assertEqual(done.returncode, 1)
        self.assert_complaint(done, "standard output", "No space left")

    @unittest.skipIf(os.environ.get("GEN5_SANITIZED"), "a sanitizer wants much address space")
    def test_a_bomb_is_looked_at_in_little_memory(self):
        shape = (1, 1, 7000, 7000)
        path = self.built("bomb.gen5", latents=[("zeros", "float32", shape, bytes(4 * 7000 ** 2))],
                          compressed="zstd")
        done = self.shell('ulimit -v 150000 && "$1" info --json "$2"', GEN5FS, path)
        self.assertEqual(strict_json(done.stdout)["latents"][0]["max"], 0)


if __name__ == "__main__":
    unittest.main()
