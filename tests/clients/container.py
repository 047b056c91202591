# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# An independent reader, strict checker and builder of .gen5 containers. It shares no code with
# gen5fs: plain Python for the structure, the zstd command line tool for compressed blocks.

import functools
import hashlib
import json
import re
import struct
import subprocess

HEADER_FORMAT = "<4sBBHIIIIQ"
HEADER_FIELDS = (
    "magic", "version_major", "version_minor", "flags", "table_offset", "table_size", "chunk_count",
    "file_size", "reserved",
)
HEADER_SIZE = 32
INNER_SIZE = 12
FRAME_MAGIC = 0xFD2FB528
BLOCK_SIZE_MAX = 128 * 1024
DECODED_SIZE_MAX = 512 * 1024 * 1024
ITEM_SIZES = {"float16": 2, "float32": 4}
LATENT_FLAGS = {"float16": "F16", "float32": "F32"}
RECORD_FIELDS = (
    "index", "type", "flags", "offset", "compressed_size", "uncompressed_size", "hash", "extra",
    "compressed",
)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


# --- zstd frames (RFC 8878) ---------------------------------------------------------------------


class Frame:
    """What the header and the block headers of one zstd frame say."""

    def __init__(self, data, start=0):
        self._data, self._at, self.start = data, start, start
        if self._integer(4) != FRAME_MAGIC:
            raise ValueError(f"no zstd frame at {start}")
        descriptor = self._integer(1)
        single_segment = bool(descriptor & 0x20)
        if descriptor & 0x08:
            raise ValueError("the frame's reserved bit is set")
        self.checksum = bool(descriptor & 0x04)
        if not single_segment:
            self._integer(1)
        self.dictionary_id = self._integer((0, 1, 2, 4)[descriptor & 3])
        size_of_size = (int(single_segment), 2, 4, 8)[descriptor >> 6]
        self.content_size = self._integer(size_of_size) if size_of_size else None
        if size_of_size == 2:
            self.content_size += 256
        self.blocks = []
        last = False
        while not last:
            header = self._integer(3)
            last, kind, size = bool(header & 1), header >> 1 & 3, header >> 3
            if kind == 3:
                raise ValueError(f"a block of reserved type at {self._at - 3}")
            self.blocks.append((kind, size, self._at))
            self._skip(1 if kind == 1 else size)
        if self.checksum:
            self._skip(4)
        self.end = self._at

    def _skip(self, size):
        if size > len(self._data) - self._at:
            raise ValueError("the frame is cut")
        self._at += size

    def _integer(self, size):
        at = self._at
        self._skip(size)
        return int.from_bytes(self._data[at:at + size], "little")


def _zstd(arguments, data):
    return _zstd_cached(arguments, data) if len(data) < 2 ** 20 else _zstd_run(arguments, data)


@functools.lru_cache(maxsize=512)
def _zstd_cached(arguments, data):
    return _zstd_run(arguments, data)


def _zstd_run(arguments, data):
    done = subprocess.run(
        ("zstd", "-q", "-c", *arguments), input=data, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, timeout=120, check=False,
    )
    if done.returncode != 0:
        raise ValueError(f"zstd: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def compress(data, level=3):
    """One frame with its content size, without dictionary and checksum, as the reference writes."""
    return _zstd((f"-{level}", "--no-check", f"--stream-size={len(data)}"), bytes(data))


def frame_header(content_size, dictionary_id=None, checksum=False):
    """The head of a hand-made frame; content_size None leaves the field out."""
    descriptor = (4 if checksum else 0) | (3 if dictionary_id is not None else 0)
    window = b""
    if content_size is None:
        window, size = b"\x38", b""  # a window of 128 KiB
    else:
        descriptor |= 0x20 | 3 << 6
        size = struct.pack("<Q", content_size)
    identity = b"" if dictionary_id is None else struct.pack("<I", dictionary_id)
    return struct.pack("<IB", FRAME_MAGIC, descriptor) + window + identity + size


def block(kind, size, content, last):
    return struct.pack("<I", int(last) | kind << 1 | size << 3)[:3] + content


def store(data, content_size=-1, dictionary_id=None):
    """A valid frame of uncompressed blocks, made without the tool. The content size can be left out
    (None) or lie."""
    if content_size == -1:
        content_size = len(data)
    out = [frame_header(content_size, dictionary_id)]
    for start in range(0, max(len(data), 1), BLOCK_SIZE_MAX):
        part = bytes(data[start:start + BLOCK_SIZE_MAX])
        out.append(block(0, len(part), part, start + BLOCK_SIZE_MAX >= len(data)))
    return b"".join(out)


def repeat(head, byte, count, content_size=-1, tail=b""):
    """A frame of `head`, then `count` times one byte in 4 bytes a block, then `tail`."""
    if content_size == -1:
        content_size = len(head) + count + len(tail)
    out = [frame_header(content_size), block(0, len(head), head, False)]
    full, rest = divmod(count, BLOCK_SIZE_MAX)
    out.append(block(1, BLOCK_SIZE_MAX, byte, False) * full)
    out.append(block(1, rest, byte, False))
    out.append(block(0, len(tail), tail, True))
    return b"".join(out)


def decompress(data, size_max=DECODED_SIZE_MAX):
    """The content of exactly one frame that fills `data` and tells its content size."""
    data = bytes(data)
    frame = Frame(data)
    if frame.end != len(data):
        raise ValueError(f"{len(data) - frame.end} bytes follow the frame")
    if frame.content_size is None:
        raise ValueError("the frame lacks its content size")
    if frame.dictionary_id:
        raise ValueError("the frame needs a dictionary")
    if frame.content_size > size_max:
        raise ValueError(f"a content size of {frame.content_size} is over the limit")
    if frame.checksum or any(kind == 2 for kind, _, _ in frame.blocks):
        content = _zstd(("-d",), data)
    else:
        content = b"".join(
            data[at:at + size] if kind == 0 else data[at:at + 1] * size
            for kind, size, at in frame.blocks
        )
    if len(content) != frame.content_size:
        raise ValueError(f"{len(content)} bytes in a frame that says {frame.content_size}")
    return content


def decompress_leniently(data):
    """Whatever the tool makes of it: several frames, skippable ones, and those without a size."""
    return _zstd(("-d",), bytes(data))


# --- JSON as text -------------------------------------------------------------------------------


class Object(dict):
    """A JSON object that remembers which keys came more than once."""

    duplicates = ()


def _object(pairs):
    result = Object(pairs)
    if len(result) != len(pairs):
        keys = [key for key, _ in pairs]
        result.duplicates = sorted({key for key in keys if keys.count(key) > 1})
    return result


def load_json(text):
    """json.loads, keeping duplicate keys in mind; ValueError for every fault."""
    try:
        return json.loads(text, object_pairs_hook=_object)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


_TOKEN = re.compile(r'[ \t\n\r]*([{}\[\]:,]|"(?:[^"\\]|\\.)*"|[^ \t\n\r{}\[\]:,"]+)', re.DOTALL)


def value_spans(text):
    """Where each value of a well-formed JSON text stands: path (keys and indices) to (start, end)."""
    spans = {}

    def token(at):
        match = _TOKEN.match(text, at)
        return match.group(1), match.start(1), match.end(1)

    def value(path, at):
        word, start, end = token(at)
        if word == "{":
            word, _, after = token(end)
            while word != "}":
                key = json.loads(word)
                end = value((*path, key), token(after)[2])
                word, _, after = token(end)
                if word == ",":
                    word, _, after = token(after)
            end = after
        elif word == "[":
            index, (word, _, after) = 0, token(end)
            while word != "]":
                end = value((*path, index), end)
                word, _, after = token(end)
                if word == ",":
                    end = after
                index += 1
            end = after
        spans[path] = (start, end)
        return end

    value((), 0)
    return spans


COMPUTED_IN_FILE_INFO = ("magic", "version_major", "version_minor", "file_size", "chunk_count")
COMPUTED_IN_RECORD = ("flags", "offset", "compressed_size", "uncompressed_size", "hash", "compressed")


def masked(manifest, also=()):
    """The manifest's text with every computed value replaced by "@": what belongs to the user, with
    its spacing, order and literals. `also` has further paths below gen5_metadata to mask."""
    text = manifest.decode() if isinstance(manifest, bytes) else manifest
    hidden = []
    for path, span in value_spans(text).items():
        rest = path[1:]
        if (
            rest in also
            or len(rest) == 2 and rest[0] == "file_info" and rest[1] in COMPUTED_IN_FILE_INFO
            or len(rest) == 3 and rest[0] == "chunks" and rest[2] in COMPUTED_IN_RECORD
            or len(rest) == 4 and rest[0] == "chunks" and rest[2:] in (
                ("extra", "shape"), ("extra", "dtype"))
        ):
            hidden.append(span)
    for start, end in sorted(hidden, reverse=True):
        text = text[:start] + "@" + text[end:]
    return text


# --- reading ------------------------------------------------------------------------------------


class Header:
    def __init__(self, data):
        if len(data) < HEADER_SIZE:
            raise ValueError(f"a file of {len(data)} bytes has no header")
        for name, value in zip(HEADER_FIELDS, struct.unpack_from(HEADER_FORMAT, data)):
            setattr(self, name, value)


class Container:
    """A parsed container. `records` are the manifest's, `stored` the bytes each points to, `inner`
    each chunk's (type, flags, payload size), `payloads` what follows it; a chunk that cannot be
    decoded has a ValueError in `inner` and None in `payloads`."""

    def __init__(self, data):
        self.data = data
        self.header = Header(data)
        if self.header.magic != b"GEN5":
            raise ValueError(f"the magic is {self.header.magic!r}")
        table_end = self.header.table_offset + self.header.table_size
        if table_end > len(data):
            raise ValueError("the manifest lies outside of the file")
        self.meta_stored = data[self.header.table_offset:table_end]
        meta = decompress(self.meta_stored)
        self.meta_inner, self.manifest_bytes = self._split(meta)
        self.manifest_text = self.manifest_bytes.decode()
        self.root = load_json(self.manifest_text)
        try:
            self.document = self.root["gen5_metadata"]
            self.records = self.document["chunks"]
            self.model_info = self.document["model_info"]
            self.file_info = self.document["file_info"]
        except (KeyError, TypeError) as error:
            raise ValueError(f"the manifest lacks {error}") from error
        self.stored, self.inner, self.payloads = [], [], []
        for record in self.records:
            stored, inner, payload = b"", None, None
            try:
                stored = self._stored(record)
                inner, payload = self._split(decompress(stored) if record["compressed"] else stored)
            except (ValueError, KeyError, TypeError) as error:
                inner = ValueError(f"{type(error).__name__}: {error}")
            self.stored.append(stored)
            self.inner.append(inner)
            self.payloads.append(payload)

    def _stored(self, record):
        start, size = record["offset"], record["compressed_size"]
        if not 0 <= start <= start + size <= len(self.data):
            raise ValueError("the chunk lies outside of the file")
        return self.data[start:start + size]

    @staticmethod
    def _split(chunk):
        if len(chunk) < INNER_SIZE:
            raise ValueError("a chunk without inner header")
        kind, flags, size = struct.unpack_from("<4s4sI", chunk)
        return (kind, flags, size), chunk[INNER_SIZE:]

    def effective(self):
        """The positions of the records that count: the last DATA and ENVC, the last LATN of a key,
        every other type, in the manifest's order."""
        last = {}
        for position, record in enumerate(self.records):
            kind = record["type"]
            if kind in ("DATA", "ENVC"):
                identity = kind
            elif kind == "LATN":
                extra = record["extra"]
                identity = (kind, repr(extra.get("key")) if isinstance(extra, dict) else position)
            else:
                identity = (kind, position)
            last[identity] = position
        return sorted(last.values())

    def _last(self, kind):
        found = [self.payloads[at] for at in self.effective() if self.records[at]["type"] == kind]
        return found[0] if found else None

    @property
    def image(self):
        return self._last("DATA")

    @property
    def environment(self):
        return self._last("ENVC")

    @property
    def latents(self):
        """Key to (dtype, shape, payload), in the manifest's order."""
        return {
            self.records[at]["extra"]["key"]: (
                self.records[at]["extra"]["dtype"], tuple(self.records[at]["extra"]["shape"]),
                self.payloads[at],
            )
            for at in self.effective() if self.records[at]["type"] == "LATN"
        }


def parse(path):
    """A path, or a container's bytes. ValueError where the whole cannot be read."""
    if not isinstance(path, (bytes, bytearray)):
        with open(path, "rb") as stream:
            path = stream.read()
    return Container(bytes(path))


# --- the schema of FORMAT.md --------------------------------------------------------------------


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_integer(value):
    return _is_number(value) and (isinstance(value, int) or value.is_integer())


def _text(value):
    return isinstance(value, str)


def _flag(value):
    return isinstance(value, bool)


def _map(value):
    return isinstance(value, dict)


def _integer_from(least):
    return lambda value: _is_integer(value) and value >= least


def _number(value):
    # As in draft-07 implementations, NaN is not below the minimum.
    return _is_number(value) and not value < 0


def _texts(value):
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _anything(value):
    del value
    return True


_NATURAL = _integer_from(0)
SCHEMA = {
    "file_info": (
        {"magic": lambda value: value == "GEN5", "version_major": _integer_from(1),
         "version_minor": _NATURAL, "file_size": _NATURAL, "chunk_count": _NATURAL}, {}),
    "model_info": (
        {"model_name": _text, "version": _text, "date": _text, "prompt": _text, "tags": _texts},
        {"generation_settings": _map, "hardware_info": _map}),
    "generation_settings": (
        {"seed": _NATURAL, "steps": _integer_from(1), "sampler": _text},
        {"cfg_scale": _number, "scheduler": _text, "eta": _number, "guidance": _text,
         "precision": _text, "deterministic": _flag}),
    "hardware_info": (
        {"os": _text},
        {"machine_name": _text, "cpu": _text, "framework": _text, "compute_lib": _text,
         "cpu_cores": _integer_from(1), "ram_gb": _number,
         "gpu": lambda value: isinstance(value, list) and all(map(_map, value))}),
    "gpu": ({"name": _text}, {"memory_gb": _number, "driver": _text, "cuda_version": _text}),
    "record": (
        {"index": _NATURAL, "type": _text, "flags": _text, "offset": _NATURAL,
         "compressed_size": _NATURAL, "uncompressed_size": _NATURAL, "hash": _text,
         "extra": _anything, "compressed": _flag}, {}),
}


def _check_object(value, schema, where):
    assert isinstance(value, dict), f"{where} is no object"
    required, optional = SCHEMA[schema]
    for name, good in required.items():
        assert name in value, f"{where} lacks {name}"
        assert good(value[name]), f"{where}.{name} is {value[name]!r:.200}"
    for name, good in optional.items():
        assert name not in value or good(value[name]), f"{where}.{name} is {value[name]!r:.200}"


def check_schema(root):
    """AssertionError where a manifest breaks the schema."""
    assert isinstance(root, dict) and isinstance(root.get("gen5_metadata"), dict), "no gen5_metadata"
    document = root["gen5_metadata"]
    for name in ("file_info", "model_info", "chunks"):
        assert name in document, f"gen5_metadata lacks {name}"
    _check_object(document["file_info"], "file_info", "file_info")
    model_info = document["model_info"]
    _check_object(model_info, "model_info", "model_info")
    if "generation_settings" in model_info:
        _check_object(
            model_info["generation_settings"], "generation_settings", "generation_settings")
    if "hardware_info" in model_info:
        _check_object(model_info["hardware_info"], "hardware_info", "hardware_info")
        for index, gpu in enumerate(model_info["hardware_info"].get("gpu", [])):
            _check_object(gpu, "gpu", f"gpu[{index}]")
    assert isinstance(document["chunks"], list), "chunks is no array"
    for index, record in enumerate(document["chunks"]):
        _check_object(record, "record", f"chunks[{index}]")


def check_environment(payload):
    """AssertionError where an ENVC payload is not what the reference decoder takes."""
    try:
        root = load_json(payload.decode())
    except ValueError as error:
        raise AssertionError(f"the environment is no JSON: {error}") from error
    assert isinstance(root, dict), "the environment is no object"
    assert not root.duplicates, f"the environment repeats {root.duplicates}"
    assert sorted(root) == ["components", "env_version"], f"the environment's keys: {sorted(root)}"
    assert _is_integer(root["env_version"]) and root["env_version"] == 1, "env_version is not 1"
    assert isinstance(root["components"], list), "components is no array"
    for index, component in enumerate(root["components"]):
        where = f"components[{index}]"
        assert isinstance(component, dict), f"{where} is no object"
        for name in ("component_id", "cononical_str", "component_sha256_digest"):
            assert isinstance(component.get(name), str), f"{where}.{name} is no string"
        digest = sha256(component["cononical_str"].encode())
        assert component["component_sha256_digest"] == digest, f"{where} has a wrong digest"


# --- the strict check ---------------------------------------------------------------------------


def _check_header(container, size):
    header = container.header
    assert header.magic == b"GEN5", f"magic {header.magic!r}"
    assert header.version_major == 1, f"version_major {header.version_major}"
    assert header.version_minor == 0, f"version_minor {header.version_minor}"
    assert header.flags == 0, f"header flags {header.flags}"
    assert header.reserved == 0, f"reserved {header.reserved}"
    assert size < 2 ** 32, f"a file of {size} bytes"
    assert header.file_size == size, f"file_size {header.file_size}, the file has {size}"
    assert header.table_offset >= HEADER_SIZE, f"chunk_table_offset {header.table_offset}"
    table_end = header.table_offset + header.table_size
    assert table_end == size, f"META ends at {table_end}, the file at {size}"
    count = len(container.records)
    assert header.chunk_count == count, f"chunk_count {header.chunk_count} for {count} records"


def _check_file_info(container, size, lenient_file_size):
    header, file_info = container.header, container.file_info
    for name in ("version_major", "version_minor", "chunk_count"):
        value = getattr(header, name)
        assert file_info[name] == value, f"file_info.{name} {file_info[name]}, header {value}"
    if not lenient_file_size:
        assert file_info["file_size"] == size, (
            f"file_info.file_size {file_info['file_size']}, the file has {size}")
    for name, part in (
        ("the manifest", container.root), ("gen5_metadata", container.document),
        ("file_info", file_info),
    ):
        assert not part.duplicates, f"{name} repeats {part.duplicates}"


def _check_spans(container, positions):
    at = HEADER_SIZE
    for position in sorted(positions, key=lambda position: container.records[position]["offset"]):
        record = container.records[position]
        assert record["offset"] == at, (
            f"chunks[{position}] starts at {record['offset']}, the one before ends at {at}")
        assert record["compressed_size"] >= INNER_SIZE, f"chunks[{position}] is too small"
        at += record["compressed_size"]
    assert at == container.header.table_offset, (
        f"the chunks end at {at}, META starts at {container.header.table_offset}")


def _check_latent(record, payload, where):
    extra = record["extra"]
    assert isinstance(extra, dict), f"{where}.extra is no object"
    assert not extra.duplicates, f"{where}.extra repeats {extra.duplicates}"
    assert isinstance(extra.get("key"), str), f"{where} has no key"
    assert extra.get("dtype") in ITEM_SIZES, f"{where} has dtype {extra.get('dtype')!r}"
    shape = extra.get("shape")
    assert isinstance(shape, list) and all(
        isinstance(length, int) and not isinstance(length, bool) and length >= 0 for length in shape
    ), f"{where} has shape {shape!r}"
    size = ITEM_SIZES[extra["dtype"]]
    for length in shape:
        size *= length
    assert size == len(payload), f"{where}: shape and dtype make {size} bytes, not {len(payload)}"
    flags = LATENT_FLAGS[extra["dtype"]]
    assert record["flags"] == flags, f"{where} has flags {record['flags']!r}, dtype {extra['dtype']}"


def _check_chunk(container, position):
    where = f"chunks[{position}]"
    record, inner, payload = (
        part[position] for part in (container.records, container.inner, container.payloads))
    assert not record.duplicates, f"{where} repeats {record.duplicates}"
    assert isinstance(inner, tuple), f"{where}: {inner}"
    kind, flags, size = inner
    assert kind == record["type"].encode(), f"{where} is {record['type']!r}, its chunk {kind!r}"
    assert size == len(payload), f"{where}: the inner header says {size}, it has {len(payload)}"
    assert record["uncompressed_size"] == size, (
        f"{where}.uncompressed_size {record['uncompressed_size']}, the payload has {size}")
    assert record["hash"] == sha256(payload), f"{where} has a wrong hash"
    if record["type"] == "LATN":
        assert flags in (b"F16\0", b"F32\0"), f"{where} has inner flags {flags!r}"
        _check_latent(record, payload, where)
    if record["type"] in ("DATA", "ENVC"):
        assert record["flags"] == "0000", f"{where} has flags {record['flags']!r}"
    if record["type"] in ("LATN", "DATA", "ENVC"):
        assert flags.rstrip(b"\0") == record["flags"].encode(), (
            f"{where} has flags {record['flags']!r}, its chunk {flags!r}")
    if record["type"] == "DATA":
        assert payload, f"{where} is an empty image"
    if record["type"] == "ENVC":
        check_environment(payload)


def strict_check(path, lenient_file_size=False, lenient_schema=False, stale_records=False):
    """AssertionError that says what is wrong with a container, by every rule of FORMAT.md that a
    writer is held to. Unknown chunk types are allowed.

    lenient_file_size  the manifest's file_size may differ, as the reference writes it
    lenient_schema     the manifest may break the schema, as default settings do
    stale_records      earlier records that a later one takes the place of are not looked at
    """
    try:
        _check(parse(path), lenient_file_size, lenient_schema, stale_records)
    except (ValueError, KeyError, TypeError) as error:
        raise AssertionError(f"{type(error).__name__}: {error}") from error


def _check(container, lenient_file_size, lenient_schema, stale_records):
    size = len(container.data)
    _check_header(container, size)
    kind, flags, meta_size = container.meta_inner
    assert (kind, flags) == (b"META", b"0000"), f"META's inner header: {kind!r} {flags!r}"
    assert meta_size == len(container.manifest_bytes), f"META says {meta_size} bytes"
    if not lenient_schema:
        check_schema(container.root)
    _check_file_info(container, size, lenient_file_size)
    for index, record in enumerate(container.records):
        assert record["index"] == index, f"chunks[{index}].index is {record['index']}"
    positions = container.effective()
    if not stale_records:
        assert len(positions) == len(container.records), "records repeat a member"
    _check_spans(container, positions)
    for position in positions:
        _check_chunk(container, position)


# --- building -----------------------------------------------------------------------------------


def component(identity, canonical):
    return {
        "component_id": identity, "cononical_str": canonical,
        "component_sha256_digest": sha256(canonical.encode()),
    }


def environment(*components):
    """An ENVC payload of (id, canonical string) pairs."""
    pairs = components or (("python", "name=python;version=3.11.7"), ("cuda", "name=cuda;version=none"))
    return json.dumps(
        {"env_version": 1, "components": [component(*pair) for pair in pairs]}, indent=2
    ).encode()


def model_info(**changes):
    """A valid model_info with every optional object."""
    info = {
        "model_name": "Test Model", "version": "1", "date": "2026-01-04T09:30:00.123456+00:00",
        "prompt": "a lighthouse", "tags": ["sea", "night"],
        "generation_settings": {
            "seed": 42, "steps": 20, "sampler": "ddim", "cfg_scale": 7.5, "scheduler": "pndm",
            "eta": 0.0, "guidance": "classifier-free", "precision": "fp16", "deterministic": True,
        },
        "hardware_info": {
            "machine_name": "test", "os": "linux", "cpu": "Intel", "cpu_cores": 8,
            "gpu": [{"name": "RTX 3090", "memory_gb": 24, "driver": "nvidia", "cuda_version": "12.1"}],
            "ram_gb": 64.0, "framework": "torch", "compute_lib": "cuda",
        },
    }
    info.update(changes)
    return info


class Chunk:
    """One chunk to build, with whatever lies wanted.

    stored   bytes to store in place of the right ones, or a function that makes them from the inner
             header and payload
    record   changes to the manifest's record; a value of DELETE leaves the field out
    """

    def __init__(self, kind, payload, flags=b"0000", extra=None, compressed=False, stored=None,
                 record=None, inner_size=None):
        self.kind, self.flags = kind.encode("latin-1"), flags
        size = len(payload) if inner_size is None else inner_size
        whole = self.kind + flags + struct.pack("<I", size) + payload
        if callable(stored):
            stored = stored(whole)
        if stored is None:
            stored = store(whole) if compressed is True else (
                compress(whole) if compressed else whole)
        self.stored = stored
        self.record = {
            "type": kind, "flags": flags.rstrip(b"\0").decode("latin-1"),
            "compressed_size": len(stored), "uncompressed_size": len(payload),
            "hash": sha256(payload), "extra": {} if extra is None else extra,
            "compressed": bool(compressed),
        }
        self.changes = record or {}


DELETE = object()


def latent_chunk(key, dtype, shape, payload, **options):
    flags = {"float16": b"F16\0", "float32": b"F32\0"}.get(dtype, b"F16\0")
    extra = {"shape": list(shape), "dtype": dtype, "key": key}
    return Chunk("LATN", payload, flags, extra, **options)


def build(path=None, image=None, latents=(), env=None, info=None, compressed=False, chunks=(),
          manifest=None, text=None, header=None, meta=None, between=b"", tail=b"", damage=None):
    """Builds a container, writes it to `path` if given, and returns its bytes.

    image, env   payloads or None; a latent is (key, dtype, shape, bytes)
    compressed   False, True (frames of uncompressed blocks) or "zstd" (as the tool compresses)
    chunks       further Chunk objects, after the others
    manifest     function that changes the manifest before it becomes text, or returns another
    text         function from the manifest's right bytes to those that are stored
    meta         function from META's inner header and text to the stored chunk
    header       changes of header fields
    between      bytes between the last chunk and META
    tail         bytes after META
    damage       function from the right file to the one that is written
    """
    all_chunks = [latent_chunk(*latent, compressed=compressed) for latent in latents]
    if image is not None:
        all_chunks.append(Chunk("DATA", image, compressed=compressed))
    if env is not None:
        all_chunks.append(Chunk("ENVC", env, compressed=compressed))
    all_chunks += chunks
    records, body, at = [], [], HEADER_SIZE
    for index, chunk in enumerate(all_chunks):
        record = {"index": index, **chunk.record}
        record["offset"] = at
        record = {name: record[name] for name in RECORD_FIELDS}
        record.update(chunk.changes)
        records.append({name: value for name, value in record.items() if value is not DELETE})
        body.append(chunk.stored)
        at += len(chunk.stored)
    table_offset = at + len(between)
    file_size = 0
    # The size of the file is part of its text: a few rounds settle it. Where `meta` compresses, its
    # size may change with the digits, and there need not be any size that is true.
    for _ in range(6):
        document = {"gen5_metadata": {
            "file_info": {
                "magic": "GEN5", "version_major": 1, "version_minor": 0, "file_size": file_size,
                "chunk_count": len(records),
            },
            "model_info": model_info() if info is None else info,
            "chunks": records,
        }}
        document = json.loads(json.dumps(document))
        if manifest is not None:
            document = manifest(document) or document
        content = json.dumps(document, indent=2).encode()
        if text is not None:
            content = text(content)
        whole = b"META0000" + struct.pack("<I", len(content)) + content
        table = (meta or store)(whole)
        total = table_offset + len(table) + len(tail)
        if total == file_size:
            break
        file_size = total
    fields = {
        "magic": b"GEN5", "version_major": 1, "version_minor": 0, "flags": 0,
        "table_offset": table_offset, "table_size": len(table), "chunk_count": len(records),
        "file_size": total, "reserved": 0, **(header or {}),
    }
    data = struct.pack(HEADER_FORMAT, *(fields[name] for name in HEADER_FIELDS))
    data += b"".join(body) + between + table + tail
    if damage is not None:
        data = bytes(damage(bytearray(data)))
    if path is not None:
        with open(path, "wb") as stream:
            stream.write(data)
    return data
