# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# gen5fs diff: what differs between two containers, held against numpy and Pillow.

import io
import math
import os
import stat
import unittest

import numpy as np
from PIL import Image

import container
from command_case import (
    FIXTURES, HOSTILE_NAMES, CommandCase, Literal, json_with_literals, latent, strict_json,
)
from mount_case import GEN5FS, new_image, read_file, write_file
from mounted import REFERENCE

SHAPE = (1, 4, 16, 16)


def tensor(key, values):
    values = np.asarray(values)
    name = {2: "float16", 4: "float32"}[values.itemsize]
    return key, name, values.shape, values.tobytes()


def png(values, **options):
    target = io.BytesIO()
    Image.fromarray(values).save(target, "PNG", **options)
    return target.getvalue()


def picture(path):
    with Image.open(path) as image:
        return np.asarray(image)


class DiffCase(CommandCase):
    def setUp(self):
        super().setUp()
        self.random = np.random.default_rng(7)

    def pair(self, first, second):
        """Two containers of these options; their paths."""
        return self.built("a.gen5", **first), self.built("b.gen5", **second)

    def diff(self, first, second, *switches, status=1):
        """The object that --json prints of two containers of these options."""
        done = self.gen5fs("diff", "--json", *switches, *self.pair(first, second), status=status)
        self.last = done
        text = done.stdout.decode("ascii")
        self.assertEqual(text.count("\n"), 1)
        return strict_json(text)

    def page(self, first, second, status=1):
        done = self.gen5fs("diff", *self.pair(first, second), status=status)
        self.assertEqual(done.stderr, b"")
        return done.stdout.decode()

    def pixels(self, mode="RGB"):
        channels = {"RGB": 3, "RGBA": 4}[mode]
        return self.random.integers(0, 256, (16, 24, channels), dtype=np.uint8)


class Equality(DiffCase):
    def test_every_fixture_equals_itself(self):
        for name in FIXTURES:
            with self.subTest(name):
                path = os.path.join(REFERENCE, name)
                done = self.gen5fs("diff", path, self.fixture(name))
                self.assertEqual(done.stderr, b"")
                self.assertNotIn(b"differ", done.stdout)
                found = strict_json(self.gen5fs("diff", "-j", path, path).stdout)
                self.assertTrue(found["equal"])
                self.assertEqual(found["settings"], [])
                self.assertTrue(all(entry["equal"] for entry in found["latents"]))

    def test_fixtures_with_different_content_differ(self):
        done = self.gen5fs("diff", *(os.path.join(REFERENCE, name) for name in
                                     ("sd15-f32-raw.gen5", "three-latents.gen5")), status=1)
        self.assertIn(b"model_info.model_name", done.stdout)
        self.assertEqual(done.stderr, b"")

    def test_how_things_are_stored_does_not_count(self):
        values = {"image": png(self.pixels()), "latents": [latent("a", 1)],
                  "env": container.environment()}
        self.assertTrue(self.diff(values, {**values, "compressed": "zstd"}, status=0)["equal"])

    def test_the_layout_of_json_and_of_numbers_does_not_count(self):
        def other(text):
            return text.replace(b'"cfg_scale": 7.5', b'"cfg_scale":\t75e-1').replace(b"\n", b" ")
        self.assertTrue(self.diff({}, {"text": other}, status=0)["equal"])

    def test_empty_containers_are_equal(self):
        found = self.diff({}, {}, status=0)
        self.assertEqual((found["image"], found["environment"], found["latents"]), (None, None, []))


class Settings(DiffCase):
    def test_values_are_told_by_their_path(self):
        first, second = container.model_info(), container.model_info()
        second["prompt"] = "another"
        second["tags"] = ["sea"]
        second["generation_settings"]["seed"] = 2 ** 70
        second["own.key"] = {"x": None}
        del second["hardware_info"]["gpu"][0]["driver"]
        done = self.diff({"info": first}, {"info": second})
        self.assertEqual(done["settings"], [
            {"path": "model_info.prompt", "first": "a lighthouse", "second": "another"},
            {"path": "model_info.tags[1]", "first": "night"},
            {"path": "model_info.generation_settings.seed", "first": 42, "second": 2 ** 70},
            {"path": "model_info.hardware_info.gpu[0].driver", "first": "nvidia"},
            {"path": 'model_info["own.key"].x', "second": None},
        ])
        self.assertFalse(done["equal"])

    def test_numbers_keep_their_literals(self):
        def text(literal):
            return lambda given: given.replace(b'"cfg_scale": 7.5', b'"cfg_scale": ' + literal)
        pair = self.pair({"text": text(b"1e-05")}, {"text": text(b"0.1000000000000000055511")})
        found = json_with_literals(self.gen5fs("diff", "-j", *pair, status=1).stdout)
        self.assertEqual(found["settings"][0]["first"], Literal("1e-05"))
        self.assertEqual(found["settings"][0]["second"], Literal("0.1000000000000000055511"))

    def test_what_differs_beyond_a_double_differs(self):
        first, second = container.model_info(), container.model_info()
        first["generation_settings"]["seed"] = 2 ** 64
        second["generation_settings"]["seed"] = 2 ** 64 + 1
        self.assertEqual(len(self.diff({"info": first}, {"info": second})["settings"]), 1)

    def test_a_number_and_a_string_look_different(self):
        first, second = container.model_info(own=42), container.model_info(own="42")
        page = self.page({"info": first}, {"info": second})
        self.assertIn('- 42\n', page)
        self.assertIn('+ "42"\n', page)

    def test_extras_of_chunks_are_compared_and_computed_fields_are_not(self):
        def change(document):
            document["gen5_metadata"]["chunks"][0]["extra"]["note"] = "x"
            document["gen5_metadata"]["chunks"][0]["index"] = 7
            document["gen5_metadata"]["file_info"]["file_size"] = 1
        values = {"latents": [latent("a", 1)]}
        found = self.diff(values, {**values, "manifest": change})
        self.assertEqual(found["settings"], [{"path": "chunks[0].extra.note", "second": "x"}])

    def test_several_lines_go_on_in_their_column(self):
        page = self.page({"info": container.model_info(prompt="one\ntwo")},
                         {"info": container.model_info(prompt="three")})
        self.assertIn("  settings     model_info.prompt\n"
                      "               - one\n                  two\n               + three\n", page)


class Latents(DiffCase):
    def test_differences_are_those_that_numpy_finds(self):
        first = self.random.standard_normal(SHAPE).astype("<f4")
        second = first.copy()
        second[0, 1] += self.random.standard_normal((16, 16)).astype("<f4") / 100
        found, = self.diff({"latents": [tensor("a", first)]},
                           {"latents": [tensor("a", second)]})["latents"]
        apart = np.abs(first.astype(float) - second.astype(float))
        self.assertEqual(found["element_count"], first.size)
        self.assertEqual(found["different_count"], np.count_nonzero(apart))
        self.assertAlmostEqual(found["max_absolute"], apart.max(), places=12)
        self.assertAlmostEqual(found["mean_absolute"], apart.mean(), places=12)
        peak = float(first.max()) - float(first.min())
        self.assertAlmostEqual(
            found["psnr"], 10 * math.log10(peak ** 2 / np.mean(apart ** 2)), places=9)
        self.assertEqual((found["same_dtype"], found["same_shape"], found["equal"]),
                         (True, True, False))

    def test_each_key_is_told(self):
        one, other = (self.random.standard_normal(SHAPE).astype("<f2") for _ in range(2))
        found = self.diff(
            {"latents": [tensor("same", one), tensor("gone", one), tensor("a/b\n", one)]},
            {"latents": [tensor("a/b\n", other), tensor("new", one), tensor("same", one)]})
        self.assertEqual(
            [(entry["key"], entry["equal"], entry["missing_in"]) for entry in found["latents"]],
            [("same", True, None), ("gone", False, "second"), ("a/b\n", False, None),
             ("new", False, "first")])

    def test_other_types_and_shapes_differ(self):
        values = self.random.standard_normal(SHAPE).astype("<f2")
        page = self.page({"latents": [tensor("a", values), tensor("b", values)]},
                         {"latents": [tensor("a", values.astype("<f4")),
                                      tensor("b", values.reshape(2, 2, 16, 16))]})
        self.assertIn("a: float16 and float32, the same values\n", page)
        self.assertIn("b: 1 x 4 x 16 x 16 and 2 x 2 x 16 x 16\n", page)

    def test_what_is_not_finite_is_counted(self):
        first = np.zeros(SHAPE, "<f4")
        second = first.copy()
        first[0, 0, 0, :2] = second[0, 0, 0, 0] = np.nan
        found, = self.diff({"latents": [tensor("a", first)]},
                           {"latents": [tensor("a", second)]})["latents"]
        self.assertEqual((found["different_count"], found["incomparable_count"]), (1, 1))
        self.assertIsNone(found["psnr"])


class Images(DiffCase):
    def test_pixels_are_compared_decoded(self):
        for mode in ("RGB", "RGBA"):
            with self.subTest(mode):
                first = self.pixels(mode)
                second = first.copy()
                second[2, 3:9] ^= 0x15
                second[5, 5, -1] ^= 1
                found = self.diff({"image": png(first)}, {"image": png(second)})["image"]
                apart = first.astype(float) - second.astype(float)
                self.assertEqual(found["pixel_count"], 16 * 24)
                self.assertEqual(found["different_count"], 7)
                self.assertAlmostEqual(found["max_absolute"], np.abs(apart).max() / 255, places=9)
                self.assertAlmostEqual(
                    found["psnr"], 10 * math.log10(255 ** 2 / np.mean(apart ** 2)), places=9)
                self.assertFalse(found["equal"])

    def test_how_pixels_are_encoded_does_not_count(self):
        values = self.pixels()
        pair = {"image": png(values)}, {"image": png(values, compress_level=0)}
        found = self.diff(*pair, status=0)["image"]
        self.assertEqual((found["equal"], found["same_file"]), (True, False))
        self.assertIn("equal pixel for pixel, in files that differ", self.page(*pair, status=0))

    def test_depths_and_colours_are_brought_to_one_form(self):
        grey = self.random.integers(0, 256, (16, 24), dtype=np.uint8)
        colour = np.repeat(grey[:, :, None], 3, axis=2)
        deep = grey.astype(np.uint16) * 257
        target = io.BytesIO()
        Image.fromarray(deep).save(target, "PNG")
        for other in (png(colour), target.getvalue()):
            self.assertTrue(self.diff({"image": png(grey)}, {"image": other}, status=0)["equal"])

    def test_other_sizes_differ(self):
        found = self.diff({"image": new_image(1)}, {"image": new_image(1, (10, 20))})["image"]
        self.assertEqual((found["same_size"], found["first"], found["second"]),
                         (False, {"width": 24, "height": 16}, {"width": 10, "height": 20}))

    def test_an_image_of_one_alone_is_told(self):
        found = self.diff({"image": new_image(1)}, {})["image"]
        self.assertEqual((found["missing_in"], found["equal"]), ("second", False))

    def test_what_is_not_decoded_is_compared_byte_for_byte(self):
        folder = os.path.join(os.environ["GEN5_TEST_DATA"], "images")
        jpeg, other = (read_file(os.path.join(folder, name)) for name in
                       ("baseline.jpg", "grey.jpg"))
        self.assertTrue(self.diff({"image": jpeg}, {"image": jpeg}, status=0)["equal"])
        found = self.diff({"image": jpeg}, {"image": other})["image"]
        self.assertFalse(found["equal"])
        self.assertIn("JPEG", found["error"])
        self.assertEqual(self.last.stderr, b"")
        self.assertIn("the files differ", self.page({"image": jpeg}, {"image": new_image(1)}))


class Pictures(DiffCase):
    def setUp(self):
        super().setUp()
        self.picture = os.path.join(self.work, "difference.png")

    def test_it_shows_the_absolute_differences_as_bright_as_can_be(self):
        first = self.pixels()
        second = first.copy()
        second[2, 3] ^= 0x40
        second[4, 5, 0] ^= 0x20
        self.diff({"image": png(first)}, {"image": png(second)}, "--image", self.picture)
        drawn = picture(self.picture)
        apart = np.abs(first.astype(int) - second.astype(int))
        expected = np.floor(apart * (255 / apart.max()) + 0.5)
        np.testing.assert_array_equal(drawn, expected)
        self.assertEqual((apart.max(), drawn.max()), (0x40, 255))

    def test_what_is_equal_is_black(self):
        values = {"image": new_image(1)}
        self.diff(values, values, "-i", self.picture, status=0)
        self.assertEqual(picture(self.picture).max(), 0)

    def test_it_refuses_to_overwrite_unless_forced(self):
        values = {"image": new_image(1)}
        write_file(self.picture, b"mine")
        os.chmod(self.picture, 0o600)
        done = self.gen5fs("diff", "-i", self.picture, *self.pair(values, values), status=2)
        self.assert_complaint(done, self.picture, "exists", "-f")
        self.assertEqual(done.stdout, b"")
        self.assertEqual(read_file(self.picture), b"mine")
        self.diff(values, values, "-fi", self.picture, status=0)
        self.assertEqual(picture(self.picture).shape, (16, 24, 3))
        self.assertEqual(stat.S_IMODE(os.stat(self.picture).st_mode), 0o600)

    def test_where_there_is_nothing_to_draw_there_is_no_picture(self):
        rows = (
            ({"image": new_image(1)}, {}, "no two images"),
            ({"image": new_image(1)}, {"image": new_image(1, (5, 5))}, "one size"),
            ({"image": new_image(1)}, {"image": b"\xff\xd8\xff\xe0 no more"}, "decoded"),
        )
        for first, second, says in rows:
            with self.subTest(says):
                self.diff(first, second, "-i", self.picture, status=2)
                self.assert_complaint(self.last, self.picture, says)
                self.assertFalse(os.path.exists(self.picture))


class Environments(DiffCase):
    def test_drift_has_the_three_findings(self):
        first = container.environment(("torch", "name=torch;version=1"), ("os", "name=os;version=A"),
                                      ("gpu", "name=gpu;model=A"))
        second = container.environment(("torch", "name=torch;version=2"),
                                       ("os", "name=os;version=A"), ("cuda", "name=cuda;version=1"))
        found = self.diff({"env": first}, {"env": second})["environment"]
        self.assertEqual(found["drift"], [
            {"component_id": "torch", "kind": "differs", "first": "name=torch;version=1",
             "second": "name=torch;version=2"},
            {"component_id": "gpu", "kind": "missing in second", "first": "name=gpu;model=A",
             "second": None},
            {"component_id": "cuda", "kind": "missing in first", "first": None,
             "second": "name=cuda;version=1"},
        ])
        self.assertIn("torch differs: name=torch;version=1 in first, name=torch;version=2 in second",
                      self.page({"env": first}, {"env": second}))

    def test_an_environment_of_one_alone_differs(self):
        self.assertEqual(self.diff({"env": container.environment()}, {})["environment"]
                         ["missing_in"], "second")


class Trouble(DiffCase):
    def test_what_is_damaged_is_told_and_the_rest_compared(self):
        values = {"image": new_image(1), "latents": [latent("a", 1)],
                  "env": container.environment()}
        for index, part, says in ((0, "latents", "LATN"), (1, "image", "DATA"),
                                  (2, "environment", "ENVC")):
            with self.subTest(part):
                def harm(document, index=index):
                    document["gen5_metadata"]["chunks"][index]["hash"] = "0" * 64
                found = self.diff(values, {**values, "manifest": harm}, status=2)
                self.assert_complaint(self.last, "b.gen5", says, "SHA-256")
                self.assertFalse(found["equal"])
                entry = found[part][0] if part == "latents" else found[part]
                self.assertIn("SHA-256", entry["error"])
                done = self.gen5fs("diff", *self.pair(values, {**values, "manifest": harm}),
                                   status=2)
                self.assertIn(b"damaged in the second", done.stdout)

    def test_what_cannot_be_opened_is_told(self):
        good = self.fixture("one-pixel.gen5")
        missing = os.path.join(self.work, "missing")
        done = self.gen5fs("diff", good, missing, status=2)
        self.assert_complaint(done, missing, "No such file")
        self.assertEqual(done.stdout, b"")
        text = self.outside("text.gen5", b"text")
        done = self.gen5fs("diff", missing, text, status=2)
        self.assertEqual(len(done.stderr.splitlines()), 2)

    def test_hostile_names_and_values(self):
        info = container.model_info(prompt="\x1b]0;x\x07", **{"k\x1b[31m\n": 1})
        for name in HOSTILE_NAMES:
            path = os.path.join(os.fsencode(self.work), name)
            container.build(path, info=info, latents=[latent("\x1b[31m\n", 1)])
            other = self.built("other.gen5")
            done = self.program(GEN5FS, "diff", "--", name, other, status=1)
            self.assertNotIn(b"\x1b", done.stdout)
            self.assertNotIn(b"\x07", done.stdout)
            done = self.program(GEN5FS, "diff", "-j", "--", name, other, status=1)
            found = strict_json(done.stdout)
            self.assertEqual(os.fsencode(found["first"]), name)
            self.assertEqual(found["latents"][0]["key"], "\x1b[31m\n")


class Output(DiffCase):
    def test_colours_are_for_terminals(self):
        pair = self.pair({}, {"info": container.model_info(prompt="b")})
        self.assertIn(b"\x1b[31m-", self.on_terminal("diff", *pair, status=1))
        self.assertNotIn(b"\x1b", self.on_terminal("diff", *pair, status=1, NO_COLOR="1"))
        self.assertNotIn(b"\x1b", self.gen5fs("diff", *pair, status=1).stdout)

    def test_output_that_is_lost_is_no_success(self):
        path = self.fixture("one-pixel.gen5")
        done = self.to_full_disk("diff", path, path)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"standard output", done.stderr)
        self.assertEqual(self.to_closed_pipe("diff", path, path).returncode, -13)

    def test_help_and_usage(self):
        self.assert_help("diff")
        self.assert_usage_error("diff", says=["gen5fs diff A.gen5 B.gen5"])
        self.assert_usage_error("diff", "a", says=["two"])
        self.assert_usage_error("diff", "a", "b", "c", says=["two"])
        self.assert_usage_error("diff", "--jsn", "a", "b", says=["--jsn", "--json"])


if __name__ == "__main__":
    unittest.main()
