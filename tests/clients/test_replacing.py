# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Every member of every golden container is replaced in every way that programs save; afterwards the
# container is sound, the new bytes are in it, and nothing else has changed.

import io
import json
import os
import re
import shutil
import unittest

import numpy as np
from PIL import Image

import container
from container import Chunk, build
from mount_case import SharedMountCase, new_image, npy_bytes, read_file, sha256, write_file
from mounted import REFERENCE, run

DTYPES = {"float16": "<f2", "float32": "<f4"}
FIXTURES = sorted(name for name in os.listdir(REFERENCE) if name.endswith(".gen5"))
IMAGE_FORMATS = {"jpeg-image.gen5": ("image.jpg", "JPEG"), "webp-image.gen5": ("image.webp", "WEBP")}


def encoded_image(seed, kind, size=(24, 16)):
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    target = io.BytesIO()
    Image.fromarray(values).save(target, kind)
    return target.getvalue()


def noise(seed, shape, dtype):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


# --- ways to save: each takes the member's path and its new content -----------------------------


def truncate_and_write(path, content):
    write_file(path, content)


def write_temporary_and_rename(path, content):
    write_file(path + ".part", content)
    os.replace(path + ".part", path)


def write_in_place(path, content):
    """Over the old bytes, from the middle to the end and then from the start, and cut to size."""
    with open(path, "r+b", buffering=0) as stream:
        middle = len(content) // 2
        stream.seek(middle)
        stream.write(content[middle:])
        stream.seek(0)
        stream.write(content[:middle])
        stream.truncate(len(content))


def append_in_pieces(path, content):
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_TRUNC)
    try:
        step = len(content) // 5 + 1
        for start in range(0, len(content), step):
            os.write(descriptor, content[start:start + step])
    finally:
        os.close(descriptor)


def delete_and_create(path, content):
    os.unlink(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)


def copy_over(path, content):
    write_file(copy_over.source, content)
    run(["cp", copy_over.source, path])


WAYS = (
    truncate_and_write, write_temporary_and_rename, write_in_place, append_in_pieces,
    delete_and_create, copy_over,
)


class ReplacingCase(SharedMountCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        copy_over.source = os.path.join(os.path.dirname(cls.mount.source), "outside")

    def parsed(self, name):
        """The container in the source, which must be sound."""
        content = read_file(self.source(name))
        container.strict_check(content)
        return container.parse(content)

    def assert_only_changed(self, before, after, changed, text=True):
        """Beside the record at position `changed` (None for none) everything is as it was: chunks
        bit for bit as stored, and with `text` the user's part of the manifest."""
        if text:
            self.assertEqual(container.masked(after.manifest_bytes), container.masked(before.manifest_bytes))
        kept = [at for at in before.effective() if at != changed]
        self.assertEqual(
            sorted(before.stored[at] for at in kept),
            sorted(after.stored[at] for at in after.effective() if after.stored[at] in
                   {before.stored[at] for at in kept}),
            "a chunk that nobody touched was rewritten",
        )
        self.assertEqual(len(after.records), len(before.effective()))


class EveryMember(ReplacingCase):
    """One copy of each fixture for each member, saved in each way in turn."""

    @classmethod
    def prepare(cls, source):
        for fixture in FIXTURES:
            for kind in ("image", "latent", "environment", "metadata"):
                shutil.copyfile(
                    os.path.join(REFERENCE, fixture), os.path.join(source, f"{kind}-{fixture}"))

    def each_way(self, kind, check):
        """Calls check(name, fixture, seed, way) for every fixture and way."""
        for fixture in FIXTURES:
            for seed, way in enumerate(WAYS):
                with self.subTest(fixture, way=way.__name__):
                    check(f"{kind}-{fixture}", fixture, seed, way)

    def before(self, name, fixture):
        """The container before a save. The reference's own may break rules for writers."""
        content = read_file(self.source(name))
        container.strict_check(
            content, lenient_file_size=True, stale_records=fixture == "reused-list-second.gen5")
        return container.parse(content)

    def save(self, name, fixture, member, content, way):
        before = self.before(name, fixture)
        way(self.member(name, member), content)
        self.assertEqual(read_file(self.member(name, member)), content)
        return before, self.parsed(name)

    def position(self, parsed, kind):
        """Where the record of a kind stands that counts, the first of its kind."""
        return [at for at in parsed.effective() if parsed.records[at]["type"] == kind][0]

    def test_images_are_replaced(self):
        def check(name, fixture, seed, way):
            member, kind = IMAGE_FORMATS.get(fixture, ("image.png", "PNG"))
            content = encoded_image(seed, kind)
            if fixture == "no-image.gen5":
                if way is not truncate_and_write:
                    return
                before, after = self.save(name, fixture, member, content, way)
                self.assertEqual(after.image, content)
                self.assertEqual(after.latents, before.latents)
                self.assertEqual(after.environment, before.environment)
                self.assertEqual(after.model_info, before.model_info)
                return
            before, after = self.save(name, fixture, member, content, way)
            self.assertEqual(after.image, content)
            # The stale records of the reused list are no longer in the text.
            self.assert_only_changed(
                before, after, self.position(before, "DATA"),
                text=len(before.records) == len(before.effective()))
            self.assertEqual(after.model_info, before.model_info)

        self.each_way("image", check)

    def test_environments_are_replaced(self):
        def check(name, fixture, seed, way):
            content = container.environment(
                ("python", f"name=python;version=3.12.{seed}"), ("gpu", "name=gpu;model=A;driver=1"),
                ("gpu", "name=gpu;model=B;driver=1"), *[("os", "name=os;version=L 6")] * (seed % 3))
            before, after = self.save(name, fixture, "env.json", content, way)
            self.assertEqual(after.environment, content)
            self.assert_only_changed(
                before, after, self.position(before, "ENVC"),
                text=len(before.records) == len(before.effective()))

        self.each_way("environment", check)

    def test_first_latents_are_replaced(self):
        def check(name, fixture, seed, way):
            values = noise(seed, (1, 1 + seed, 3, 5), ("<f2", "<f4")[seed % 2])
            before, after = self.save(name, fixture, "latent.npy", npy_bytes(values), way)
            key = before.records[self.position(before, "LATN")]["extra"]["key"]
            self.assertEqual(
                after.latents[key], (str(values.dtype), values.shape, values.tobytes()))
            self.assert_only_changed(
                before, after, self.position(before, "LATN"),
                text=len(before.records) == len(before.effective()))

        self.each_way("latent", check)

    def test_metadata_is_replaced(self):
        def check(name, fixture, seed, way):
            old = read_file(self.member(name, "metadata.json"))
            new, count = re.subn(rb'("date": ?)"[^"]*"', rb'\1"2027-01-0%d, as text"' % (seed + 1), old)
            self.assertEqual(count, 1)
            before = self.before(name, fixture)
            way(self.member(name, "metadata.json"), new)
            after = self.parsed(name)
            self.assertEqual(read_file(self.member(name, "metadata.json")), after.manifest_bytes)
            self.assertEqual(after.model_info["date"], f"2027-01-0{seed + 1}, as text")
            if len(before.records) == len(before.effective()):
                self.assertEqual(container.masked(after.manifest_bytes), container.masked(new))
            self.assert_only_changed(before, after, None, text=False)

        self.each_way("metadata", check)


class OneOfSeveral(ReplacingCase):
    fixtures = ("three-latents.gen5", "odd-latent-keys.gen5", "mixed-dtypes-raw.gen5")

    def test_each_latent_of_several_is_replaced_alone(self):
        for fixture in self.fixtures:
            folder = self.member(fixture, "latents")
            for seed, name in enumerate(sorted(os.listdir(folder))):
                way = WAYS[seed % len(WAYS)]
                with self.subTest(fixture, name=name[:40], way=way.__name__):
                    before = container.parse(self.source(fixture))
                    old = read_file(os.path.join(folder, name))
                    matches = [
                        at for at in before.effective() if before.records[at]["type"] == "LATN"
                        and old.endswith(before.payloads[at])
                    ]
                    self.assertEqual(len(matches), 1)
                    values = noise(seed, (2, 4, 4, 4), "<f4")
                    target = os.path.join(folder, name)
                    if len(os.fsencode(name)) > 240 and way is write_temporary_and_rename:
                        way = truncate_and_write
                    way(target, npy_bytes(values))
                    after = self.parsed(fixture)
                    self.assert_only_changed(before, after, matches[0])
                    key = before.records[matches[0]]["extra"]["key"]
                    self.assertEqual(after.latents[key][2], values.tobytes())
                    self.assertEqual(read_file(target), npy_bytes(values))
                    self.assertEqual(list(after.latents), list(before.latents))


UNKNOWN = (
    Chunk("XTRA", b"what nobody knows" * 50, b"abcd", {"anything": [1, 2]}),
    Chunk("ZIPD", bytes(5000), b"\0\0\0\0", compressed="zstd"),
    Chunk("KEEP", bytes(range(256)) * 600, b"0000", {"a": {"b": None}}, compressed=True),
    Chunk("xxxx", b"", b"0000"),
)


class UnknownChunks(ReplacingCase):
    containers = {
        f"{name}.gen5": build(
            image=new_image(1), env=container.environment(), chunks=UNKNOWN,
            latents=[("x", "float16", (1, 1, 2, 2), bytes(8))])
        for name in ("image", "latent", "env", "metadata", "remove")
    }

    def assert_kept(self, name):
        after = self.parsed(name)
        for chunk in UNKNOWN:
            at = [record["type"] for record in after.records].index(chunk.kind.decode())
            self.assertEqual(after.stored[at], chunk.stored, chunk.kind)
            for field, value in chunk.record.items():
                self.assertEqual(after.records[at][field], value, (chunk.kind, field))

    def test_unknown_chunks_are_kept_byte_for_byte(self):
        for name, member, content in (
            ("image", "image.png", new_image(2)),
            ("latent", "latent.npy", npy_bytes(noise(1, (1, 4, 8, 8), "<f4"))),
            ("env", "env.json", container.environment(("os", "name=os;version=Linux 6"))),
        ):
            with self.subTest(name):
                for way in WAYS:
                    way(self.member(f"{name}.gen5", member), content)
                    self.assert_kept(f"{name}.gen5")

    def test_unknown_chunks_are_kept_when_the_metadata_is_edited(self):
        path = self.member("metadata.gen5", "metadata.json")
        for way in WAYS:
            way(path, read_file(path).replace(b"a lighthouse", b"a tall lighthouse"))
            self.assert_kept("metadata.gen5")


# A manifest in the hand of somebody else: another order, spacing, escapes, and every odd literal.
ODD_TEXT = rb'''{"unknown_first": [ ],
 "gen5_metadata":{ "chunks" : @CHUNKS@ ,
\t"model_info": {"tags" : ["a" ,"\u00e9\ud83d\udc31"],"prompt":"caf\u00e9 \/ \"x\" \n", "version": "1",
  "generation_settings":{"steps":20.0,"sampler":"ddim","seed":18446744073709551615,
     "big":123456789012345678901234567890, "small":1e-05,"also_small":1.0E-5, "exp":1E+2,
     "nan": NaN , "inf":Infinity,"ninf": -Infinity,"zero":-0.0, "minus":-0,"tiny":5e-324,
     "third": 0.3333333333333333333333, "empty": {}, "list": [ 1 ,2,\r\n3 ]},
  "model_name":"m",
  "date":"", "Prompt": "another key, in another case" },
   "file_info":   {"chunk_count": @COUNT@,"file_size":1,"version_minor":0,"version_major":1,"magic":"GEN5",
      "comment": "whose is this?"},
   "later": {"x":null} },
 "unknown_last":true}
'''.replace(b"\\t", b"\t").replace(b"\\r\\n", b"\r\n")


def odd_text(text):
    document = json.loads(text)["gen5_metadata"]
    chunks = json.dumps(document["chunks"], separators=(" , ", ":  ")).encode()
    return ODD_TEXT.replace(b"@CHUNKS@", chunks).replace(b"@COUNT@", str(len(document["chunks"])).encode())


class Literals(ReplacingCase):
    fixtures = ("big-numbers.gen5", "nan-setting.gen5", "extra-fields.gen5", "unicode-prompt.gen5")
    containers = {
        name: build(
            image=new_image(1), env=container.environment(), text=odd_text,
            latents=[("x", "float16", (1, 1, 2, 2), bytes(8)), ("y", "float32", (1, 1, 1, 1), bytes(4))],
        ) for name in ("odd.gen5", "odd-edited.gen5")
    }

    def test_the_text_of_others_survives_every_rewrite(self):
        before = container.parse(self.source("odd.gen5"))
        for seed, (member, content) in enumerate((
            ("image.png", new_image(2)), ("image.png", new_image(3, (60, 60))),
            ("latent.npy", npy_bytes(noise(1, (1, 4, 8, 8), "<f4"))),
            ("latents/y.npy", npy_bytes(noise(1, (3, 4, 8, 8), "<f2"))),
            ("env.json", container.environment(("os", "name=os;version=Linux 6"))),
        )):
            with self.subTest(member):
                WAYS[seed](self.member("odd.gen5", member), content)
                after = self.parsed("odd.gen5")
                self.assertEqual(
                    container.masked(after.manifest_bytes), container.masked(before.manifest_bytes))
                self.assertEqual(
                    read_file(self.member("odd.gen5", "metadata.json")), after.manifest_bytes)

    def test_what_the_user_writes_is_kept_as_it_is_written(self):
        path = self.member("odd-edited.gen5", "metadata.json")
        for number, way in enumerate(WAYS):
            with self.subTest(way.__name__):
                written = read_file(path).replace(
                    b'"steps":20.0', b'"steps":20.0, "new%d": 1.50e+300 ' % number) + b"\n"
                way(path, written)
                after = self.parsed("odd-edited.gen5")
                self.assertEqual(container.masked(after.manifest_bytes), container.masked(written))

    def test_literals_of_the_reference_survive(self):
        for name, literals in (
            ("big-numbers.gen5", (
                "18446744073709551615", "1e-05", "123456789012345678901234567890", "5e-324", "-0.0",
                "9007199254740993", "0.3333333333333333")),
            ("nan-setting.gen5", ("NaN", "Infinity", "-Infinity")),
            ("extra-fields.gen5", ('"note": "kept"', '"b": null', '"weight": 0.8')),
            ("unicode-prompt.gen5", ("\\u732b", "\\ud83d\\udc31")),
        ):
            with self.subTest(name):
                before = container.parse(self.source(name))
                write_file(self.member(name, "image.png"), new_image(4))
                text = self.parsed(name).manifest_text
                for literal in literals:
                    self.assertIn(literal, before.manifest_text)
                    self.assertIn(literal, text)
                path = self.member(name, "metadata.json")
                changed = read_file(path).replace(b'"version": "', b'"version": "new-')
                write_file(path, changed)
                after = self.parsed(name)
                self.assertEqual(container.masked(after.manifest_bytes), container.masked(changed))

    def test_white_space_appended_to_the_metadata_is_kept(self):
        path = self.member("extra-fields.gen5", "metadata.json")
        before = read_file(path)
        with open(path, "ab") as stream:
            stream.write(b"\n")
        after = self.parsed("extra-fields.gen5")
        self.assertEqual(container.masked(after.manifest_bytes), container.masked(before) + "\n")


def changed_document(change):
    def edit(text):
        root = json.loads(text)
        change(root["gen5_metadata"])
        return json.dumps(root, indent=1).encode()
    return edit


def without(*fields):
    def change(document):
        for record in document["chunks"]:
            for field in fields:
                record.pop(field)
    return change


def stale_records(document):
    for record in document["chunks"]:
        record.update(offset=1, compressed_size=2, uncompressed_size=3, hash="0" * 64,
                      compressed=not record["compressed"])


def stale_shapes(document):
    document["chunks"][0]["extra"].update(shape=[9, 9, 9, 9], dtype="float64")


def own_extra(document):
    document["chunks"][0]["extra"]["note"] = "mine"
    document["chunks"][1]["extra"] = {"width": 24, "text": "ü"}


EDITS = {
    "no-file-info": lambda document: document.pop("file_info"),
    "empty-file-info": lambda document: document["file_info"].clear(),
    "stale-file-info": lambda document: document["file_info"].update(file_size=1, chunk_count=99),
    "stale-records": stale_records,
    "stale-shapes": stale_shapes,
    "no-offsets": without("offset", "compressed_size", "uncompressed_size", "hash"),
    "no-computed-fields": without(
        "index", "flags", "offset", "compressed_size", "uncompressed_size", "hash", "compressed"),
    "own-extra": own_extra,
    "own-fields": lambda document: document.update(mine={"a": [1, 2]}, also=None),
    "own-record-field": lambda document: document["chunks"][1].update(mine=[1.5]),
    "no-settings": lambda document: document["model_info"].pop("generation_settings"),
    "no-hardware": lambda document: document["model_info"].pop("hardware_info"),
    "new-prompt": lambda document: document["model_info"].update(prompt="cats & <dogs> \u2028 🐱\t\"q\""),
    "many-tags": lambda document: document["model_info"].update(tags=[str(n) for n in range(5000)]),
    "long-prompt": lambda document: document["model_info"].update(prompt="very " * 100_000),
    "no-gpu": lambda document: document["model_info"]["hardware_info"].update(gpu=[]),
    "whole-floats": lambda document: document["model_info"]["generation_settings"].update(
        seed=7.0, steps=3.0),
}


class EditedMetadata(ReplacingCase):
    containers = {
        f"{name}.gen5": build(
            image=new_image(1), env=container.environment(), compressed="zstd",
            latents=[("x", "float16", (1, 1, 2, 2), bytes(8))])
        for name in EDITS
    }

    def test_computed_fields_may_be_stale_or_left_out(self):
        for name, change in EDITS.items():
            with self.subTest(name):
                path = self.member(f"{name}.gen5", "metadata.json")
                before = container.parse(self.source(f"{name}.gen5"))
                written = changed_document(change)(read_file(path))
                write_file(path, written)
                after = self.parsed(f"{name}.gen5")
                self.assertEqual(read_file(path), after.manifest_bytes)
                self.assert_only_changed(before, after, None, text=False)
                wanted = json.loads(written)["gen5_metadata"]
                self.assertEqual(after.model_info, wanted["model_info"])
                for record, user in zip(after.records, wanted["chunks"]):
                    for field in ("shape", "dtype"):
                        user["extra"].pop(field, None)
                        record["extra"].pop(field, None)
                    self.assertEqual(record["extra"], user["extra"])
                self.assertEqual(
                    {key: value for key, value in after.document.items() if key in ("mine", "also")},
                    {key: value for key, value in wanted.items() if key in ("mine", "also")},
                )
                self.assertEqual(after.records[1].get("mine"), wanted["chunks"][1].get("mine"))

    def test_a_renamed_key_renames_the_latent(self):
        name = "no-file-info.gen5"
        path = self.member(name, "metadata.json")
        before = container.parse(self.source(name))
        old = next(iter(before.latents))
        write_file(path, read_file(path).replace(
            f'"key": "{old}"'.encode(), b'"key": "another/name"'))
        after = self.parsed(name)
        self.assertEqual(list(after.latents), ["another/name"])
        self.assertEqual(after.latents["another/name"], before.latents[old])


def npy_of(values, version):
    target = io.BytesIO()
    np.lib.format.write_array(target, values, version=version)
    return target.getvalue()


class LatentFormats(ReplacingCase):
    containers = {"x.gen5": build(latents=[("x", "float16", (1, 1, 2, 2), bytes(8))])}

    def test_every_format_of_numpy_is_taken_without_loss(self):
        plain = noise(1, (2, 3, 4, 5), "<f4")
        for name, values, version in [
            (f"{dtype} {order} {version}", np.asarray(plain, dtype, order=order), version)
            for dtype in ("<f2", "<f4", ">f2", ">f4") for order in "CF"
            for version in ((1, 0), (2, 0), (3, 0))
        ]:
            with self.subTest(name):
                write_file(self.member("x.gen5", "latent.npy"), npy_of(values, version))
                after = self.parsed("x.gen5")
                native = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<")))
                self.assertEqual(
                    after.latents["x"], (str(native.dtype), native.shape, native.tobytes()))
                self.assertEqual(read_file(self.member("x.gen5", "latent.npy")), npy_bytes(native))

    def test_odd_but_good_values_are_taken(self):
        for values in (
            np.array([0.0, -0.0, 6e-8, 65504, -65504], "<f2").reshape(1, 1, 1, 5),
            np.array([0.0, -0.0, 1e-45, 3.4028235e38], "<f4").reshape(1, 1, 2, 2),
            np.ones((1, 1, 1, 8192), "<f2"), np.ones((8192, 1, 1, 1), "<f4"),
        ):
            write_file(self.member("x.gen5", "latent.npy"), npy_bytes(values))
            self.assertEqual(self.parsed("x.gen5").latents["x"][2], values.tobytes())

    def test_open_memmap_edits_in_place(self):
        write_file(self.member("x.gen5", "latent.npy"), npy_bytes(noise(1, (1, 4, 16, 16), "<f4")))
        values = np.lib.format.open_memmap(self.member("x.gen5", "latent.npy"), "r+")
        values[0, 1, 2, 3] = 42
        values.flush()
        expected = np.array(values)
        del values
        self.assertEqual(self.parsed("x.gen5").latents["x"][2], expected.tobytes())


class Storing(ReplacingCase):
    containers = {"x.gen5": build(
        image=new_image(1), env=container.environment(),
        latents=[("x", "float16", (1, 1, 2, 2), bytes(8))])}

    def stored(self, kind):
        parsed = self.parsed("x.gen5")
        at = [record["type"] for record in parsed.records].index(kind)
        return parsed.records[at]

    def test_what_zstd_cannot_shrink_is_stored_raw(self):
        values = np.random.default_rng(1).integers(0, 2 ** 16, (1, 4, 64, 64), np.uint16)
        values[values & 0x7C00 == 0x7C00] ^= 0x4000  # neither NaN nor Inf
        for member, content, kind in (
            ("image.png", encoded_image(1, "PNG", (200, 200)), "DATA"),
            ("latent.npy", npy_bytes(values.view("<f2")), "LATN"),
        ):
            with self.subTest(member):
                write_file(self.member("x.gen5", member), content)
                record = self.stored(kind)
                self.assertGreater(len(container.compress(content)), 0.985 * len(content))
                self.assertIs(record["compressed"], False)
                self.assertEqual(record["compressed_size"], record["uncompressed_size"] + 12)

    def test_what_zstd_can_shrink_is_stored_compressed(self):
        write_file(self.member("x.gen5", "latent.npy"), npy_bytes(np.zeros((1, 4, 64, 64), "<f4")))
        record = self.stored("LATN")
        self.assertIs(record["compressed"], True)
        self.assertLess(record["compressed_size"], 1000)
        write_file(
            self.member("x.gen5", "env.json"),
            container.environment(*[("gpu", "name=gpu;model=RTX;driver=1")] * 20))
        self.assertIs(self.stored("ENVC")["compressed"], True)

    def test_saving_the_same_bytes_again_keeps_the_container_sound(self):
        for member in ("image.png", "latent.npy", "env.json", "metadata.json"):
            content = read_file(self.member("x.gen5", member))
            for way in WAYS:
                way(self.member("x.gen5", member), content)
                self.assertEqual(read_file(self.member("x.gen5", member)), content, way.__name__)
                self.parsed("x.gen5")

    def test_saving_leaves_nothing_else_in_the_source(self):
        write_file(self.member("x.gen5", "image.png"), new_image(2))
        self.assertEqual(
            [name for name in os.listdir(self.mount.source) if name != ".gen5fs"], ["x.gen5"])

    def test_a_hundred_saves_stay_sound(self):
        for seed in range(100):
            write_file(self.member("x.gen5", "image.png"), new_image(seed, (1 + seed, 3)))
            if seed % 10 == 0:
                self.parsed("x.gen5")
        self.assertEqual(sha256(self.parsed("x.gen5").image), sha256(new_image(99, (100, 3))))


if __name__ == "__main__":
    unittest.main()
