"""replace_when_done: files that are complete or not there, whoever else writes."""

import os
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from nnlite import files
from nnlite.files import replace_when_done


def write(path, content):
    with replace_when_done(path) as file:
        file.write(content)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file"


@pytest.fixture
def umask():
    before = os.umask(0o027)
    yield 0o027
    os.umask(before)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_new_file_is_there_when_all_is_written(path):
    path.write_bytes(b"old")
    with replace_when_done(str(path)) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new" and names(path.parent) == ["file"]


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(path):
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), replace_when_done(path) as file:
        file.write(b"new")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old" and names(path.parent) == ["file"]


def test_a_new_file_has_the_usual_mode(path, umask):
    write(path, b"new")
    assert mode(path) == 0o666 & ~umask


@pytest.mark.parametrize("old", [0o600, 0o644, 0o755, 0o664])
def test_the_mode_of_an_old_file_is_kept(old, path, umask):
    path.write_bytes(b"old")
    path.chmod(old)
    write(path, b"new")
    assert mode(path) == old and path.read_bytes() == b"new"


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_and_leads_to_the_new_file(exists, tmp_path):
    (tmp_path / "disk").mkdir()
    target, link = tmp_path / "disk" / "file", tmp_path / "link"
    link.symlink_to("disk/file")
    (tmp_path / "second").symlink_to(link)
    if exists:
        target.write_bytes(b"old")
    write(tmp_path / "second", b"new")
    assert link.is_symlink() and (tmp_path / "second").is_symlink()
    assert not target.is_symlink() and target.read_bytes() == b"new"
    assert names(tmp_path / "disk") == ["file"]


def test_changing_the_folder_meanwhile_does_not_matter(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    with replace_when_done("file") as file:
        monkeypatch.chdir("/")
        file.write(b"new")
    assert path.read_bytes() == b"new"


def test_the_name_may_be_as_long_as_the_system_allows(tmp_path):
    path = tmp_path / ("ü" * 127)  # two bytes each
    write(path, b"new")
    assert path.read_bytes() == b"new"


def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    for path, message in [
        (tmp_path, "is a folder"),
        (tmp_path / "pipe", "pipe is a device or a pipe"),
        (tmp_path / "link", "pipe is a device or a pipe"),
        ("/dev/null", "/dev/null is a device"),
        (None, "None is not the name of a file"),
        (3, "3 is not the name of a file"),
    ]:
        with pytest.raises(ValueError, match=message):
            write(path, b"new")
    with pytest.raises(FileNotFoundError, match="runs does not exist; create it first"):
        write(tmp_path / "runs" / "file", b"new")
    assert names(tmp_path) == ["link", "pipe"]


def test_nobody_guesses_the_temporary_name(path, monkeypatch):
    """Who could, would put a link there, and have its target overwritten."""
    found = []
    for _ in range(2):
        with replace_when_done(path):
            found += [name for name in names(path.parent) if name.endswith(".part")]
    assert len(set(found)) == 2

    monkeypatch.setattr(files.secrets, "token_hex", lambda n: "0" * 2 * n)
    with replace_when_done(path):
        (part,) = path.parent.glob("*.part")
    victim = path.with_name("victim")
    victim.write_bytes(b"old")
    part.symlink_to(victim)
    with pytest.raises(FileExistsError):
        write(path, b"new")
    assert victim.read_bytes() == b"old"


def test_threads_that_write_and_read_one_file_see_whole_ones(path):
    contents = [bytes([k]) * 200_000 for k in range(4)]
    write(path, contents[0])

    def work(k):
        for _ in range(15):
            write(path, contents[k])
            assert path.read_bytes() in contents

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert names(path.parent) == ["file"]


WRITER = """
import runpy, sys, time
replace_when_done = runpy.run_path({files!r})["replace_when_done"]  # without all of nnlite
for k in range(int(sys.argv[2])):
    with replace_when_done(sys.argv[1]) as file:
        file.write(sys.argv[3].encode() * 200_000)
        if len(sys.argv) > 4:
            print("writing", flush=True)
            time.sleep(60)
"""


def writer(path, times, letter, *waits):
    """A process that writes a letter 200,000 times."""
    program = WRITER.format(files=files.__file__)
    command = [sys.executable, "-c", program, str(path), str(times), letter, *waits]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def test_processes_that_write_one_file_leave_a_whole_one(path):
    with writer(path, 30, "a") as one, writer(path, 30, "b") as other:
        while one.poll() is None or other.poll() is None:
            if path.exists():
                content = path.read_bytes()
                assert content in (b"a" * 200_000, b"b" * 200_000)
    assert one.returncode == other.returncode == 0 and names(path.parent) == ["file"]


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(path):
    with writer(path, 1, "a", "waits") as living, writer(path, 1, "b", "waits") as killed:
        living.stdout.readline(), killed.stdout.readline()
        assert len(names(path.parent)) == 2
        write(path.with_name("other"), b"beside them")
        assert len(names(path.parent)) == 3
        killed.kill()
        killed.wait()
        assert len(names(path.parent)) == 3
        write(path.with_name("other"), b"beside them")
        assert len(names(path.parent)) == 3  # within a minute nobody is sure
        for left in path.parent.glob("*.part"):
            os.utime(left, (time.time() - 61,) * 2)
        write(path.with_name("other"), b"beside them")
        assert len(names(path.parent)) == 2
        living.kill()


def test_unfinished_files_of_other_machines_stay_for_a_day(path):
    theirs = path.with_name("model.npz.1@node-7.example.0123456789abcdef.part")
    for hours, stays in [(0, True), (23, True), (25, False)]:
        theirs.write_bytes(b"half")
        os.utime(theirs, (time.time() - hours * 3600,) * 2)
        write(path, b"new")
        assert theirs.exists() == stays


def test_other_files_with_this_suffix_are_nobodys_business(path):
    for name in ("film.mp4.part", "model.npz.123.part", "a.1@node.zz.part"):
        path.with_name(name).write_bytes(b"half")
        os.utime(path.with_name(name), (0, 0))
    write(path, b"new")
    assert len(names(path.parent)) == 4


def test_two_threads_may_remove_the_same_leftovers(path):
    for k in range(200):
        left = path.with_name(f"x.1@other.{k:016x}.part")
        left.write_bytes(b"")
        os.utime(left, (0, 0))
    threads = [threading.Thread(target=files.remove_leftovers, args=[path.parent]) for _ in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(path.parent) == []
