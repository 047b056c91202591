# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# What is not valid never replaces what is: a table of bad saves. After each of them close has given
# EINVAL, the container is the same byte for byte, the member reads as before, and the reason can be
# read in words.

import errno
import io
import json
import os
import pickle
import struct
import tokenize
import unittest
import zlib

import numpy as np
from PIL import Image

import container
from container import build
from mount_case import new_image, npy_bytes, read_file, write_file
from mounted import Mount, eventually

# --- images -------------------------------------------------------------------------------------

PNG = new_image(1)


def encoded(kind, **options):
    target = io.BytesIO()
    Image.linear_gradient("L").resize((24, 16)).save(target, kind, **options)
    return target.getvalue()


def png_chunks(content):
    """The chunks of a PNG as (type, data)."""
    chunks, at = [], 8
    while at < len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        chunks.append((kind, content[at + 8:at + 8 + size]))
        at += 12 + size
    return chunks


def png(chunks, wrong_crc=None):
    out = [PNG[:8]]
    for kind, data in chunks:
        crc = zlib.crc32(kind + data) ^ (kind == wrong_crc)
        out.append(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc))
    return b"".join(out)


CHUNKS = png_chunks(PNG)
HEAD = CHUNKS[0][1]


def png_with_head(**changes):
    """A PNG whose IHDR has other fields and a right CRC."""
    names = ("width", "height", "depth", "colour", "compression", "filter", "interlace")
    fields = {**dict(zip(names, struct.unpack(">IIBBBBB", HEAD))), **changes}
    return png([(b"IHDR", struct.pack(">IIBBBBB", *fields.values())), *CHUNKS[1:]])


def png_with_data(data):
    return png([CHUNKS[0], (b"IDAT", data), CHUNKS[-1]])


def flipped(content, at):
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1:]


ROWS_OF_DATA = zlib.decompress(b"".join(data for kind, data in CHUNKS if kind == b"IDAT"))

# What Pillow is lenient about; a full decode is not.
BEYOND_PILLOW = (
    "cut by one byte", "wrong CRC of the end", "pixels without their checksum",
    "more rows than there are", "an unknown compression", "an unknown critical chunk",
)

# Member, name of the row, content, and what the reason must speak of.
IMAGES = [("image.png", *row) for row in (
    ("empty", b"", "."),
    ("text", b"this is no image at all\n", "."),
    ("zeros", bytes(1000), "."),
    ("signature alone", PNG[:8], "."),
    ("cut in the head", PNG[:20], "."),
    ("cut after the head", PNG[:33], "."),
    ("cut in the pixels", PNG[:len(PNG) // 2], "."),
    ("cut before the end chunk", PNG[:-12], "."),
    ("cut by one byte", PNG[:-1], "."),
    ("wrong signature", flipped(PNG, 1), "."),
    ("a signature changed by text mode", PNG.replace(b"\r\n", b"\n", 1), "."),
    ("wrong CRC of the head", png(CHUNKS, b"IHDR"), "(?i)crc"),
    ("wrong CRC of the pixels", png(CHUNKS, b"IDAT"), "(?i)crc"),
    ("wrong CRC of the end", png(CHUNKS, b"IEND"), "(?i)crc"),
    ("flipped bit in the pixels", flipped(PNG, len(PNG) // 2), "."),
    ("JPEG under the name of a PNG", encoded("JPEG"), "(?i)jpe?g|signature|format|name"),
    ("WebP under the name of a PNG", encoded("WEBP"), "(?i)webp|signature|format|name"),
    ("GIF under the name of a PNG", encoded("GIF"), "(?i)gif|signature|format|name"),
    ("no pixels", png([CHUNKS[0], CHUNKS[-1]]), "."),
    ("no head", png(CHUNKS[1:]), "."),
    ("pixels that are not compressed", png_with_data(b"pixels"), "."),
    ("too few pixels", png_with_data(zlib.compress(ROWS_OF_DATA[:-40])), "."),
    ("pixels without their checksum", png_with_data(zlib.compress(ROWS_OF_DATA)[:-4]), "."),
    ("an unknown filter", png_with_data(zlib.compress(b"\x09" + ROWS_OF_DATA[1:])), "."),
    ("no width", png_with_head(width=0), "."),
    ("no height", png_with_head(height=0), "."),
    ("more rows than there are", png_with_head(height=17), "."),
    ("wider than the rows are", png_with_head(width=25), "."),
    ("an absurd width", png_with_head(width=2 ** 31 - 1), "."),
    ("a width over the limit of the format", png_with_head(width=2 ** 32 - 1), "."),
    ("huge in few bytes", png_with_head(width=100_000, height=100_000), "."),
    ("an unknown depth", png_with_head(depth=7), "."),
    ("an unknown colour type", png_with_head(colour=5), "."),
    ("an unknown compression", png_with_head(compression=1), "."),
    ("an unknown filter method", png_with_head(filter=1), "."),
    ("an unknown interlace", png_with_head(interlace=2), "."),
    ("a palette that is not there", png_with_head(colour=3), "."),
    ("an unknown critical chunk", png([CHUNKS[0], (b"ABCD", b"x"), *CHUNKS[1:]]), "."),
    ("JSON", b'{"image": true}', "."),
    ("a latent", npy_bytes(np.zeros((1, 1, 2, 2), "<f2")), "."),
    ("a container", build(image=PNG), "."),
)]

# --- latents ------------------------------------------------------------------------------------

GOOD_VALUES = np.arange(16, dtype="<f4").reshape(1, 1, 4, 4)
GOOD_NPY = npy_bytes(GOOD_VALUES)


def npy(header, payload=bytes(64), version=(1, 0), length=None):
    """A .npy file with any text for its header."""
    text = header.encode("latin-1") if isinstance(header, str) else header
    size_format = "<H" if version == (1, 0) else "<I"
    start = 8 + struct.calcsize(size_format)
    text += b" " * (-(start + len(text) + 1) % 64) + b"\n"
    size = len(text) if length is None else length
    return b"\x93NUMPY" + bytes(version) + struct.pack(size_format, size) + text + payload


def described(descr="'<f4'", order="False", shape="(1, 1, 4, 4)", more="", payload=bytes(64)):
    return npy(f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, {more}}}", payload)


def with_value(value, dtype, at):
    values = np.ones((1, 2, 3, 4), dtype)
    values.reshape(-1)[at] = value
    return npy_bytes(values)


def pickled():
    target = io.BytesIO()
    np.save(target, np.array([[[[{"a": 1}, None]]]], object), allow_pickle=True)
    return target.getvalue()


def archive():
    target = io.BytesIO()
    np.savez(target, GOOD_VALUES)
    return target.getvalue()


FINITE = "(?i)nan|inf|finite"
RANK = "(?i)dimension|rank|shape|4"
TYPE = "(?i)type|float|descr|[<>|][a-z]"

LATENTS = [("latent.npy", *row) for row in (
    *((f"dtype {dtype}", npy_bytes(np.ones((1, 1, 2, 2), dtype)), TYPE) for dtype in (
        "<f8", ">f8", "<i4", "<i8", "u1", "i1", "<u2", "?", "<c8", "<U4", "S4", "V2", "<M8[s]",
        [("a", "<f4"), ("b", "<f4")])),
    *((f"shape {shape}", npy_bytes(np.ones(shape, "<f4")), RANK) for shape in (
        (), (16,), (4, 4), (4, 4, 4), (1, 1, 1, 4, 4), (1,) * 32)),
    *((f"shape {shape}", npy_bytes(np.ones(shape, "<f2")), RANK) for shape in (
        (0, 4, 8, 8), (1, 4, 0, 8), (1, 0, 8, 8), (1, 4, 8, 0), (1, 1, 1, 8193), (8193, 1, 1, 1))),
    *((f"{value} in {dtype} at {at}", with_value(value, dtype, at), FINITE)
      for value in (np.nan, np.inf, -np.inf) for dtype in ("<f2", "<f4", ">f4") for at in (0, -1)),
    ("NaN in the middle", with_value(np.nan, "<f4", 11), FINITE),
    ("a signalling NaN", GOOD_NPY[:-4] + b"\x01\x00\x80\xff", FINITE),
    ("empty", b"", "."),
    ("text", b"1.0 2.0 3.0\n", "."),
    ("magic alone", GOOD_NPY[:6], "."),
    ("version alone", GOOD_NPY[:8], "."),
    ("cut in the header", GOOD_NPY[:50], "."),
    ("header alone", GOOD_NPY[:128], "."),
    ("a byte too few", GOOD_NPY[:-1], "."),
    ("an item too few", GOOD_NPY[:-4], "."),
    ("a byte too many", GOOD_NPY + b"\0", "."),
    ("twice", GOOD_NPY * 2, "."),
    ("wrong magic", b"\x93NUMPI" + GOOD_NPY[6:], "."),
    ("version 0", GOOD_NPY[:6] + b"\0\0" + GOOD_NPY[8:], "(?i)version|0"),
    ("version 4", GOOD_NPY[:6] + b"\4\0" + GOOD_NPY[8:], "(?i)version|4"),
    ("version 1.1", GOOD_NPY[:6] + b"\1\1" + GOOD_NPY[8:], "(?i)version|1"),
    ("version 2 over a header of version 1", GOOD_NPY[:6] + b"\2\0" + GOOD_NPY[8:], "."),
    ("header length over the file", npy("{}", length=60_000), "."),
    ("header length 0", npy("{}", length=0), "."),
    ("header length of the other byte order", GOOD_NPY[:8] + GOOD_NPY[9:7:-1] + GOOD_NPY[10:], "."),
    ("header length 2^32-1", npy("{}", version=(2, 0), length=2 ** 32 - 1), "."),
    ("header length in the middle of the text", npy(
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 4, 4), }", length=30), "."),
    ("header of zeros", npy(bytes(100)), "."),
    ("header that is a list", npy("[1, 2]"), "."),
    ("header that calls", npy("__import__('os').abort()"), "."),
    ("header of brackets", npy("(" * 9000), "."),
    ("header not closed", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 4, 4)"), "."),
    ("text after the header", npy(
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 4, 4), } + 1"), "."),
    ("header that is JSON", npy(
        '{"descr": "<f4", "fortran_order": false, "shape": [1, 1, 4, 4]}'), "."),
    ("no descr", npy("{'fortran_order': False, 'shape': (1, 1, 4, 4), }"), "."),
    ("no order", npy("{'descr': '<f4', 'shape': (1, 1, 4, 4), }"), "."),
    ("no shape", npy("{'descr': '<f4', 'fortran_order': False, }"), "."),
    ("another key", described(more="'more': 1, "), "."),
    ("a number for descr", described("4"), "."),
    ("an unknown descr", described("'<x4'"), "."),
    ("an unknown order", described(order="'C'"), "."),
    ("a list for the shape", described(shape="[1, 1, 4, 4]"), "."),
    ("text for the shape", described(shape="'1, 1, 4, 4'"), "."),
    ("a negative dimension", described(shape="(1, 1, -4, -4)"), "."),
    ("a float dimension", described(shape="(1, 1, 4.0, 4)"), "."),
    ("a shape whose product overflows",
     described(shape="(4294967296, 4294967296, 1, 16)"), "."),
    ("a dimension that overflows", described(shape="(1, 1, 1, 18446744073709551632)"), "."),
    ("a dimension of 400 digits", described(shape=f"(1, 1, 1, {'9' * 400})"), "."),
    ("more payload than there is", described(shape="(1, 1, 8192, 8192)"), "."),
    ("objects", pickled(), TYPE + "|object|pickle"),
    ("a pickle", pickle.dumps([1, 2, 3]), "."),
    ("an archive", archive(), "."),
    ("an image", PNG, "."),
    ("the payload without a header", GOOD_VALUES.tobytes(), "."),
)]

# --- metadata -----------------------------------------------------------------------------------

BASE = build(
    image=PNG, env=container.environment(),
    latents=[("x", "float32", (1, 1, 2, 2), struct.pack("<4f", 1, 2, 3, 4))],
)
TEXT = container.parse(BASE).manifest_bytes
DELETED = object()


def changed(path, value):
    """The manifest with the value at a path below gen5_metadata replaced or deleted."""
    root = json.loads(TEXT)
    at = root["gen5_metadata"]
    for name in path[:-1]:
        at = at[name]
    if value is DELETED:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return json.dumps(root, indent=2).encode()


INFO = ("model_info",)
SETTINGS = (*INFO, "generation_settings")
HARDWARE = (*INFO, "hardware_info")
GPU = (*HARDWARE, "gpu", 0)
NOT_TEXT = (5, None, ["x"], {"x": 1}, True)
NOT_COUNT = (-1, 1.5, "7", None, True, [1])
NOT_NUMBER = (-0.5, "7.5", None, False, {})

# Path of each field of the schema to values that it must not have.
BAD_VALUES = {
    **{(*INFO, name): (DELETED, *NOT_TEXT) for name in ("model_name", "version", "date", "prompt")},
    (*INFO, "tags"): (DELETED, "a,b", None, {"a": "b"}, [1], ["a", None], [["a"]]),
    SETTINGS: ([], "x", 5, None, {}),
    (*SETTINGS, "seed"): (DELETED, *NOT_COUNT),
    (*SETTINGS, "steps"): (DELETED, 0, *NOT_COUNT),
    (*SETTINGS, "sampler"): (DELETED, *NOT_TEXT),
    **{(*SETTINGS, name): NOT_NUMBER for name in ("cfg_scale", "eta")},
    **{(*SETTINGS, name): NOT_TEXT for name in ("scheduler", "guidance", "precision")},
    (*SETTINGS, "deterministic"): (0, 1, "true", None, []),
    HARDWARE: ([], "x", 5, None, {}),
    (*HARDWARE, "os"): (DELETED, *NOT_TEXT),
    **{(*HARDWARE, name): NOT_TEXT for name in ("machine_name", "cpu", "framework", "compute_lib")},
    (*HARDWARE, "cpu_cores"): (0, *NOT_COUNT),
    (*HARDWARE, "ram_gb"): NOT_NUMBER,
    (*HARDWARE, "gpu"): ({}, "RTX", None, [1], ["RTX"], [None], [{}], [[]]),
    (*GPU, "name"): (DELETED, *NOT_TEXT),
    (*GPU, "memory_gb"): NOT_NUMBER,
    **{(*GPU, name): NOT_TEXT for name in ("driver", "cuda_version")},
    INFO: (DELETED, [], "x", None, {}),
}


def told(value):
    return "lacking" if value is DELETED else json.dumps(value)


SCHEMA_ROWS = [
    ("metadata.json", f"{'.'.join(map(str, path))} {told(value)}", changed(path, value),
     # An empty object lacks the first field that it must have.
     "." if value == {} and path in (SETTINGS, HARDWARE, INFO) else
     "gpu|name" if path[-1] == "gpu" else path[-1])
    for path, values in BAD_VALUES.items() for value in values
]


def text_with(old, new):
    assert old in TEXT
    return TEXT.replace(old, new, 1)


PLACE = r"\d"

SYNTAX_ROWS = [("metadata.json", *row) for row in (
    ("empty", b"", "."),
    ("white space", b" \n\t \n", "."),
    ("null", b"null", "."),
    ("a number", b"42", "."),
    ("text", b'"gen5_metadata"', "."),
    ("an array", b"[]", "."),
    ("an empty object", b"{}", "gen5_metadata"),
    ("an array for the whole", b'{"gen5_metadata": []}', "."),
    ("another name", text_with(b"gen5_metadata", b"gen6_metadata"), "gen5_metadata"),
    ("a name in another case", text_with(b"gen5_metadata", b"Gen5_Metadata"), "gen5_metadata"),
    ("a field in another case", text_with(b'"prompt"', b'"Prompt"'), "prompt"),
    ("cut", TEXT[:len(TEXT) // 2], PLACE),
    ("cut by one byte", TEXT[:-1], PLACE),
    ("cut in a text", TEXT[:TEXT.index(b"lighthouse") + 3], PLACE),
    ("another document after it", TEXT + b"{}", PLACE),
    ("a bracket too many", TEXT + b"}", PLACE),
    ("a comma too many", text_with(b'"sea"', b'"sea",,'), PLACE),
    ("a comma at the end", text_with(b'"night"', b'"night",'), PLACE),
    ("no comma", text_with(b'"sea",', b'"sea"'), PLACE),
    ("no colon", text_with(b'"prompt":', b'"prompt"'), PLACE),
    ("single quotes", text_with(b'"sea"', b"'sea'"), PLACE),
    ("a name without quotes", text_with(b'"prompt"', b"prompt"), PLACE),
    ("a comment", text_with(b'"sea"', b'"sea" // comment\n'), PLACE),
    ("Python's words", text_with(b"true", b"True"), PLACE),
    ("a line break in a text", text_with(b"lighthouse", b"light\nhouse"), PLACE),
    ("a tab in a text", text_with(b"lighthouse", b"light\thouse"), PLACE),
    ("a NUL in a text", text_with(b"lighthouse", b"light\0house"), PLACE),
    ("a NUL after it", TEXT + b"\0", PLACE),
    ("an unknown escape", text_with(b"lighthouse", b"light\\xhouse"), PLACE),
    ("a cut escape", text_with(b"lighthouse", b"light\\u12"), PLACE),
    ("bytes that are no UTF-8", text_with(b"lighthouse", b"light\xffhouse"), PLACE),
    ("a cut character", text_with(b"lighthouse", b"light\xe6\xbd"), PLACE),
    ("an overlong character", text_with(b"lighthouse", b"light\xc0\xafhouse"), PLACE),
    ("a surrogate in UTF-8", text_with(b"lighthouse", b"light\xed\xa0\x80house"), PLACE),
    ("a character after the last", text_with(b"lighthouse", b"\xf4\x90\x80\x80"), PLACE),
    ("Latin-1", text_with(b"lighthouse", "caf\xe9".encode("latin-1")), PLACE),
    ("UTF-16", TEXT.decode().encode("utf-16"), "."),
    ("a leading zero", text_with(b'"seed": 42', b'"seed": 042'), PLACE),
    ("a plus", text_with(b'"seed": 42', b'"seed": +42'), PLACE),
    ("hexadecimal", text_with(b'"seed": 42', b'"seed": 0x2a'), PLACE),
    ("no digits after the point", text_with(b"7.5", b"7."), PLACE),
    ("no digits before the point", text_with(b"7.5", b".5"), PLACE),
    ("no exponent", text_with(b"7.5", b"7.5e"), PLACE),
    ("a minus alone", text_with(b"7.5", b"-"), PLACE),
    ("a field twice", text_with(b'"prompt":', b'"prompt": "one", "prompt":'), "prompt"),
    ("model_info twice", text_with(b'"model_info":', b'"model_info": {}, "model_info":'), "model_info"),
    ("a setting twice", text_with(b'"seed": 42', b'"seed": 42, "seed": 43'), "seed"),
    ("a seed that is no number", text_with(b'"seed": 42', b'"seed": NaN'), "seed"),
    ("a seed without end", text_with(b'"seed": 42', b'"seed": Infinity'), "seed"),
    ("a negative seed of 30 digits", text_with(b'"seed": 42', b'"seed": -' + b"1" * 30), "seed"),
    ("100 000 arrays", b"[" * 100_000, "."),
    ("100 000 arrays, closed", text_with(b'"sea"', b"[" * 100_000 + b"]" * 100_000), "."),
    ("100 000 objects", b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "."),
    ("100 000 arrays in an unknown field",
     text_with(b'"prompt":', b'"mine": ' + b"[" * 100_000 + b"]" * 100_000 + b', "prompt":'), "."),
    ("a latent's key that is a number", text_with(b'"key": "x"', b'"key": 5'), "key"),
    ("an image", PNG, "."),
)]

# --- environments -------------------------------------------------------------------------------

ENVIRONMENT = json.loads(container.environment())


def environment(change):
    root = json.loads(json.dumps(ENVIRONMENT))
    change(root)
    return json.dumps(root, indent=2).encode()


def in_component(field, value):
    def change(root):
        if value is DELETED:
            del root["components"][1][field]
        else:
            root["components"][1][field] = value
    return environment(change)


DIGEST = ENVIRONMENT["components"][1]["component_sha256_digest"]
OTHER_DIGEST = ENVIRONMENT["components"][0]["component_sha256_digest"]
GOOD_ENVIRONMENT = container.environment()

ENVIRONMENTS = [("env.json", *row) for row in (
    ("empty", b"", "."),
    ("an empty object", b"{}", "env_version|components"),
    ("an array", b"[]", "."),
    ("null", b"null", "."),
    ("cut", GOOD_ENVIRONMENT[:-3], PLACE),
    ("text after it", GOOD_ENVIRONMENT + b" x", PLACE),
    ("bytes that are no UTF-8", GOOD_ENVIRONMENT.replace(b"3.11.7", b"3.11.\xff"), PLACE),
    ("100 000 arrays", b"[" * 100_000, "."),
    ("a third key", environment(lambda root: root.update(machine="x")), "machine|key|field"),
    ("no version", environment(lambda root: root.pop("env_version")), "env_version"),
    ("no components", environment(lambda root: root.pop("components")), "components"),
    *((f"version {json.dumps(value)}",
       environment(lambda root, value=value: root.update(env_version=value)), "env_version")
      for value in ("1", 1.5, None, True, [1], -1)),
    *((f"components {json.dumps(value)}",
       environment(lambda root, value=value: root.update(components=value)), "component")
      for value in ({}, "x", None, 5, [1], ["x"], [None], [{}], [[]])),
    *((f"{field} {told(value)}", in_component(field, value), field)
      for field in ("component_id", "cononical_str", "component_sha256_digest")
      for value in (DELETED, 5, None, ["x"], True)),
    ("a digest of another component", in_component("component_sha256_digest", OTHER_DIGEST),
     "(?i)digest|sha|hash"),
    ("a digest of zeros", in_component("component_sha256_digest", "0" * 64), "(?i)digest|sha|hash"),
    ("a digest too short", in_component("component_sha256_digest", DIGEST[:-1]), "(?i)digest|sha|hash"),
    ("a digest too long", in_component("component_sha256_digest", DIGEST + "0"), "(?i)digest|sha|hash"),
    ("no digest", in_component("component_sha256_digest", ""), "(?i)digest|sha|hash"),
    ("a changed canonical string", GOOD_ENVIRONMENT.replace(b"3.11.7", b"3.11.8"),
     "(?i)digest|sha|hash"),
    ("the right spelling of the misspelling", GOOD_ENVIRONMENT.replace(b"cononical", b"canonical"),
     "cononical_str|canonical_str"),
    ("a key twice", GOOD_ENVIRONMENT.replace(b'"env_version": 1', b'"env_version": 1, "env_version": 1'),
     "env_version"),
    ("an image", PNG, "."),
)]

OTHER_IMAGES = [
    (f"image.{suffix}", name, content, words)
    for suffix, whole in (("jpg", encoded("JPEG")), ("webp", encoded("WEBP")), ("gif", encoded("GIF")),
                          ("bmp", encoded("BMP")), ("tiff", encoded("TIFF")))
    for name, content, words in (
        ("empty", b"", "."), ("text", b"no image\n", "."), ("zeros", bytes(500), "."),
        ("signature alone", whole[:4], "."), ("PNG", PNG, "(?i)png|signature|format|name"),
    )
]
BASES = {
    f"image.{suffix}": build(image=encoded(kind))
    for suffix, kind in (("jpg", "JPEG"), ("webp", "WEBP"), ("gif", "GIF"), ("bmp", "BMP"),
                         ("tiff", "TIFF"))
}

TABLE = [*IMAGES, *OTHER_IMAGES, *LATENTS, *SCHEMA_ROWS, *SYNTAX_ROWS, *ENVIRONMENTS]


def base_of(member):
    return BASES.get(member, BASE)


def write_and_sync(path, content):
    """Gives fsync's error; close must then give the same."""
    descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC)
    os.write(descriptor, content)
    try:
        os.fsync(descriptor)
    except OSError as refusal:
        try:
            os.close(descriptor)
        except OSError as error:
            assert error.errno == refusal.errno, error
        raise
    os.close(descriptor)


def write_and_rename(path, content):
    write_file(path + ".part", content)
    try:
        os.rename(path + ".part", path)
    finally:
        if os.path.lexists(path + ".part"):
            os.unlink(path + ".part")


def write_in_place(path, content):
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.pwrite(descriptor, content, 0)
        os.ftruncate(descriptor, len(content))
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)


class Table(unittest.TestCase):
    """The table is right about what is wrong."""

    def test_it_has_many_rows_of_unique_names(self):
        self.assertGreaterEqual(len(TABLE), 100)
        self.assertEqual(len({row[:2] for row in TABLE}), len(TABLE))

    def test_what_it_starts_from_is_valid(self):
        for content in (BASE, *BASES.values()):
            container.strict_check(content)
        np.load(io.BytesIO(GOOD_NPY))
        np.load(io.BytesIO(described()))
        with Image.open(io.BytesIO(png(CHUNKS))) as image:
            image.load()
        self.assertEqual(png(CHUNKS), PNG)
        container.check_environment(environment(lambda root: None))

    def test_its_images_are_refused_by_pillow(self):
        for _, name, content, _ in IMAGES:
            if "under the name" in name or name in BEYOND_PILLOW:
                continue
            with self.subTest(name), self.assertRaises(
                    (OSError, SyntaxError, ValueError, TypeError, Image.DecompressionBombError)):
                with Image.open(io.BytesIO(content)) as image:
                    image.verify()
                with Image.open(io.BytesIO(content)) as image:
                    if image.width * image.height > 10 ** 8:
                        raise ValueError("huge")
                    image.load()

    def test_its_latents_break_the_rules(self):
        for _, name, content, _ in LATENTS:
            with self.subTest(name), self.assertRaises(
                    (OSError, SyntaxError, ValueError, EOFError, TypeError, OverflowError,
                     RecursionError, MemoryError, tokenize.TokenError)):
                values = np.load(io.BytesIO(content), allow_pickle=False)
                if (not isinstance(values, np.ndarray)
                        or values.dtype.str[1:] not in ("f2", "f4")
                        or values.ndim != 4 or not values.size or max(values.shape) > 8192
                        or not np.isfinite(values).all()
                        or len(npy_bytes(values)) != len(content)):
                    raise ValueError("breaks a rule of the format")

    def test_its_metadata_breaks_the_rules(self):
        for _, name, content, _ in (*SCHEMA_ROWS, *SYNTAX_ROWS):
            if name == "a latent's key that is a number":
                continue
            with self.subTest(name), self.assertRaises((ValueError, AssertionError, RecursionError)):
                root = container.load_json(content.decode())
                json.dumps(root, ensure_ascii=False).encode()
                if "twice" not in name:
                    container.check_schema(root)
                else:
                    self.assertIn(b": ", content)
                    raise ValueError("repeats a key")

    def test_its_environments_break_the_rules(self):
        for _, name, content, _ in ENVIRONMENTS:
            with self.subTest(name), self.assertRaises((ValueError, AssertionError)):
                container.check_environment(content)


class InvalidWrites(unittest.TestCase):
    """Each row has a container of its own."""

    @classmethod
    def prepare(cls, source):
        for number, (member, *_) in enumerate(TABLE):
            write_file(os.path.join(source, f"{number}.gen5"), base_of(member))
        write_file(os.path.join(source, "late.gen5"), BASE)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mount = cls.enterClassContext(Mount(prepare=cls.prepare))

    def assert_refused(self, name, member, content, words, save, number=errno.EINVAL):
        path = os.path.join(self.mount.path, name, member)
        old_member = read_file(path)
        old_container = read_file(os.path.join(self.mount.source, name))
        with self.assertRaises(OSError) as raised:
            save(path, content)
        self.assertEqual(raised.exception.errno, number, raised.exception)
        self.assertEqual(
            read_file(os.path.join(self.mount.source, name)), old_container, "the container changed")
        self.assertEqual(read_file(path), old_member, "the member changed")
        self.assertEqual(os.path.getsize(path), len(old_member))
        reason = os.getxattr(path, "user.gen5.error").decode()
        self.assertRegex(reason, r"[A-Za-z]{2,}[ :].*[A-Za-z]{2,}", "the reason is not in words")
        self.assertRegex(reason, words)
        return reason

    def each_row(self, save, rows):
        for number, (member, name, content, words) in enumerate(TABLE):
            if rows(number):
                with self.subTest(member, row=name):
                    self.assert_refused(f"{number}.gen5", member, content, words, save)

    def test_close_refuses_every_row(self):
        self.each_row(write_file, lambda number: True)

    def test_fsync_refuses(self):
        self.each_row(write_and_sync, lambda number: number % 7 == 0)

    def test_a_rename_over_the_member_refuses(self):
        self.each_row(write_and_rename, lambda number: number % 7 == 1)

    def test_a_save_in_place_refuses(self):
        self.each_row(write_in_place, lambda number: number % 7 == 2)

    def test_a_latent_of_too_many_elements_is_refused(self):
        # 8192 * 8192 * 2 elements are over 100 000 000; the file is sparse.
        head = described("'<f2'", shape="(1, 2, 8192, 8192)", payload=b"")

        def save(path, content):
            descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC)
            os.write(descriptor, content)
            os.ftruncate(descriptor, len(content) + 2 * 2 * 8192 * 8192)
            os.close(descriptor)

        self.assert_refused("late.gen5", "latent.npy", head, "(?i)element|large|many|size|100", save)

    def test_documents_over_their_limits_are_too_large(self):
        document = container.parse(BASE).root
        for member, content in (
            ("metadata.json", json.dumps({**document, "own": "x" * (64 << 20)}).encode()),
            ("env.json", json.dumps({"env_version": 1, "components": [{
                "component_id": "os", "cononical_str": "x" * (1 << 20), "hash": ""}]}).encode()),
        ):
            for save in write_file, write_and_sync, write_and_rename:
                with self.subTest(member, save=save.__name__):
                    self.assert_refused("late.gen5", member, content, "limit|larger|too large", save,
                                        errno.EFBIG)

    def test_the_reason_goes_away_with_a_good_save(self):
        self.assert_refused("late.gen5", "env.json", b"{}", ".", write_file)
        path = os.path.join(self.mount.path, "late.gen5", "env.json")
        write_file(path, container.environment(("os", "name=os;version=Linux 6")))
        with self.assertRaises(OSError) as raised:
            os.getxattr(path, "user.gen5.error")
        self.assertEqual(raised.exception.errno, errno.ENODATA)

    def test_the_reason_is_in_the_log(self):
        reason = self.assert_refused("late.gen5", "metadata.json", b"{]", PLACE, write_file)
        eventually(lambda: reason.split("\n")[0][:60] in self.mount.log(), 5)

    def test_neighbours_are_untouched_by_a_refusal(self):
        self.assert_refused("late.gen5", "image.png", b"no image", ".", write_file)
        parsed = container.parse(BASE)
        folder = os.path.join(self.mount.path, "late.gen5")
        self.assertEqual(read_file(os.path.join(folder, "image.png")), parsed.image)
        self.assertEqual(
            np.load(os.path.join(folder, "latent.npy")).tobytes(), parsed.latents["x"][2])


if __name__ == "__main__":
    unittest.main()
