# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# stored_member.py CONTAINER MEMBER: checks a container file by every rule that writers are held to,
# and writes the payload of a member to standard output: image, environment, metadata, latent:KEY.
# Nothing where there is no such member. What the reference wrote, and nobody has touched, is held to
# less.

import hashlib
import json
import os
import sys

import container


def is_golden(data):
    with open(os.path.join(os.environ["GEN5_TEST_DATA"], "reference", "expected.json"),
              encoding="utf-8") as stream:
        golden = {entry.get("container_sha256") for entry in json.load(stream).values()}
    return hashlib.sha256(data).hexdigest() in golden


def payload_of(parsed, member):
    kind, _, key = member.partition(":")
    if kind == "latent":
        return parsed.latents[key][2] if key in parsed.latents else None
    return {
        "image": parsed.image, "environment": parsed.environment, "metadata": parsed.manifest_bytes,
    }[kind]


def main(path, member):
    with open(path, "rb") as stream:
        data = stream.read()
    golden = is_golden(data)
    try:
        container.strict_check(
            data, lenient_file_size=golden, lenient_schema=golden, stale_records=golden
        )
    except AssertionError as error:
        sys.exit(f"{path}: {error}")
    sys.stdout.buffer.write(payload_of(container.parse(data), member) or b"")


if __name__ == "__main__":
    main(*sys.argv[1:])
