# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Malformed containers, all in one source folder: whatever they hold, the daemon lives on within its
# memory, their neighbours stay readable, and no payload is served that does not match its hash.

import errno
import io
import json
import os
import re
import shutil
import socket
import stat
import struct
import time
import unittest

import numpy as np

import container
from container import DELETE, Chunk, build, latent_chunk
from mount_case import new_image, npy_bytes, read_file, sha256, write_file
from mounted import REFERENCE, Mount, eventually

MEMORY_MAX = 400 * 2 ** 20
MANIFEST_MAX = 64 * 2 ** 20
GIANT_SIZE = 256 * 2 ** 20
GIANT_SECONDS = 3
IMAGE = new_image(3)
ENVIRONMENT = container.environment()
VALUES = np.arange(64, dtype="<f2").reshape(1, 4, 4, 4)
LATENT = ("x", "float16", VALUES.shape, VALUES.tobytes())


def hostile(**options):
    return build(**{"image": IMAGE, "latents": [LATENT], "env": ENVIRONMENT, **options})


GOOD = hostile()
PACKED = hostile(compressed="zstd", meta=container.compress)
HEADER = container.parse(GOOD).header

# Rows are (name, content, unreadable): where `unreadable` is true nothing but the error file may be
# shown, otherwise the rule is that what is served is true.
ROWS = []


def row(name, content, unreadable=False):
    ROWS.append((name, content, unreadable))


def in_record(position, /, **changes):
    def change(root):
        for name, value in changes.items():
            if value is DELETE:
                del root["gen5_metadata"]["chunks"][position][name]
            else:
                root["gen5_metadata"]["chunks"][position][name] = value
    return change


def in_extra(**changes):
    return in_record(0, extra={"shape": [1, 4, 4, 4], "dtype": "float16", "key": "x", **changes})


# --- the header ---------------------------------------------------------------------------------

for _field, _bits in (
    ("version_major", 8), ("version_minor", 8), ("flags", 16), ("table_offset", 32),
    ("table_size", 32), ("chunk_count", 32), ("file_size", 32), ("reserved", 64),
):
    for _value in sorted({0, 1, 2 ** (_bits - 1), 2 ** _bits - 1}):
        if _value != getattr(HEADER, _field):
            row(f"header {_field} {_value}", hostile(header={_field: _value}),
                _field in ("table_offset", "table_size") or (_field, _value) == ("version_major", 0))
for _name, _magic in (("zeros", b"\0" * 4), ("ones", b"\xff" * 4), ("case", b"gen5"),
                      ("turned", b"5NEG"), ("next", b"GEN6")):
    row(f"magic of {_name}", hostile(header={"magic": _magic}), True)
row("offset and size that overflow", hostile(header={
    "table_offset": 2 ** 32 - 100, "table_size": 200}), True)
row("offset at the end", hostile(header={"table_offset": len(GOOD), "table_size": 0}), True)
row("table over the header", hostile(header={"table_offset": 0, "table_size": len(GOOD)}), True)
row("table of one byte too few", hostile(header={"table_size": HEADER.table_size - 1}), True)
row("successor format", b"raiiaf" + GOOD[6:], True)

# --- the manifest -------------------------------------------------------------------------------

for _name, _text in (
    ("nothing", b""), ("spaces", b" " * 1000), ("null", b"null"), ("a number", b"5"), ("an array", b"[]"),
    ("an empty object", b"{}"), ("no metadata", b'{"gen5_metadata": null}'),
    ("text for metadata", b'{"gen5_metadata": "x"}'),
    ("100 000 arrays", b"[" * 100_000), ("100 000 closed arrays", b"[" * 100_000 + b"]" * 100_000),
    ("100 000 objects", b'{"a":' * 100_000), ("10 000 000 arrays", b"[" * 10_000_000),
    ("a NUL", b"\0"), ("no UTF-8", b'{"gen5_metadata": "\xff"}'), ("zeros", bytes(5000)),
    ("a text not closed", b'{"gen5_metadata": "'), ("a byte order mark", b"\xef\xbb\xbf{}"),
):
    row(f"manifest of {_name}", hostile(text=lambda text, new=_text: new), True)

row("manifest of empty metadata", hostile(text=lambda text: b'{"gen5_metadata": {}}'))

for _share in (0.1, 0.3, 0.5, 0.7, 0.9, 0.99):
    row(f"manifest cut at {_share}", hostile(
        text=lambda text, share=_share: text[:int(len(text) * share)]), True)


def with_text(name, old, new, unreadable=False):
    assert old in container.parse(GOOD).manifest_bytes, old
    row(name, hostile(text=lambda text: text.replace(old, new, 1)), unreadable)


with_text("nested deeply in an unknown field", b'"prompt":',
          b'"u": ' + b"[" * 100_000 + b"]" * 100_000 + b', "prompt":')
with_text("lone surrogate in the prompt", b"lighthouse", b"\\ud800")
with_text("NUL in the prompt", b"lighthouse", b"light\\u0000house")
with_text("no UTF-8 in the prompt", b"lighthouse", b"light\xffhouse")
with_text("NUL in the key", b'"key": "x"', b'"key": "x\\u0000y"')
with_text("lone surrogate in the key", b'"key": "x"', b'"key": "\\udfff"')
with_text("chunks twice", b'"chunks":', b'"chunks": [], "chunks":')
with_text("chunks in another case", b'"chunks":', b'"Chunks": [], "chunks":')
with_text("offset twice", b'"offset": 32', b'"offset": 0, "offset": 32')
with_text("seed of 100 000 digits", b'"seed": 42', b'"seed": ' + b"7" * 100_000)
with_text("exponent of 100 000 digits", b"7.5", b"7.5e" + b"9" * 100_000)
with_text("name of a MiB", b'"prompt":', b'"' + b"n" * 2 ** 20 + b'": 1, "prompt":')
for _name, _change in (
    ("chunks lacking", lambda root: root["gen5_metadata"].pop("chunks") and None),
    ("chunks an object", lambda root: root["gen5_metadata"].update(chunks={})),
    ("chunks text", lambda root: root["gen5_metadata"].update(chunks="x")),
    ("chunks of numbers", lambda root: root["gen5_metadata"].update(chunks=[1, 2, 3])),
    ("chunks of null", lambda root: root["gen5_metadata"].update(chunks=[None])),
    ("no file_info", lambda root: root["gen5_metadata"].pop("file_info") and None),
    ("no model_info", lambda root: root["gen5_metadata"].pop("model_info") and None),
    ("model_info text", lambda root: root["gen5_metadata"].update(model_info="x")),
    ("prompt an object", lambda root: root["gen5_metadata"]["model_info"].update(prompt={})),
    ("tags of objects", lambda root: root["gen5_metadata"]["model_info"].update(tags=[{}, [], None])),
    ("settings an array", lambda root: root["gen5_metadata"]["model_info"].update(
        generation_settings=[])),
    ("prompt of 2 MiB", lambda root: root["gen5_metadata"]["model_info"].update(prompt="p" * 2 ** 21)),
    ("a tag 100 000 times", lambda root: root["gen5_metadata"]["model_info"].update(
        tags=["t"] * 100_000)),
):
    row(_name, hostile(manifest=_change))
row("200 000 records", build(image=IMAGE, text=lambda text: re.sub(
    rb'"chunks": \[(.*)\]', lambda match: b'"chunks": [' + b",".join(
        [re.sub(rb"\s+", b"", match[1])] * 200_000) + b"]", text, flags=re.DOTALL)))
row("20 000 empty records", hostile(manifest=lambda root: root["gen5_metadata"].update(
    chunks=[{}] * 20_000)))

# --- the manifest's frame -----------------------------------------------------------------------

_TEXT = container.parse(GOOD).manifest_bytes
_SPACES = container.compress(b"META0000" + struct.pack("<I", 300 * 2 ** 20 + len(_TEXT))
                             + b" " * (300 * 2 ** 20) + _TEXT)
_SKIP = struct.pack("<II", 0x184D2A50, 16) + bytes(16)
# A writer must not make these; a reader may take them for what they mean.
_MAY_BE_READ = (
    "two frames", "a skippable frame before", "a skippable frame after", "no content size",
    "a wrong inner type", "an inner size too large", "an inner size too small",
)
for _name, _meta in (
    ("two frames", lambda whole: container.store(whole[:100]) + container.store(whole[100:])),
    ("a skippable frame before", lambda whole: _SKIP + container.store(whole)),
    ("a skippable frame after", lambda whole: container.store(whole) + _SKIP),
    ("a skippable frame alone", lambda whole: _SKIP),
    ("no content size", lambda whole: container.store(whole, None)),
    ("a content size one too small", lambda whole: container.store(whole, len(whole) - 1)),
    ("a content size one too large", lambda whole: container.store(whole, len(whole) + 1)),
    ("a content size of nothing", lambda whole: container.store(whole, 0)),
    ("a content size of 2^32", lambda whole: container.store(whole, 2 ** 32)),
    ("a content size of 2^64-1", lambda whole: container.store(whole, 2 ** 64 - 1)),
    ("a content size of 2^63", lambda whole: container.store(whole, 2 ** 63)),
    ("a dictionary", lambda whole: container.store(whole, dictionary_id=0xDEADBEEF)),
    ("no compression", lambda whole: whole),
    ("a wrong inner type", lambda whole: container.store(b"DATA" + whole[4:])),
    ("an inner size too large", lambda whole: container.store(whole[:8] + b"\xff" * 4 + whole[12:])),
    ("an inner size too small", lambda whole: container.store(whole[:8] + bytes(4) + whole[12:])),
    ("an inner header cut", lambda whole: container.store(whole[:11])),
    ("nothing in it", lambda whole: container.store(b"")),
    ("garbage", lambda whole: b"\xa5" * 500),
    ("garbage after the magic", lambda whole: struct.pack("<I", container.FRAME_MAGIC) + b"\xff" * 500),
    # Spaces before, in 4 bytes each 128 KiB: 300 MiB in 10 KB.
    ("300 MiB of spaces", lambda whole: container.repeat(
        whole[:8] + struct.pack("<I", len(whole) - 12 + 300 * 2 ** 20), b" ", 300 * 2 ** 20,
        tail=whole[12:])),
    ("300 MiB of spaces, as zstd packs them", lambda whole: _SPACES),
    ("4 GiB of spaces", lambda whole: container.repeat(
        whole[:8] + b"\xff\xff\xff\xff", b" ", 2 ** 32 - 1)),
    ("300 MiB of brackets", lambda whole: container.repeat(
        whole[:8] + struct.pack("<I", 300 * 2 ** 20), b"[", 300 * 2 ** 20)),
    ("30 MiB of brackets", lambda whole: container.repeat(
        whole[:8] + struct.pack("<I", 30 * 2 ** 20), b"[", 30 * 2 ** 20)),
    ("spaces that the size hides", lambda whole: container.repeat(
        whole[:12], b" ", 300 * 2 ** 20, len(whole), tail=whole[12:])),
):
    row(f"META frame: {_name}", hostile(meta=_meta), _name not in _MAY_BE_READ)

# --- records ------------------------------------------------------------------------------------

_BAD_NUMBERS = (
    -1, -32, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 63 - 1, 2 ** 63, 2 ** 64 - 1, 2 ** 64, 10 ** 30, 32.5,
    1e300, "32", None, True, [], {}, DELETE,
)
for _field in ("offset", "compressed_size", "uncompressed_size"):
    for _value in _BAD_NUMBERS:
        row(f"{_field} {'lacking' if _value is DELETE else json.dumps(_value)}",
            hostile(manifest=in_record(1, **{_field: _value})))
for _name, _changes in (
    ("into the header", {"offset": 0}),
    ("over the header's end", {"offset": 20}),
    ("into META", {"offset": HEADER.table_offset}),
    ("over META", {"compressed_size": HEADER.table_size + 1000}),
    ("onto the latent", {"offset": 32}),
    ("one byte late", {"offset": container.parse(GOOD).records[1]["offset"] + 1}),
    ("at the end of the file", {"offset": len(GOOD)}),
    ("whose sum overflows 32 bits", {"offset": 2 ** 32 - 10, "compressed_size": 2 ** 32 - 10}),
    ("whose sum overflows 64 bits", {"offset": 2 ** 64 - 10, "compressed_size": 100}),
    ("of no bytes", {"compressed_size": 0}),
    ("of eleven bytes", {"compressed_size": 11}),
    ("of an inner header alone", {"compressed_size": 12}),
    ("of another size", {"uncompressed_size": len(IMAGE) - 1}),
    ("of no payload", {"uncompressed_size": 0}),
    ("of another hash", {"hash": "0" * 64}),
    ("of no hash", {"hash": ""}),
    ("of an upper-case hash", {"hash": sha256(IMAGE).upper()}),
    ("of a short hash", {"hash": sha256(IMAGE)[:63]}),
    ("of a hash that is a number", {"hash": 5}),
    ("of a hash of other letters", {"hash": "g" * 64}),
    ("without hash", {"hash": DELETE}),
    ("said to be compressed", {"compressed": True}),
    ("of a compressed that is text", {"compressed": "false"}),
    ("without compressed", {"compressed": DELETE}),
    ("of an unknown type", {"type": "DAT4"}),
    ("of a type in another case", {"type": "data"}),
    ("of a long type", {"type": "DATADATA"}),
    ("of an empty type", {"type": ""}),
    ("of a type that is a number", {"type": 5}),
    ("without type", {"type": DELETE}),
    ("said to be a latent", {"type": "LATN"}),
    ("said to be an environment", {"type": "ENVC"}),
    ("said to be META", {"type": "META"}),
    ("of an extra that is text", {"extra": "x"}),
    ("without extra", {"extra": DELETE}),
    ("of flags that are a number", {"flags": 5}),
    ("of a negative index", {"index": -1}),
):
    row(f"image record {_name}", hostile(manifest=in_record(1, **_changes)))
row("raw chunk said to be compressed, all", hostile(manifest=lambda root: [
    record.update(compressed=True) for record in root["gen5_metadata"]["chunks"]] and None))
row("compressed chunks said to be raw", hostile(compressed=True, manifest=lambda root: [
    record.update(compressed=False) for record in root["gen5_metadata"]["chunks"]] and None))
row("records backwards", hostile(manifest=lambda root: root["gen5_metadata"]["chunks"].reverse()))
row("all records onto one chunk", hostile(manifest=lambda root: [
    record.update(offset=32) for record in root["gen5_metadata"]["chunks"]] and None))
row("bytes after META", hostile(tail=b"trailing garbage" * 10))
row("bytes before META", hostile(between=b"hidden garbage" * 10))
row("a thousand records of one image", hostile(manifest=lambda root: root["gen5_metadata"].update(
    chunks=root["gen5_metadata"]["chunks"] + [root["gen5_metadata"]["chunks"][1]] * 1000)))

for _name, _changes in (
    ("shape empty", {"shape": []}), ("shape of text", {"shape": "1x4x4x4"}), ("shape null", {"shape": None}),
    ("shape of texts", {"shape": ["1", "4", "4", "4"]}), ("shape of floats", {"shape": [1.5, 4, 4, 4]}),
    ("shape negative", {"shape": [-1, -4, 4, 4]}), ("shape too small", {"shape": [1, 4, 4, 3]}),
    ("shape too large", {"shape": [1, 4, 4, 5]}), ("shape with zero", {"shape": [0, 4, 4, 4]}),
    ("shape of 2^62", {"shape": [2 ** 62, 4, 1, 1]}), ("shape of 2^32 twice", {"shape": [2 ** 32, 2 ** 32]}),
    ("shape that overflows to the right size", {"shape": [2 ** 32 + 1, 2 ** 32, 64, 1]}),
    ("shape of 10^30", {"shape": [10 ** 30, 1, 1, 1]}), ("shape of 1e19", {"shape": [1e19, 1, 1, 1]}),
    ("shape of 10 000 dimensions", {"shape": [1] * 10_000}),
    ("shape of 33 dimensions", {"shape": [1] * 32 + [64]}),
    ("shape nested", {"shape": [[1, 4], [4, 4]]}), ("dtype unknown", {"dtype": "float64"}),
    ("dtype of the other size", {"dtype": "float32"}), ("dtype a number", {"dtype": 16}),
    ("dtype in another case", {"dtype": "Float16"}), ("dtype with a NUL", {"dtype": "float16\0"}),
    ("key a number", {"key": 5}), ("key null", {"key": None}), ("key an array", {"key": ["x"]}),
    ("key of a MiB", {"key": "k" * 2 ** 20}), ("key of a MiB of slashes", {"key": "/" * 2 ** 20}),
    ("key that climbs", {"key": "../../../../etc/passwd"}), ("key of a NUL", {"key": "\0"}),
    ("key of lines", {"key": "a\nb\r\n"}),
):
    row(f"latent's {_name}", hostile(manifest=in_extra(**_changes)))
for _name in ("shape", "dtype", "key"):
    row(f"latent without {_name}", hostile(manifest=lambda root, name=_name: root["gen5_metadata"][
        "chunks"][0]["extra"].pop(name) and None))
row("latent without extra", hostile(manifest=in_record(0, extra=DELETE)))
row("latent of flags F32", hostile(manifest=in_record(0, flags="F32")))
row("latent of 8 EiB in 12 bytes", hostile(latents=[], chunks=[latent_chunk(
    "x", "float32", (2 ** 31, 2 ** 31), b"", inner_size=2 ** 32 - 1)]))
row("two keys that look alike", hostile(latents=[
    ("a/b", *LATENT[1:]), ("a%2Fb", *LATENT[1:]), ("a%252Fb", *LATENT[1:])]))
row("5000 latents", hostile(latents=[(f"k{number}", *LATENT[1:]) for number in range(5000)]))

# --- the frames of chunks -----------------------------------------------------------------------


def framed(name, stored, payload=None, **record):
    """A container whose latent is a compressed chunk that `stored` makes."""
    payload = VALUES.tobytes() if payload is None else payload
    row(f"frame: {name}", hostile(latents=[], chunks=[latent_chunk(
        "x", "float16", VALUES.shape, payload, compressed=True, stored=stored, record=record)]))


def bomb(size, declared, claimed):
    """A latent of `size` zeros whose frame declares, and whose record claims, other sizes."""
    def stored(whole):
        return container.repeat(whole[:8] + struct.pack("<I", min(claimed, 2 ** 32 - 1)), b"\0", size, declared)
    shape = [1, 1, claimed // 2 // 4096, 4096]
    return {
        "stored": stored, "payload": b"", "uncompressed_size": claimed, "hash": "0" * 64,
        "extra": {"shape": shape, "dtype": "float16", "key": "x"},
    }


framed("two frames", lambda whole: container.store(whole[:40]) + container.store(whole[40:]))
framed("a frame twice", lambda whole: container.store(whole) * 2)
framed("a skippable frame before", lambda whole: _SKIP + container.store(whole))
framed("a skippable frame after", lambda whole: container.store(whole) + _SKIP)
framed("skippable alone", lambda whole: _SKIP)
framed("bytes after it", lambda whole: container.store(whole) + b"x")
framed("no content size", lambda whole: container.store(whole, None))
framed("content size too small", lambda whole: container.store(whole, len(whole) - 1))
framed("content size too large", lambda whole: container.store(whole, len(whole) + 1))
framed("content size 0", lambda whole: container.store(whole, 0))
framed("content size 2^64-1", lambda whole: container.store(whole, 2 ** 64 - 1))
framed("content size 2^40", lambda whole: container.store(whole, 2 ** 40))
framed("a dictionary", lambda whole: container.store(whole, dictionary_id=1))
framed("reserved bit", lambda whole: bytes([*container.store(whole)[:4], 0xE8, *container.store(whole)[5:]]))
framed("reserved block", lambda whole: container.frame_header(len(whole)) + container.block(3, 1, b"x", True))
framed("block over its limit", lambda whole: container.frame_header(2 ** 21 - 1)
       + container.block(1, 2 ** 21 - 1, b"\0", True))
framed("compressed block of garbage", lambda whole: container.frame_header(len(whole))
       + container.block(2, 50, b"\xa5" * 50, True))
framed("compressed block of nothing", lambda whole: container.frame_header(len(whole))
       + container.block(2, 0, b"", True))
framed("window of 2 TiB", lambda whole: struct.pack("<IBB", container.FRAME_MAGIC, 0xC0, 0xFF)
       + struct.pack("<Q", len(whole)) + container.block(0, len(whole), whole, True))
framed("cut", lambda whole: container.store(whole)[:-5])
framed("empty", lambda whole: b"")
framed("one byte", lambda whole: b"\x28")
framed("no last block", lambda whole: container.frame_header(len(whole)) + container.block(
    0, len(whole), whole, False))
framed("other inner type", lambda whole: container.store(b"DATA" + whole[4:]))
framed("other inner flags", lambda whole: container.store(whole[:4] + b"F64\0" + whole[8:]))
framed("inner size too large", lambda whole: container.store(whole[:8] + b"\xff" * 4 + whole[12:]))
framed("inner size too small", lambda whole: container.store(whole[:8] + bytes(4) + whole[12:]))
framed("more payload than said", lambda whole: container.store(whole + bytes(100)))
framed("less payload than said", lambda whole: container.store(whole[:-2]))
# What one frame can hold at most: 32 768 bytes for each of its own.
framed("bomb of 1 GiB that says so", **bomb(2 ** 30, -1, 2 ** 30))
framed("bomb of 4 GiB that says so", **bomb(2 ** 32 - 8192, -1, 2 ** 32 - 8192))
framed("bomb of 1 GiB that declares 140 bytes", **bomb(2 ** 30, 140, 8192))
framed("bomb of 1 GiB whose record claims 8 KiB", **bomb(2 ** 30, -1, 8192))
framed("claim of 4 GiB in a few bytes", **bomb(1000, 2 ** 32 - 8192 + 12, 2 ** 32 - 8192))
framed("claim of 16 TiB in a few bytes", **bomb(1000, 2 ** 44, 2 ** 44))
row("image bomb of 1 GiB", hostile(image=None, chunks=[Chunk(
    "DATA", IMAGE, compressed=True, stored=lambda whole: container.repeat(
        whole[:8] + struct.pack("<I", 2 ** 30 + len(IMAGE)) + IMAGE, b"\0", 2 ** 30),
    record={"uncompressed_size": 2 ** 30 + len(IMAGE), "hash": "0" * 64})]))
row("environment bomb of 1 GiB", hostile(env=None, chunks=[Chunk(
    "ENVC", ENVIRONMENT, compressed=True, stored=lambda whole: container.repeat(
        whole[:8] + struct.pack("<I", 2 ** 30), b" ", 2 ** 30),
    record={"uncompressed_size": 2 ** 30, "hash": "0" * 64})]))
row("raw payload of 4 GiB in 12 bytes", hostile(image=None, chunks=[Chunk(
    "DATA", b"", inner_size=2 ** 32 - 1,
    record={"uncompressed_size": 2 ** 32 - 1, "compressed_size": 2 ** 32 + 11, "hash": "0" * 64})]))

# --- damage of whole files ----------------------------------------------------------------------

_ONE_PIXEL = read_file(os.path.join(REFERENCE, "one-pixel.gen5"))
for _name, _whole in (("plain", GOOD), ("packed", PACKED), ("golden", _ONE_PIXEL)):
    for _size in sorted({0, 1, 3, 4, 5, 16, 31, 32, 33, 44, 100, *(
            len(_whole) * part // 12 for part in range(1, 12)), len(_whole) - 2, len(_whole) - 1}):
        row(f"{_name} cut to {_size}", _whole[:_size], True)
    for _at in sorted({*range(0, 32, 3), 32, 36, 40, 43, 44, 60, *(
            len(_whole) * part // 24 for part in range(1, 24)), len(_whole) - 1}):
        row(f"{_name} with a flipped bit at {_at}",
            _whole[:_at] + bytes([_whole[_at] ^ 1 << _at % 8]) + _whole[_at + 1:])
row("random bytes", np.random.default_rng(1).bytes(5000), True)
row("random bytes after the header", GOOD[:32] + np.random.default_rng(2).bytes(len(GOOD) - 32), True)
row("a file of zeros", bytes(100_000), True)
row("a file of 0xff", b"\xff" * 100_000, True)
row("a PNG", IMAGE, True)
row("an npy file", npy_bytes(VALUES), True)
row("twice", GOOD + GOOD)
row("in itself", GOOD[:32] + GOOD, None)


def manifest_of(content):
    """The text of a container's manifest, by our own lenient reading of it, or None."""
    try:
        header = container.Header(content)
        stored = content[header.table_offset:header.table_offset + header.table_size]
        try:
            return container.decompress(stored, MANIFEST_MAX)[container.INNER_SIZE:]
        except ValueError:
            # The tool also takes several frames, skippable ones and those without a size.
            if stored[:4] == _SKIP[:4] or (container.Frame(stored).content_size or 0) <= MANIFEST_MAX:
                return container.decompress_leniently(stored)[container.INNER_SIZE:] or None
            return None
    except ValueError:
        return None


def npy_payload(content):
    """What follows the header of a .npy file, as numpy reads it."""
    stream = io.BytesIO(content)
    np.lib.format.read_magic(stream)
    np.lib.format.read_array_header_1_0(stream)
    return content[stream.tell():]


class Hostile(unittest.TestCase):
    @classmethod
    def prepare(cls, source):
        for number, (_, content, _) in enumerate(ROWS):
            write_file(os.path.join(source, f"{number}.gen5"), content)
            if number % 20 == 0:
                shutil.copyfile(
                    os.path.join(REFERENCE, "one-pixel.gen5"),
                    os.path.join(source, f"{number}-neighbour.gen5"))
        os.mkfifo(os.path.join(source, "fifo.gen5"))
        os.mkdir(os.path.join(source, "directory.gen5"))
        os.symlink("0-neighbour.gen5", os.path.join(source, "link.gen5"))
        os.symlink("nowhere", os.path.join(source, "dangling.gen5"))
        os.symlink("loop.gen5", os.path.join(source, "loop.gen5"))
        os.symlink("/etc/passwd", os.path.join(source, "outside.gen5"))
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(os.path.join(source, "socket.gen5"))
        if hasattr(os, "mknod") and os.geteuid() == 0:
            try:
                os.mknod(os.path.join(source, "device.gen5"), stat.S_IFCHR | 0o600, os.makedev(1, 5))
            except PermissionError:
                pass

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mount = cls.enterClassContext(Mount(prepare=cls.prepare))

    def member(self, *parts):
        return os.path.join(self.mount.path, *parts)

    def assert_alive(self):
        self.assertIsNone(self.mount.process.poll(), self.mount.log()[-3000:])

    def assert_within_memory(self):
        if os.environ.get("GEN5_SANITIZED") == "1":
            return
        text = read_file(f"/proc/{self.mount.pid}/status").decode()
        peak = int(re.search(r"VmHWM:\s*(\d+) kB", text)[1]) * 1024
        self.assertLess(peak, MEMORY_MAX, "the daemon's peak memory")

    def files(self, name):
        """Every regular file of a container, by its path below it."""
        for folder, folders, files in os.walk(self.member(name), onerror=self.fail_to_list):
            if folder == self.member(name) and "latents" not in folders and "latent.npy" in files:
                folders.append("latents")
            for file in files:
                yield os.path.relpath(os.path.join(folder, file), self.member(name))

    def fail_to_list(self, error):
        raise error

    def read_whole(self, path):
        """The content of a member, or None where it gives EIO; nothing else is allowed. A giant, of
        which each is a lie, gives True when it can be read to its end; a reader may have been given
        the start of it before the lie is known."""
        try:
            with open(path, "rb", buffering=0) as stream:
                size = os.fstat(stream.fileno()).st_size
                if size > GIANT_SIZE:
                    deadline = time.monotonic() + GIANT_SECONDS
                    while stream.read(2 ** 20):
                        if time.monotonic() > deadline:
                            return None
                    return True
                content = b"".join(iter(lambda: stream.read(2 ** 20), b""))
        except OSError as error:
            self.assertIn(error.errno, (errno.EIO, errno.EFBIG), path)
            return None
        self.assertEqual(len(content), size, f"{path} is not of the size that stat tells")
        return content

    def assert_true(self, name, content):
        """Everything that is served of a container is what its manifest promises."""
        text = manifest_of(content)
        listed = os.listdir(self.member(name))
        if listed == ["gen5-error.txt"]:
            self.assertTrue(self.read_whole(self.member(name, "gen5-error.txt")).strip())
            return
        self.assertIsNotNone(text, f"{listed} without a manifest")
        hashes = {digest.lower().decode() for digest in re.findall(rb"[0-9a-fA-F]{64}", text)}
        for file in self.files(name):
            served = self.read_whole(self.member(name, file))
            if served is None:
                continue
            self.assertIsInstance(served, bytes, f"the whole of a giant lie was served as {file}")
            if file == "metadata.json":
                self.assertEqual(served, text)
            elif file.endswith(".npy"):
                self.assertIn(sha256(npy_payload(served)), hashes, file)
            else:
                self.assertIn(sha256(served), hashes, file)

    def test_there_are_many_rows_of_unique_names(self):
        self.assertGreaterEqual(len(ROWS), 100)
        self.assertEqual(len({name for name, *_ in ROWS}), len(ROWS))

    def test_what_the_rows_start_from_is_sound(self):
        for content in (GOOD, _ONE_PIXEL, PACKED):
            container.strict_check(content, lenient_file_size=True)

    def test_only_what_is_true_is_served(self):
        for number, (name, content, _) in enumerate(ROWS):
            with self.subTest(name):
                self.assert_true(f"{number}.gen5", content)
                self.assert_alive()
        self.assert_within_memory()

    def test_what_cannot_be_read_shows_the_reason_alone(self):
        for number, (name, content, unreadable) in enumerate(ROWS):
            if unreadable:
                with self.subTest(name):
                    folder = self.member(f"{number}.gen5")
                    self.assertEqual(os.listdir(folder), ["gen5-error.txt"])
                    reason = read_file(os.path.join(folder, "gen5-error.txt")).decode()
                    self.assertRegex(reason, r"[A-Za-z]{3,}")
                    self.assertRegex(reason, r"\d", "no offset")
        self.assert_alive()

    def test_a_bomb_gives_its_error_at_once(self):
        for number, (name, _, _) in enumerate(ROWS):
            if "bomb" in name or "claim of" in name or "300 MiB" in name or "4 GiB" in name:
                with self.subTest(name):
                    start = time.monotonic()
                    for file in os.listdir(self.member(f"{number}.gen5")):
                        if file in ("latent.npy", "env.json") or file.startswith("image"):
                            try:
                                with open(self.member(f"{number}.gen5", file), "rb") as stream:
                                    stream.read(1)
                            except OSError:
                                pass
                    self.assertLess(time.monotonic() - start, 10)
        self.assert_within_memory()

    def test_neighbours_stay_readable(self):
        for number in range(0, len(ROWS), 20):
            folder = self.member(f"{number}-neighbour.gen5")
            parsed = container.parse(_ONE_PIXEL)
            self.assertEqual(
                sorted(os.listdir(folder)), ["env.json", "image.png", "latent.npy", "metadata.json"])
            self.assertEqual(read_file(os.path.join(folder, "image.png")), parsed.image)
            self.assertEqual(read_file(os.path.join(folder, "env.json")), parsed.environment)
            self.assertEqual(read_file(os.path.join(folder, "metadata.json")), parsed.manifest_bytes)
            self.assertEqual(
                np.load(os.path.join(folder, "latent.npy")).tobytes(),
                parsed.latents["initial_noise"][2])

    def test_what_is_no_regular_file_is_itself(self):
        for name, kind in (
            ("fifo.gen5", stat.S_ISFIFO), ("directory.gen5", stat.S_ISDIR), ("link.gen5", stat.S_ISLNK),
            ("dangling.gen5", stat.S_ISLNK), ("loop.gen5", stat.S_ISLNK),
            ("outside.gen5", stat.S_ISLNK), ("socket.gen5", stat.S_ISSOCK),
        ):
            self.assertTrue(kind(os.lstat(self.member(name)).st_mode), name)
        self.assertEqual(os.listdir(self.member("directory.gen5")), [])
        self.assertEqual(os.readlink(self.member("outside.gen5")), "/etc/passwd")
        self.assertTrue(os.path.isdir(self.member("link.gen5")))
        with self.assertRaises(OSError):
            os.listdir(self.member("loop.gen5"))
        if os.path.lexists(os.path.join(self.mount.source, "device.gen5")):
            self.assertTrue(stat.S_ISCHR(os.lstat(self.member("device.gen5")).st_mode))

    def test_attributes_of_hostile_containers_are_answered(self):
        for number, (name, _, _) in enumerate(ROWS):
            with self.subTest(name):
                folder = self.member(f"{number}.gen5")
                for path in (folder, *(os.path.join(folder, file) for file in os.listdir(folder))):
                    os.stat(path)
                    for attribute in os.listxattr(path):
                        try:
                            os.getxattr(path, attribute)
                        except OSError as error:
                            self.assertIn(
                                error.errno, (errno.ENODATA, errno.ERANGE, errno.E2BIG), attribute)
        self.assert_alive()

    def test_writing_to_a_damaged_container_is_refused_and_harms_nothing(self):
        for number, (name, content, unreadable) in enumerate(ROWS):
            if unreadable and number % 5 == 0:
                with self.subTest(name):
                    with self.assertRaises(OSError):
                        write_file(self.member(f"{number}.gen5", "image.png"), IMAGE)
                    self.assertEqual(
                        read_file(os.path.join(self.mount.source, f"{number}.gen5")), content)
        self.assert_alive()

    def test_the_log_names_a_damaged_member(self):
        number = [name for name, *_ in ROWS].index("image record of another hash")
        with self.assertRaises(OSError) as raised:
            read_file(self.member(f"{number}.gen5", "image.png"))
        self.assertEqual(raised.exception.errno, errno.EIO)
        eventually(lambda: f"{number}.gen5" in self.mount.log(), 5)


if __name__ == "__main__":
    unittest.main()
