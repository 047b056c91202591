# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Suites of others against a plain folder and against a mount of one; scripts/suites starts this. What
# fails in both says something of the machine, what fails in the mount alone of gen5fs.

import argparse
import fnmatch
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

from mounted import Mount

SUITE_SECONDS = 600
# What stress-ng counts among file systems' and needs more than a folder, and what it does not count.
STRESSORS_LEFT_OUT = {"bind-mount", "binderfs", "eventfd", "ioprio", "procfs", "fuse", "tmpfs"}
STRESSORS_MORE = ("aio", "aiol", "mmap", "mmapfork", "msync", "readahead", "sendfile", "splice")

FIO = ("fio --name=verify --directory=. --size=16m --numjobs=4 --verify=crc32c --do_verify=1 "
       "--verify_fatal=1 --group_reporting --output=/dev/null ")

# Run by sh in an empty folder.
PROGRAMS = {
    "fio sync": FIO + "--ioengine=sync --rw=randwrite",
    "fio sync, odd sizes": FIO + "--ioengine=sync --rw=write --bs=37k",
    "fio mmap": FIO + "--ioengine=mmap --rw=randwrite",
    "fio libaio": FIO + "--ioengine=libaio --rw=randwrite --iodepth=8",
    "fio io_uring": FIO + "--ioengine=io_uring --rw=randwrite --iodepth=8",
    "fio direct": FIO + "--ioengine=psync --rw=randrw --bs=4k --direct=1",
    "fio direct libaio": FIO + "--ioengine=libaio --rw=randwrite --iodepth=8 --direct=1",
    "fio fsync": FIO + "--ioengine=pvsync2 --rw=randwrite --fsync=7",
    "dbench": "dbench -D . -t 10 4",
    "bonnie++": "bonnie++ -f -d . -s 32M -r 16M -n 1 -u $(id -u):$(id -g) -q",
    "postmark": """
        printf 'set location %s\\nset number 500\\nset transactions 1000\\nrun\\nquit\\n' "$PWD" |
            postmark >out && ! grep -i error out""",
    "git": """
        git init -q one && cd one && git config user.name a && git config user.email a@b.c
        for i in $(seq 60); do echo $i >f$i && git add f$i && git commit -qm $i || exit; done
        git gc -q && git fsck --strict && git clone -q . ../two && git -C ../two fsck --strict &&
            git -C ../two status --porcelain | cmp - /dev/null""",
    "sqlite rollback": "{ echo 'PRAGMA journal_mode=DELETE;'; cat ../sql; } | sqlite3 db | grep -x ok",
    "sqlite wal": "{ echo 'PRAGMA journal_mode=WAL;'; cat ../sql; } | sqlite3 db | grep -x ok",
    "sqlite, four processes": """
        sqlite3 db 'PRAGMA journal_mode=WAL; CREATE TABLE t(a);'
        for process in 1 2 3 4; do
            for i in $(seq 50); do
                sqlite3 -cmd '.timeout 60000' db "INSERT INTO t VALUES($i);" || echo $i >>failed
            done &
        done
        wait
        [ ! -e failed ] && [ "$(sqlite3 db 'SELECT count(*) FROM t')" = 200 ] &&
            sqlite3 db 'PRAGMA integrity_check' | grep -x ok""",
    "tar, rsync": """
        cp -a "$GEN5_SUITES_TREE" tree && tar cf tree.tar tree && mkdir out && tar xf tree.tar -C out &&
            diff -r tree out/tree && rsync -a tree/ copy/ &&
            rsync -anci --delete tree/ copy/ | cmp - /dev/null""",
    "make": """
        for i in $(seq 20); do echo "int f$i(void) { return $i; }" >f$i.c; done
        printf 'all: $(patsubst %%.c,%%.o,$(wildcard *.c))\\n' >Makefile
        make -sj4 && make -q && touch f7.c && ! make -q && make -s && make -q""",
}

SQL = "\n".join([
    "CREATE TABLE t(a, b);", "BEGIN;",
    *(f"INSERT INTO t VALUES({row}, hex(randomblob(100)));" for row in range(3000)), "COMMIT;",
    "CREATE INDEX i ON t(b);", "UPDATE t SET b = hex(randomblob(50)) WHERE a % 3 = 0;",
    "DELETE FROM t WHERE a % 5 = 0;", "VACUUM;", "PRAGMA integrity_check;",
])


def stressors():
    told = subprocess.run(["stress-ng", "--class", "filesystem?"], capture_output=True, text=True)
    names = re.search(r"stressors:(.*)", told.stdout + told.stderr).group(1).split()
    return [name for name in names if name not in STRESSORS_LEFT_OUT] + list(STRESSORS_MORE)


def commands(seconds):
    """Every suite's name, and its command for a shell."""
    found = dict(PROGRAMS)
    for name in stressors():
        # Statuses 3 and 4: the system has not what it needs.
        found[f"stress-ng {name}"] = f"""
            stress-ng --{name} 1 --timeout {seconds} --verify --temp-path . 2>&1
            case $? in 0 | 3 | 4) ;; *) exit 1 ;; esac"""
    return found


def run(command, parent):
    """None, or what it said at its end where it failed."""
    folder = tempfile.mkdtemp(dir=parent)
    with open(os.path.join(parent, "sql"), "w", encoding="utf-8") as stream:
        stream.write(SQL)
    suite = subprocess.Popen(["sh", "-c", command], cwd=folder, text=True, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             start_new_session=True)
    try:
        said, _ = suite.communicate(timeout=SUITE_SECONDS)
        return None if suite.returncode == 0 else said[-2000:] or f"status {suite.returncode}"
    except subprocess.TimeoutExpired:
        os.killpg(suite.pid, signal.SIGKILL)
        suite.communicate()
        return f"did not end within {SUITE_SECONDS} s"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("patterns", nargs="*", default=["*"])
    arguments = parser.parse_args()
    os.environ["GEN5_SUITES_TREE"] = os.path.join(os.path.dirname(os.environ["GEN5_TEST_DATA"]), "..",
                                                  "src")
    wanted = {name: command for name, command in commands(arguments.seconds).items()
              if any(fnmatch.fnmatch(name, pattern) for pattern in arguments.patterns)}
    failed = []
    with tempfile.TemporaryDirectory() as plain, Mount() as mount:
        for name, command in wanted.items():
            results = [run(command, folder) for folder in (plain, mount.path)]
            words = ["passes" if result is None else "fails" for result in results]
            print(f"{name:28} plain folder {words[0]:6}  mount {words[1]}", flush=True)
            if words == ["passes", "fails"]:
                failed.append(name)
                print(results[1], flush=True)
    print(f"{len(wanted)} suites; in the mount alone fail: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
