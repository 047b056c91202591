# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# System calls that Python's os module does not have, as functions that raise OSError.

import ctypes
import os
import struct

_libc = ctypes.CDLL(None, use_errno=True)

AT_FDCWD = -100
AT_SYMLINK_NOFOLLOW = 0x100
AT_EMPTY_PATH = 0x1000
RENAME_NOREPLACE = 1
RENAME_EXCHANGE = 2
RENAME_WHITEOUT = 4
FALLOC_KEEP_SIZE = 0x01
FALLOC_PUNCH_HOLE = 0x02
FALLOC_COLLAPSE_RANGE = 0x08
FALLOC_ZERO_RANGE = 0x10
FALLOC_INSERT_RANGE = 0x20
UTIME_NOW = (1 << 30) - 1
UTIME_OMIT = (1 << 30) - 2
MS_ASYNC = 1
MS_SYNC = 4
# <linux/fs.h>
FS_IOC_GETFLAGS = 0x80086601
FS_IOC_SETFLAGS = 0x40086602
FS_IOC_FSGETXATTR = 0x801c581f
FS_IMMUTABLE_FL = 0x10
FS_APPEND_FL = 0x20
FS_NODUMP_FL = 0x40
FS_NOATIME_FL = 0x80
FS_EXTENT_FL = 0x80000  # ext4 sets it, and wants it kept
# <asm-generic/fcntl.h>
F_OFD_GETLK = 36
F_OFD_SETLK = 37


def _checked(result, path=None):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    return result


def _timespec(seconds, nanoseconds):
    return struct.pack("@qq", seconds, nanoseconds)


def renameat2(old, new, flags):
    _checked(_libc.renameat2(
        AT_FDCWD, os.fsencode(old), AT_FDCWD, os.fsencode(new), ctypes.c_uint(flags)
    ), old)


def fallocate(descriptor, mode, offset, length):
    _checked(_libc.fallocate(
        descriptor, mode, ctypes.c_longlong(offset), ctypes.c_longlong(length)
    ))


def utimensat(path, accessed, modified, flags=0):
    """Times as (seconds, nanoseconds), of which the latter may be UTIME_NOW or UTIME_OMIT."""
    times = _timespec(*accessed) + _timespec(*modified)
    _checked(_libc.utimensat(AT_FDCWD, os.fsencode(path), times, flags), path)


def linkat(old_descriptor, old, new, flags):
    _checked(_libc.linkat(
        old_descriptor, os.fsencode(old), AT_FDCWD, os.fsencode(new), flags
    ), old)


def msync(address, length, flags):
    _checked(_libc.msync(ctypes.c_void_p(address), ctypes.c_size_t(length), flags))


def sync_file_range(descriptor, offset, length, flags):
    _checked(_libc.sync_file_range(
        descriptor, ctypes.c_longlong(offset), ctypes.c_longlong(length), flags
    ))


def statx_fields(path, wanted=0xfff, flags=AT_SYMLINK_NOFOLLOW):
    """A few fields of statx(2): what it knows, the block size, the birth time, the mode."""
    buffer = ctypes.create_string_buffer(256)
    _checked(_libc.statx(
        AT_FDCWD, os.fsencode(path), flags, ctypes.c_uint(wanted), buffer
    ), path)
    mask, block_size, attributes = struct.unpack_from("=IIQ", buffer.raw, 0)
    mode, = struct.unpack_from("=H", buffer.raw, 28)
    birth = struct.unpack_from("=qI", buffer.raw, 80)
    return {"mask": mask, "block_size": block_size, "attributes": attributes, "mode": mode,
            "birth": birth}
