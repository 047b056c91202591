# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# gen5fs preview: latents as pictures, held against numpy's own drawing of them.

import io
import os
import stat
import unittest

import numpy as np
from PIL import Image

import container
from command_case import FIXTURES, HOSTILE_NAMES, CommandCase, latent
from mount_case import DTYPES, GEN5FS, read_file, take_down, write_file
from mounted import REFERENCE

GAP, BACKGROUND, MAGENTA = 2, 32, (255, 0, 255)

# As they were published; the first and the last for colours from -1 to 1.
SD1 = np.array([[0.298, 0.207, 0.208], [0.187, 0.286, 0.173], [-0.158, 0.189, 0.264],
                [-0.184, -0.271, -0.473]])
SDXL = np.array([[60, 60, 60], [-60, -5, 10], [25, 15, -5], [-70, -50, -35]])
SD3 = np.array([
    [-0.0645, 0.0177, 0.1052], [0.0028, 0.0312, 0.0650], [0.1848, 0.0762, 0.0360],
    [0.0944, 0.0360, 0.0889], [0.0897, 0.0506, -0.0364], [-0.0020, 0.1203, 0.0284],
    [0.0855, 0.0118, 0.0283], [-0.0539, 0.0658, 0.1047], [-0.0057, 0.0116, 0.0700],
    [-0.0412, 0.0281, -0.0039], [0.1106, 0.1171, 0.1220], [-0.0248, 0.0682, -0.0481],
    [0.0815, 0.0846, 0.1207], [-0.0120, -0.0055, -0.0867], [-0.0749, -0.0634, -0.0456],
    [-0.1418, -0.1457, -0.1259]])


def to_bytes(values):
    return np.floor(np.clip(values, 0, 255) + 0.5).astype(np.uint8)


def look(values, factors, bias=None):
    """(channels, height, width) in colours."""
    colours = np.einsum("chw,cr->hwr", values.astype(float), factors)
    return to_bytes(colours + bias if bias is not None else (colours + 1) / 2 * 255)


def grey(channel):
    least, greatest = channel.min(), channel.max()
    values = channel.astype(float)
    tile = (values - least) / (float(greatest) - float(least)) * 255 if greatest > least \
        else np.full(channel.shape, 128.0)
    return np.repeat(to_bytes(tile)[:, :, None], 3, axis=2)


def enlarged(tile, scale):
    return tile.repeat(scale, axis=0).repeat(scale, axis=1)


def sheet(rows, scale):
    """Rows of tiles, None where one is left out, in gaps."""
    height, width, _ = next(tile for tile in rows[0] if tile is not None).shape
    down, across = height * scale + GAP, width * scale + GAP
    drawn = np.full((len(rows) * down + GAP, len(rows[0]) * across + GAP, 3), BACKGROUND, np.uint8)
    for y, row in enumerate(rows):
        for x, tile in enumerate(row):
            if tile is not None:
                drawn[GAP + y * down:(y + 1) * down, GAP + x * across:(x + 1) * across] = \
                    enlarged(tile, scale)
    return drawn


class PreviewCase(CommandCase):
    def setUp(self):
        super().setUp()
        self.random = np.random.default_rng(3)
        self.picture = os.path.join(self.work, "out.png")

    def container_with(self, values, key="a", **info):
        values = np.asarray(values)
        dtype = {2: "float16", 4: "float32"}[values.itemsize]
        return self.built("x.gen5", latents=[(key, dtype, values.shape, values.tobytes())],
                          info=container.model_info(**info))

    def drawn(self, path, *switches):
        """The picture, which is made quietly."""
        done = self.gen5fs("preview", path, *switches, "-f", "-o", self.picture)
        self.assertEqual((done.stdout, done.stderr), (b"", b""))
        with Image.open(self.picture) as image:
            self.assertEqual((image.format, image.mode), ("PNG", "RGB"))
            return np.asarray(image)

    def assert_fails(self, *arguments, says):
        done = self.gen5fs("preview", *arguments, "-o", self.picture, status=1)
        self.assert_complaint(done, *says)
        self.assertEqual(done.stdout, b"")
        self.assertFalse(os.path.exists(self.picture))


class Sheets(PreviewCase):
    def test_channels_stand_in_grey_behind_a_look_in_colours(self):
        values = self.random.standard_normal((1, 4, 8, 12)).astype("<f4")
        values[0, 2] = 5
        expected = sheet([[look(values[0], SD1), *map(grey, values[0])]], 3)
        np.testing.assert_array_equal(
            self.drawn(self.container_with(values), "--scale", "3"), expected)

    def test_sixteen_channels_stand_in_rows_of_four(self):
        values = self.random.standard_normal((1, 16, 6, 5)).astype("<f2")
        tiles = list(map(grey, values[0]))
        rows = [[None, *tiles[at:at + 4]] for at in range(0, 16, 4)]
        rows[0][0] = look(values[0], SD3)
        np.testing.assert_array_equal(
            self.drawn(self.container_with(values), "-s", "1"), sheet(rows, 1))

    def test_a_batch_stands_one_below_the_other(self):
        values = self.random.standard_normal((3, 4, 4, 4)).astype("<f4")
        rows = [[look(one, SD1), *map(grey, one)] for one in values]
        np.testing.assert_array_equal(
            self.drawn(self.container_with(values), "-s", "2"), sheet(rows, 2))

    def test_other_numbers_of_channels_have_no_look(self):
        values = self.random.standard_normal((1, 3, 4, 4)).astype("<f4")
        expected = sheet([list(map(grey, values[0]))], 1)
        path = self.container_with(values)
        np.testing.assert_array_equal(self.drawn(path, "-s", "1"), expected)
        done = self.gen5fs("preview", path, "--rgb", "-f", "-o", self.picture, status=1)
        self.assert_complaint(done, path, "3 channels")

    def test_fewer_and_more_dimensions_are_pictures_too(self):
        plane = self.random.standard_normal((4, 6)).astype("<f4")
        np.testing.assert_array_equal(
            self.drawn(self.container_with(plane), "-s", "1"), grey(plane))
        deep = self.random.standard_normal((2, 2, 3, 4, 4)).astype("<f4")
        rows = [list(map(grey, one)) for one in deep.reshape(4, 3, 4, 4)]
        np.testing.assert_array_equal(
            self.drawn(self.container_with(deep), "-s", "1"), sheet(rows, 1))

    def test_what_is_not_finite_is_magenta(self):
        values = self.random.standard_normal((1, 4, 4, 4)).astype("<f4")
        values[0, 1, 2, 3] = np.nan
        drawn = self.drawn(self.container_with(values), "-s", "1")
        step = 4 + GAP
        for column, magenta in ((0, True), (1, False), (2, True), (3, False)):
            pixel = tuple(drawn[GAP + 2, GAP + column * step + 3])
            self.assertEqual(pixel == MAGENTA, magenta, column)
        finite = np.delete(values[0, 1].ravel(), 2 * 4 + 3)
        at = np.unravel_index(np.nanargmax(values[0, 1]), (4, 4))
        self.assertEqual(values[0, 1][at], finite.max())
        self.assertEqual(tuple(drawn[GAP + at[0], GAP + 2 * step + at[1]]), (255, 255, 255))

    def test_small_pictures_are_enlarged_and_large_ones_are_not(self):
        for side, tile in ((8, 256), (100, 200), (300, 300)):
            values = self.random.standard_normal((1, 1, side, side)).astype("<f2")
            self.assertEqual(self.drawn(self.container_with(values)).shape, (tile, tile, 3))

    def test_every_fixture_can_be_drawn(self):
        for name in FIXTURES:
            with self.subTest(name):
                path = os.path.join(REFERENCE, name)
                dtype, shape, payload = next(iter(container.parse(path).latents.values()))
                values = np.frombuffer(payload, DTYPES[dtype]).reshape(shape)
                drawn = self.drawn(path, "-s", "1", "--factors", "none")
                tile = drawn[:shape[2], :shape[3]] if shape[:2] == (1, 1) else \
                    drawn[GAP:GAP + shape[2], GAP:GAP + shape[3]]
                np.testing.assert_array_equal(tile, grey(values[0, 0]))

    def test_another_latent_is_named_by_its_key(self):
        path = self.built("x.gen5", latents=[latent("a", 1), latent("-b/\n", 2)])
        values = np.frombuffer(latent("-b/\n", 2)[3], "<f2").reshape(1, 4, 4, 4)[0]
        np.testing.assert_array_equal(self.drawn(path, "--latent", "-b/\n", "--rgb", "-s", "1"),
                                      look(values, SD1))


class Colours(PreviewCase):
    def test_the_look_alone_has_no_gaps(self):
        values = self.random.standard_normal((1, 4, 8, 8)).astype("<f4")
        np.testing.assert_array_equal(
            self.drawn(self.container_with(values), "--rgb", "-s", "2"),
            enlarged(look(values[0], SD1), 2))

    def test_the_model_tells_the_factors(self):
        values = self.random.standard_normal((1, 4, 8, 8)).astype("<f4")
        path = self.container_with(values, model_name="Stable Diffusion XL 1.0")
        xl = look(values[0], SDXL, np.array((150, 140, 130)))
        np.testing.assert_array_equal(self.drawn(path, "-r", "-s", "1"), xl)
        np.testing.assert_array_equal(
            self.drawn(path, "-r", "-s", "1", "--factors", "sd1"), look(values[0], SD1))
        path = self.container_with(values)
        np.testing.assert_array_equal(self.drawn(path, "-r", "-s", "1", "-F", "sdxl"), xl)

    def test_flux_has_none_unless_they_are_named(self):
        values = self.random.standard_normal((1, 16, 4, 4)).astype("<f4")
        path = self.container_with(values, model_name="FLUX.1-dev")
        self.assertEqual(self.drawn(path, "-s", "1").shape, (4 * 6 + 2, 4 * 6 + 2, 3))
        self.assertEqual(self.drawn(path, "-s", "1", "-F", "sd3").shape, (4 * 6 + 2, 5 * 6 + 2, 3))

    def test_factors_for_other_channels_are_refused(self):
        path = self.container_with(np.zeros((1, 4, 4, 4), "<f4"))
        self.assert_fails(path, "--factors", "sd3", says=[path, "4 channels", "16"])


class Places(PreviewCase):
    def test_without_a_name_it_goes_to_standard_output(self):
        path = os.path.join(REFERENCE, "sd15-f32-raw.gen5")
        done = self.gen5fs("preview", path)
        self.assertEqual(done.stderr, b"")
        with Image.open(io.BytesIO(done.stdout)) as image:
            np.testing.assert_array_equal(np.asarray(image), self.drawn(path))

    def test_a_terminal_is_spared(self):
        shown = self.on_terminal("preview", os.path.join(REFERENCE, "one-pixel.gen5"), status=2)
        self.assertIn(b"-o OUT.png", shown)
        self.assertNotIn(b"PNG\r", shown)

    def test_output_that_is_lost_is_no_success(self):
        path = os.path.join(REFERENCE, "one-pixel.gen5")
        done = self.to_full_disk("preview", path)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"standard output", done.stderr)
        self.assertEqual(self.to_closed_pipe("preview", path).returncode, -13)

    def test_it_refuses_to_overwrite_unless_forced(self):
        path = os.path.join(REFERENCE, "one-pixel.gen5")
        write_file(self.picture, b"mine")
        os.chmod(self.picture, 0o600)
        done = self.gen5fs("preview", path, "-o", self.picture, status=1)
        self.assert_complaint(done, self.picture, "exists", "-f")
        self.assertEqual(read_file(self.picture), b"mine")
        self.drawn(path)
        self.assertEqual(stat.S_IMODE(os.stat(self.picture).st_mode), 0o600)

    def test_a_full_disk_leaves_nothing(self):
        place = os.path.join(self.work, "small")
        os.mkdir(place)
        self.program("mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", place)
        self.addCleanup(take_down, place)
        target = os.path.join(place, "out.png")
        done = self.gen5fs("preview", os.path.join(REFERENCE, "sd15-f32-raw.gen5"), "-o", target,
                           status=1)
        self.assert_complaint(done, target, "No space left")
        self.assertEqual(os.listdir(place), [])

    def test_names_of_any_bytes(self):
        for name in HOSTILE_NAMES:
            path = os.path.join(os.fsencode(self.work), name)
            container.build(path, latents=[latent("a", 1)])
            out = name + b".png"
            self.program(GEN5FS, "preview", "-o", out, "--", name)
            with Image.open(os.path.join(os.fsencode(self.work), out)) as image:
                self.assertEqual(image.format, "PNG")


class Trouble(PreviewCase):
    def test_what_is_damaged_is_told(self):
        def change(data):
            data[50] ^= 1
        path = self.damaged("three-latents.gen5", change)
        self.assert_fails(path, says=[path, "LATN chunk at byte 32"])
        path = self.damaged("three-latents.gen5", lambda data: data[:100])
        self.assert_fails(path, says=[path])
        missing = os.path.join(self.work, "missing")
        self.assert_fails(missing, says=[missing, "No such file"])

    def test_what_is_not_there_is_told(self):
        path = self.built("x.gen5")
        self.assert_fails(path, says=[path, "has no latent"])
        path = os.path.join(REFERENCE, "one-pixel.gen5")
        self.assert_fails(path, "--latent", "none\n", says=[path, 'no latent "none?"'])

    def test_what_is_no_picture_or_too_large_is_told(self):
        self.assert_fails(self.container_with(np.zeros(4, "<f4")), says=["no height and width"])
        wide = self.container_with(np.zeros((1, 1, 2, 2000), "<f2"))
        self.assert_fails(wide, "--scale", "1000", says=["more than"])

    def test_help_and_usage(self):
        self.assert_help("preview")
        help_text = self.gen5fs("preview", "--help").stdout.decode()
        for source in ("discuss.huggingface.co", "TimothyAlexisVass", "Stability-AI/sd3.5"):
            self.assertIn(source, help_text)
        self.assert_usage_error("preview", says=["FILE is missing"])
        self.assert_usage_error("preview", "a", "b", says=["one FILE"])
        self.assert_usage_error("preview", "a", "--factors", "sd9", says=["sd9", "sdxl"])
        for scale in ("0", "-1", "x", "1.5", "", "1001", "99999999999999999999"):
            self.assert_usage_error("preview", "a", "--scale", scale, says=["1 to 1000"])
        self.assert_usage_error("preview", "a", "--rgb", "--factors", "none", says=["--rgb"])
        self.assert_usage_error("preview", "a", "--rbg", says=["--rbg", "--rgb"])


if __name__ == "__main__":
    unittest.main()
