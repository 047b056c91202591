# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# The tests' own checker and builder: they accept what the reference wrote and find each damage.

import hashlib
import json
import os
import struct
import subprocess
import tempfile
import unittest

import container
from container import Chunk, DELETE, build, latent_chunk, strict_check
from mounted import REFERENCE

IMAGE = b"\x89PNG\r\n\x1a\n" + bytes(range(200))
ENVIRONMENT = container.environment()
LATENTS = (
    ("first", "float16", (1, 4, 2, 2), bytes(range(32))),
    ("second", "float32", (1, 1, 2, 2), bytes(range(16))),
)


def sound(**options):
    return build(**{"image": IMAGE, "latents": LATENTS, "env": ENVIRONMENT, **options})


def file_info(**changes):
    def change(root):
        root["gen5_metadata"]["file_info"].update(changes)
    return {"manifest": change}


def record(position, /, **changes):
    def change(root):
        root["gen5_metadata"]["chunks"][position].update(changes)
    return {"manifest": change}


def model(**changes):
    return {"info": container.model_info(**changes)}


def settings(**changes):
    return model(generation_settings={
        **container.model_info()["generation_settings"], **changes,
    })


def environment_change(change):
    root = json.loads(ENVIRONMENT)
    change(root)
    return {"env": json.dumps(root).encode()}


def flip(offset):
    def damage(data):
        data[offset] ^= 1
        return data
    return {"damage": damage}


def repeated_first(root):
    root["gen5_metadata"]["chunks"][1]["extra"]["key"] = "first"


def renamed_latent(root):
    del root["gen5_metadata"]["chunks"][0]["extra"]["key"]


# What is wrong, the options that build it, what the message must say.
DAMAGE = (
    ("magic", {"header": {"magic": b"GEN6"}}, "magic"),
    ("version_major", {"header": {"version_major": 2}}, "version_major"),
    ("version_minor", {"header": {"version_minor": 1}}, "version_minor"),
    ("header flags", {"header": {"flags": 1}}, "flags"),
    ("reserved", {"header": {"reserved": 1}}, "reserved"),
    ("header file_size", {"header": {"file_size": 99}}, "file_size"),
    ("header chunk_count", {"header": {"chunk_count": 3}}, "chunk_count"),
    ("table offset", {"header": {"table_offset": 33}}, "outside|frame"),
    ("table size", {"header": {"table_size": 50}}, "cut"),
    ("META outside", {"header": {"table_size": 2 ** 31}}, "outside"),
    ("bytes after META", {"tail": b"x"}, "META ends"),
    ("bytes before META", {"between": b"x"}, "META starts"),
    ("cut file", {"damage": lambda data: data[:-1]}, "outside"),
    ("empty file", {"damage": lambda data: b""}, "header"),
    ("META with two frames", {"meta": lambda whole: container.store(whole) * 2}, "follow"),
    ("META without content size", {"meta": lambda whole: container.store(whole, None)}, "content size"),
    ("META whose content size lies",
     {"meta": lambda whole: container.store(whole, len(whole) + 1)}, "says"),
    ("META with a dictionary",
     {"meta": lambda whole: container.store(whole, dictionary_id=7)}, "dictionary"),
    ("META not compressed", {"meta": lambda whole: whole}, "frame"),
    ("META's type", {"meta": lambda whole: container.store(b"MATE" + whole[4:])}, "META"),
    ("META's inner size",
     {"meta": lambda whole: container.store(whole[:8] + b"\0\0\0\0" + whole[12:])}, "META says"),
    ("META not UTF-8", {"text": lambda text: text.replace(b"lighthouse", b"\xff")}, "utf-8"),
    ("META no JSON", {"text": lambda text: text[:-1]}, "JSON|Expecting"),
    ("META nested deeply", {"text": lambda text: b"[" * 100_000}, "deep"),
    ("manifest file_size", file_info(file_size=5), "file_size"),
    ("manifest chunk_count", file_info(chunk_count=5), "chunk_count"),
    ("manifest magic", file_info(magic="GEN4"), "magic"),
    ("manifest version", file_info(version_major=2), "version_major"),
    ("a field twice", {"text": lambda text: text.replace(
        b'"magic": "GEN5"', b'"magic": "GEN5", "magic": "GEN5"')}, "repeats"),
    ("a record's field twice", {"text": lambda text: text.replace(
        b'"index": 1,', b'"index": 1, "index": 1,')}, "repeats"),
    ("no prompt", {"manifest": lambda root: root["gen5_metadata"]["model_info"].pop("prompt") and None},
     "prompt"),
    ("tags of numbers", model(tags=[1]), "tags"),
    ("negative seed", settings(seed=-1), "seed"),
    ("no steps", settings(steps=0), "steps"),
    ("half a step", settings(steps=1.5), "steps"),
    ("text for a number", settings(cfg_scale="7"), "cfg_scale"),
    ("number for a flag", settings(deterministic=1), "deterministic"),
    ("GPU without name", model(hardware_info={"os": "", "gpu": [{}]}), "name"),
    ("index", record(1, index=0), "index"),
    ("offset into the header", record(0, offset=0), "frame|starts at 0"),
    ("negative offset", record(0, offset=-32), "offset"),
    ("offset outside", record(2, offset=2 ** 40), "starts at"),
    ("overlap", record(1, offset=40), "starts at 40"),
    ("stored size", record(0, compressed_size=43), "starts at|end"),
    ("payload size", record(2, uncompressed_size=1), "uncompressed_size"),
    ("hash", record(2, hash="0" * 64), "hash"),
    ("upper-case hash", {"manifest": lambda root: root["gen5_metadata"]["chunks"][2].update(
        hash=root["gen5_metadata"]["chunks"][2]["hash"].upper())}, "hash"),
    ("compressed that is not", record(2, compressed=True), "frame"),
    ("type", record(2, type="DAFA"), "DAFA"),
    ("flags", record(2, flags="0001"), "flags"),
    ("latent's flags", record(0, flags="F32"), "flags"),
    ("dtype", record(0, extra={"shape": [1, 4, 2, 2], "dtype": "float64", "key": "first"}), "dtype"),
    ("shape", record(0, extra={"shape": [1, 4, 2, 3], "dtype": "float16", "key": "first"}), "shape"),
    ("float in the shape",
     record(0, extra={"shape": [1, 4, 2, 2.0], "dtype": "float16", "key": "first"}), "shape"),
    ("no key", {"manifest": renamed_latent}, "key"),
    ("two latents of a key", {"manifest": repeated_first}, "repeat"),
    ("two images", {"chunks": [Chunk("DATA", IMAGE)]}, "repeat"),
    ("empty image", {"image": b""}, "empty"),
    ("flipped bit in a raw payload", flip(32 + 12), "hash"),
    ("flipped bit in an inner type", flip(32), "LATN"),
    ("flipped bit in an inner size", flip(32 + 8), "inner header says"),
    ("third key in the environment",
     environment_change(lambda root: root.update(machine="x")), "keys"),
    ("wrong digest", environment_change(
        lambda root: root["components"][0].update(component_sha256_digest="0" * 64)), "digest"),
    ("environment version", environment_change(lambda root: root.update(env_version=2)), "env_version"),
    ("environment no JSON", {"env": b"{"}, "JSON"),
    ("record lacks its extra", {"chunks": [Chunk("XTRA", b"", record={"extra": DELETE})]}, "extra"),
)


def compressed_damage(change):
    """Options with one more latent, whose frame `change` makes from the chunk."""
    return {"chunks": [latent_chunk(
        "third", "float16", (1, 1, 1, 2), b"abcd", compressed=True, stored=change)]}


FRAME_DAMAGE = (
    ("two frames", lambda whole: container.store(whole[:5]) + container.store(whole[5:]), "follow"),
    ("skippable frame first",
     lambda whole: struct.pack("<II", 0x184D2A50, 4) + b"skip" + container.store(whole), "frame"),
    ("skippable frame last",
     lambda whole: container.store(whole) + struct.pack("<II", 0x184D2A50, 0), "follow"),
    ("no content size", lambda whole: container.store(whole, None), "content size"),
    ("content size too small", lambda whole: container.store(whole, len(whole) - 1), "says"),
    ("dictionary", lambda whole: container.store(whole, dictionary_id=1), "dictionary"),
    ("cut frame", lambda whole: container.store(whole)[:-1], "cut"),
    ("bomb", lambda whole: container.repeat(whole, b"\0", 2 ** 34), "limit"),
    ("no inner header", lambda whole: container.store(whole[:11]), "inner header"),
)


class Accepting(unittest.TestCase):
    def test_every_golden_container_is_accepted(self):
        names = sorted(name for name in os.listdir(REFERENCE) if name.endswith(".gen5"))
        self.assertEqual(len(names), 23)
        for name in names:
            with self.subTest(name):
                strict_check(
                    os.path.join(REFERENCE, name), lenient_file_size=True,
                    stale_records=name == "reused-list-second.gen5",
                )

    def test_the_golden_containers_decode_to_what_the_reference_decoded(self):
        with open(os.path.join(REFERENCE, "expected.json"), encoding="utf-8") as stream:
            expected = json.load(stream)
        for name, values in expected.items():
            with self.subTest(name):
                parsed = container.parse(os.path.join(REFERENCE, name))
                self.assertEqual(hashlib.sha256(parsed.data).hexdigest(), values["container_sha256"])
                if "metadata.json" not in values:
                    continue
                self.assertEqual(
                    container.sha256(parsed.manifest_bytes), values["metadata.json"]["sha256"])
                self.assertEqual(container.sha256(parsed.environment), values["env.json"]["sha256"])
                self.assertEqual(parsed.image is not None, "image" in values)
                if parsed.image is not None:
                    self.assertEqual(container.sha256(parsed.image), values["image"]["sha256"])
                self.assertEqual(
                    list(parsed.latents), [latent["key"] for latent in values["latents"]])

    def test_the_golden_file_size_is_found_wrong(self):
        with self.assertRaisesRegex(AssertionError, "file_size"):
            strict_check(os.path.join(REFERENCE, "one-pixel.gen5"))

    def test_stale_records_are_found(self):
        with self.assertRaisesRegex(AssertionError, "repeat"):
            strict_check(os.path.join(REFERENCE, "reused-list-second.gen5"), lenient_file_size=True)

    def test_what_the_builder_makes_is_sound(self):
        for compressed in (False, True, "zstd"):
            with self.subTest(compressed=compressed):
                strict_check(sound(compressed=compressed))
        strict_check(sound(meta=container.compress), lenient_file_size=True)
        strict_check(build())
        strict_check(sound(chunks=[Chunk("XTRA", b"unknown", b"\1\2\3\4")]))

    def test_a_file_is_built_and_read_back(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.gen5")
            sound(path=path)
            parsed = container.parse(path)
        self.assertEqual(parsed.image, IMAGE)
        self.assertEqual(parsed.environment, ENVIRONMENT)
        self.assertEqual(parsed.latents, {key: tuple(rest) for key, *rest in LATENTS})


class Refusing(unittest.TestCase):
    def assert_refused(self, options, words):
        with self.assertRaisesRegex(AssertionError, words):
            strict_check(sound(**options))

    def test_every_damage_is_named(self):
        for name, options, words in DAMAGE:
            with self.subTest(name):
                self.assert_refused(options, words)

    def test_every_damage_of_a_frame_is_named(self):
        strict_check(sound(**compressed_damage(container.store)))
        for name, change, words in FRAME_DAMAGE:
            with self.subTest(name):
                self.assert_refused(compressed_damage(change), words)

    def test_every_truncation_is_found(self):
        data = sound(compressed=True)
        for size in range(len(data)):
            with self.assertRaises(AssertionError, msg=f"cut to {size}"):
                strict_check(data[:size])

    def test_lenience_is_limited_to_what_is_asked(self):
        broken = sound(**settings(steps=0))
        with self.assertRaises(AssertionError):
            strict_check(broken)
        strict_check(broken, lenient_schema=True)
        with self.assertRaises(AssertionError):
            strict_check(sound(**record(2, hash="0" * 64)), lenient_file_size=True,
                         lenient_schema=True, stale_records=True)


class Texts(unittest.TestCase):
    def test_spans_find_every_value(self):
        text = ' { "a" : [1, {"b": "x\\"]}"}, [], {} ],"c":-1.5e-7 , "d": {"e": null}}\n'
        spans = container.value_spans(text)
        self.assertEqual(
            {path: json.loads(text[start:end]) for path, (start, end) in spans.items()},
            {
                (): json.loads(text), ("a",): [1, {"b": 'x"]}'}, [], {}], ("a", 0): 1,
                ("a", 1): {"b": 'x"]}'}, ("a", 1, "b"): 'x"]}', ("a", 2): [], ("a", 3): {},
                ("c",): -1.5e-7, ("d",): {"e": None}, ("d", "e"): None,
            },
        )

    def test_masking_hides_computed_values_only(self):
        one = container.parse(sound()).manifest_bytes
        other = container.parse(sound(image=IMAGE + b"longer", compressed=True)).manifest_bytes
        self.assertNotEqual(one, other)
        self.assertEqual(container.masked(one), container.masked(other))
        self.assertNotEqual(
            container.masked(one), container.masked(one.replace(b'"seed": 42', b'"seed": 43')))
        self.assertNotEqual(container.masked(one), container.masked(one.replace(b"  ", b" ", 1)))


class Frames(unittest.TestCase):
    def test_hand_made_frames_are_read_by_the_tool(self):
        content = bytes(range(256)) * 2000
        for frame, expected in (
            (container.store(content), content), (container.store(content, None), content),
            (container.store(b""), b""),
            (container.repeat(b"head", b"x", 300_000, tail=b"end"), b"head" + b"x" * 300_000 + b"end"),
        ):
            done = subprocess.run(
                ["zstd", "-dqc"], input=frame, stdout=subprocess.PIPE, check=True)
            self.assertEqual(done.stdout, expected)

    def test_frames_of_the_tool_are_read(self):
        content = b"abc" * 100_000
        frame = container.compress(content)
        self.assertEqual(container.Frame(frame).content_size, len(content))
        self.assertEqual(container.Frame(frame).end, len(frame))
        self.assertEqual(container.decompress(frame), content)
        self.assertEqual(container.decompress(container.store(content)), content)


if __name__ == "__main__":
    unittest.main()
