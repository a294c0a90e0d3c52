"""Files of keys that somebody has made fast, or whose times do not fit together."""

import subprocess
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from machine import Machine
from stock import KEY, answers_of, debian, said

from auditkit.audits.ssh import keyfiles

FILE = "/home/anna/.ssh/authorized_keys"


def machine(flags: str = "", times: str = "") -> Machine:
    """A Debian whose lsattr and stat say this of anna's file of keys."""
    commands = {f"/usr/bin/lsattr -d {FILE}": flags, f"/usr/bin/stat -c %Y,%Z,%n {FILE}": times}
    runs = answers_of("12", {command: f"0\n{text}\n\0".encode() for command, text in commands.items()})
    return debian(files={FILE: f"{KEY} laptop\n"}, runs=runs)


def test_a_file_that_not_even_root_can_change() -> None:
    assert said(keyfiles, machine(f"----i---------e------- {FILE}")) == [
        f"medium key-file-immutable {FILE}: {FILE} has the flag i"
    ]
    assert said(keyfiles, machine(f"-----a--------e------- {FILE}")) == [
        f"medium key-file-immutable {FILE}: {FILE} has the flag a"
    ]
    assert said(keyfiles, machine(f"--------------e------- {FILE}")) == []


def test_times_that_do_not_fit_together_are_a_note() -> None:
    assert said(keyfiles, machine(times=f"1600000000,1700000000,{FILE}")) == [
        f"info key-file-times files of keys: changed after they were written: {FILE} by 1157 days"
    ]
    assert said(keyfiles, machine(times=f"1700000000,1700000500,{FILE}")) == []


def test_programs_write_what_is_read_here(tmp_path: Path) -> None:
    file = tmp_path / "authorized_keys"
    file.write_text("x")
    told = subprocess.run(["/usr/bin/stat", "-c", "%Y,%Z,%n", file], capture_output=True, text=True, check=True).stdout
    assert said(keyfiles, machine(times=told.strip().replace(told.split(",")[0], "1600000000", 1).replace(str(file), FILE)))


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=80))
def test_whatever_programs_write_what_is_said_of_it_is_printable(text: str) -> None:
    told = said(keyfiles, machine(f"{text}\n----i--------- /{text}", f"{text}\n1,999999,/{text}"))
    assert all(line.partition(": ")[2].isprintable() for line in told)
