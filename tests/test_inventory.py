"""Ansible inventories and ssh_config: what ansible-core makes of the same files, what is refused, what is never taken.

tests/inventory/ansible-core.jsonl holds what ansible-core 2.19.14 said of each file there and of generated ones: groups and
variables by host, null where it refuses the text.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from auditkit import config, inventory
from auditkit.config import HostConfig
from auditkit.errors import ConfigError
from auditkit.inventory import Inventory, ansible_ini, ansible_yaml, ranges, ssh_config
from auditkit.inventory.variables import SETTINGS

SAMPLES = Path(__file__).parent / "inventory"
RECORDED = [json.loads(line) for line in (SAMPLES / "ansible-core.jsonl").read_text("utf-8").splitlines()]


def read(text: str, name: str = "site.ini") -> Inventory:
    return ansible_ini.read(text, name, "") if name.endswith(".ini") else ansible_yaml.read(text, name, "")


def said(found: Inventory) -> dict[str, dict[str, str]]:
    """What each host is given, in words."""
    return {
        name: {key: str(value.node.value) for key, value in machine.settings.items()}
        for name, machine in found.machines.items()
    }


def groups(found: Inventory) -> dict[str, list[str]]:
    return {name: [group.text() for group in machine.groups] for name, machine in found.machines.items()}


# the same as Ansible


def expected(variables: dict[str, str]) -> dict[str, str]:
    """The settings that variables come to, as far as Ansible itself can tell them: what it evaluates is left out."""
    told = {key: [variables[name] for name in names if name in variables] for key, names in SETTINGS.items()}
    return {key: written(values[-1]) for key, values in told.items() if values and "{{" not in values[-1]}


def written(value: str) -> str:
    """A value whose YAML type Ansible has put in Python's words."""
    return {"True": "true", "yes": "true"}.get(value, value)


@pytest.mark.parametrize("sample", RECORDED, ids=lambda sample: sample["name"])
def test_a_file_means_what_it_means_to_ansible(sample: dict[str, Any]) -> None:
    text = sample["text"] or (SAMPLES / sample["name"]).read_text("utf-8")
    if sample["hosts"] is None:
        with pytest.raises(ConfigError):
            read(text, sample["name"])
        return
    found = read(text, sample["name"])
    assert {name: sorted(each) for name, each in groups(found).items()} == {
        name: host["groups"] for name, host in sample["hosts"].items()
    }
    assert {name: {key: written(each[key]) for key in SETTINGS if key in each} for name, each in said(found).items()} == {
        name: expected(host["vars"]) for name, host in sample["hosts"].items()
    }


def test_an_office_in_the_words_of_auditkit() -> None:
    found = inventory.read(str(SAMPLES / "office.ini"))
    assert said(found)["ws-b"] == {
        "address": "192.168.10.9",
        "port": "22",
        "user": "desk",
        "identity": "~/.ssh/office",
        "become": "doas",
        "jump": "gate",
    }
    assert groups(found)["ws-b"] == ["office", "desks"]
    notes = [note.removeprefix(str(SAMPLES / "office.ini")) for note in found.notes]
    assert notes == [
        ":21: ansible_password is a secret and was not taken: keys and ssh-agent log in, or a person who is asked",
        ":26: ansible_ssh_common_args has -o StrictHostKeyChecking, which was not taken: ~/.ssh/config is the place for it",
    ]


# many at once


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("web[01:03].lan", ("web01.lan", "web02.lan", "web03.lan")),
        ("db-[a:c]", ("db-a", "db-b", "db-c")),
        ("ws[1:9:4]", ("ws1", "ws5", "ws9")),
        ("[:2]", ("0", "1", "2")),
        ("a[1:2]b[x:y]", ("a1bx", "a1by", "a2bx", "a2by")),
        ("fd00::[8:10]", ("fd00::8", "fd00::9", "fd00::10")),
    ],
)
def test_a_range_is_written_out(pattern: str, names: tuple[str, ...]) -> None:
    assert ranges.expanded(pattern) == (names, "")
    assert ranges.expanded(f"[{pattern}]:2222" if "::" in pattern else f"{pattern}:2222") == (names, "2222")


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("a[1:99999999]", "stands for 99999999 hosts or more, and 10000 are the most"),
        ("a[1:200]b[1:200]", "stands for 40000 hosts or more, and 10000 are the most"),
        ("a" + "[1:9999]" * 100, "and 10000 are the most"),
        ("a" + "[1:1]" * 1000, "is longer than 1000 characters"),
        ("a[3:1]", "has a range that ends before it begins"),
        ("a[1:9:0]", "has a range that is not written like"),
        ("a[1:]", "has a range that is not written like"),
        ("a[01:100]", "has a range whose ends are not equally long"),
        ("a[1:b]", "has a range that is not from a number or letter to another one"),
        ("a[1:9999999999]", "has a range that is not from a number or letter to another one"),
        ("a[1:2", "has a bracket without its other half"),
        ("a]", "has a bracket without its other half"),
        ("a[]", "has a range that is not written like"),
    ],
)
def test_a_range_that_is_none_or_too_long_is_refused_at_once(pattern: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        ranges.expanded(pattern)


@given(st.integers(0, 999), st.integers(0, 300), st.integers(1, 7), st.booleans())
def test_numbers_of_a_range_are_those_of_python(first: int, more: int, step: int, padded: bool) -> None:
    width = 4 if padded else 1
    names, _port = ranges.expanded(f"h[{first:0{width}}:{first + more:0{width}}:{step}]")
    assert names == tuple(f"h{number:0{width}}" for number in range(first, first + more + 1, step))


# mistakes


MISTAKES = {
    "no section": ("[web servers]", "site.ini:1: is no section", "write [group]"),
    "an unknown part": ("[web:hots]", "site.ini:1: is no section", "[group:vars]"),
    "a child that is none": ("[a:children]\nweb", "site.ini:2: group web has no section of its own", "add [web]"),
    "variables of nobody": ("[a:vars]\nx=1", "site.ini:1: group a has no section of its own", "add [a]"),
    "a group in itself": ("[a]\n[b]\n[a:children]\nb\n[b:children]\na", "site.ini:1: group is a group that contains", "remove"),
    "no variable": ("h ansible_password=correct horse", "site.ini:1: has a word that is no NAME=VALUE", "in quotes"),
    "an open quote": ("h ansible_user='a", "site.ini:1: has a quote without its other half", "close it"),
    "YAML": ("---\nall:", "site.ini:1: begins a YAML file", "give the file the ending .yaml"),
    "millions": ("\nh[1:5000000]", "site.ini:2: h[1:5000000] stands for 5000000 hosts", "write a host"),
    "a long line": ("h " + "x" * 9000, "site.ini:1: is longer than 8 KiB", "split it"),
    "become": ("h ansible_become=maybe", "site.ini:1: ansible_become is neither true nor false", "write true"),
    "a priority": ("[g]\nh\n[g:vars]\nansible_group_priority=x", "site.ini:4: ansible_group_priority is no number", "digits"),
    "arguments": ('h ansible_ssh_common_args="-J \'x"', "site.ini:1: ansible_ssh_common_args has a quote without", "close"),
    "a jump": (
        "h ansible_ssh_common_args='-J a:b:c'",
        "site.ini:1: ansible_ssh_common_args names a jump host that is none",
        "-J",
    ),
}


@pytest.mark.parametrize(("text", "message", "hint"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_ini_is_named_with_file_and_line(text: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(text)
    assert str(refused.value).startswith(message)
    assert hint in refused.value.hint
    assert "horse" not in str(refused.value)


YAML_MISTAKES = {
    "a list of hosts": ("all:\n  hosts: [a, b]", "site.yaml:2: hosts is a sequence, not a mapping", "a colon behind each"),
    "twice": ("all:\n  hosts:\n    a:\n    a:", "site.yaml:4: a stands twice, first on line 3", "remove one of the two"),
    "a number as a name": ("all:\n  hosts:\n    7:", "site.yaml:3: a key is a number, not text", 'put it in quotes: "7"'),
    "a plugin": ("plugin: aws_ec2\nregions: [x]", "site.yaml:1: plugin names what would have to be run", "name a file"),
    "a strange tag": (
        "all: !!python/object:os.system {}",
        "site.yaml:1: the tag tag:yaml.org,2002:python/object",
        "without it",
    ),
    "a list as address": (
        "a:\n  hosts:\n    h: {ansible_host: [x]}",
        "site.yaml:3: ansible_host is a sequence, not text",
        "text",
    ),
    "a child that is text": ("a:\n  children:\n    b: x", "site.yaml:3: b is no group", "write its hosts"),
    "broken": ("all: [", "site.yaml:2: is no valid YAML", "check indentation"),
    "nothing": ("# nothing", "site.yaml is empty", "write `all:`"),
    "depth": ("a: " + "[" * 100 + "]" * 100, "site.yaml:1: is nested deeper than 60 levels", "check its brackets"),
    "groups in groups": (
        "\n".join("  " * (2 * at) + f"g{at}:\n" + "  " * (2 * at + 1) + "children:" for at in range(25))
        + "\n"
        + " " * 100
        + "z:",
        "site.yaml:41: g20 is nested deeper than 20 groups",
        "move the group",
    ),
    "an endless alias": ("a: &a\n  children:\n    b: *a", "site.yaml:3: b is nested deeper than 20 groups", "move the group"),
    "an endless merge": ("a: &a\n  <<: *a", "site.yaml:1: << merges too often", "write it out"),
}


@pytest.mark.parametrize(("text", "message", "hint"), YAML_MISTAKES.values(), ids=YAML_MISTAKES)
def test_a_mistake_in_yaml_is_named_with_file_and_line(text: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(text, "site.yaml")
    assert str(refused.value).startswith(message)
    assert hint in refused.value.hint


def bomb(levels: int, width: int) -> str:
    """Aliases that stand for width ** levels groups."""
    lines = ["g0: &g0\n  hosts: {h: }"]
    for level in range(1, levels):
        children = ", ".join(f"c{number}: *g{level - 1}" for number in range(width))
        lines.append(f"g{level}: &g{level}\n  children: {{{children}}}")
    return "\n".join(lines)


def test_a_bomb_of_aliases_goes_off_nowhere() -> None:
    with pytest.raises(ConfigError, match=r"goes beyond 100000 keys, aliases counted|is one group too many"):
        read(bomb(18, 9), "site.yaml")


def test_a_bomb_of_merges_goes_off_nowhere() -> None:
    merges = "\n".join(f"m{n}: &m{n}\n  <<: [{', '.join([f'*m{n - 1}'] * 9)}]" for n in range(1, 18))
    with pytest.raises(ConfigError, match="goes beyond 100000 keys, aliases counted"):
        read(f"m0: &m0 {{vars: }}\n{merges}", "site.yaml")


def test_hosts_are_counted_as_often_as_they_are_named() -> None:
    with pytest.raises(ConfigError, match=r"^site.ini:6: h\[1:9999\] names too many hosts"):
        read("h[1:9999]\n" * 7)


def test_groups_of_all_hosts_are_counted() -> None:
    chain = "".join(f"[g{at}:children]\ng{at + 1}\n" for at in range(900))
    with pytest.raises(ConfigError, match=r"^site.ini:1802: h[0-9]+ and those before it are in too many groups"):
        read(f"{chain}[g900]\nh[1:9999]")


# never taken


def test_secrets_templates_and_vaults_are_noted_and_never_taken() -> None:
    text = """\
all:
  vars: {ansible_user: anna}
  hosts:
    a: {ansible_ssh_pass: one, ansible_become_password: two, ansible_ssh_private_key: three, db_password: four}
    b:
      ansible_ssh_pass: five
      ansible_user: "{{ lookup('pipe', 'id') }}"
      ansible_host: !vault |
        $ANSIBLE_VAULT;1.1;AES256
        6162
    c: {ansible_port: "$ANSIBLE_VAULT;1.1;AES256", ansible_user: !unsafe anna}
"""
    found = read(text, "site.yaml")
    assert said(found) == {"a": {"user": "anna"}, "b": {}, "c": {"user": "anna"}}
    secret = "is a secret and was not taken: keys and ssh-agent log in, or a person who is asked"
    vault = "is encrypted with ansible-vault and was not taken"
    assert found.notes == (
        f"site.yaml:4: ansible_ssh_pass {secret} (and on one more line)",
        f"site.yaml:4: ansible_become_password {secret}",
        f"site.yaml:4: ansible_ssh_private_key {secret}",
        "site.yaml:7: ansible_user is a template ({{ }}), which is not evaluated, and was not taken",
        f"site.yaml:8: ansible_host {vault}",
        f"site.yaml:11: ansible_port {vault}",
    )


def test_hosts_that_are_not_reached_over_ssh_are_left_out_and_noted() -> None:
    found = read("a ansible_connection=local\nb ansible_connection=community.docker.docker\nc ansible_connection=ssh")
    assert list(found.machines) == ["c"]
    assert found.notes == (
        "site.ini:1: a is this machine, which auditkit calls `local`, and was left out",
        "site.ini:2: b was left out: it is reached by docker, not over SSH",
    )


@pytest.mark.parametrize(
    ("variables", "become"),
    [
        ("ansible_become=yes", "sudo"),
        ("ansible_become=True ansible_become_method=community.general.doas", "doas"),
        ("ansible_become=0 ansible_become_method=sudo", "none"),
        ("ansible_become_method=sudo", None),
        ("ansible_become=yes ansible_become_method=su", None),
        ("ansible_become=yes ansible_become_user=root", "sudo"),
        ("ansible_become=yes ansible_become_user=postgres", None),
    ],
)
def test_becoming_root(variables: str, become: str | None) -> None:
    assert said(read(f"h {variables}"))["h"].get("become") == become


@pytest.mark.parametrize(
    ("arguments", "jump", "gate"),
    [
        ("-J gate", "gate", {}),
        ("-Jgate", "gate", {}),
        ("-o ProxyJump=anna@gate:2222", "gate", {"user": "anna", "port": "2222"}),
        ("-oproxyjump=ssh://gate", "gate", {}),
        ("-o 'ProxyJump gate' -J other", "gate", {}),
        ("-J 10.0.0.1", "known", {"address": "10.0.0.1"}),
        ("-J h", None, None),
        ("-o ProxyJump=none", None, None),
        ("-J a,b", None, None),
        ("-o ProxyCommand='sshpass -p secret ssh -W %h:%p gate'", None, None),
    ],
)
def test_a_jump_host(arguments: str, jump: str | None, gate: dict[str, str] | None) -> None:
    found = read(f'h ansible_ssh_common_args="{arguments}"\nknown ansible_host=10.0.0.1')
    assert said(found)["h"].get("jump") == jump
    assert said(found).get(jump or "") == gate
    assert "secret" not in "".join(found.notes)


def test_user_and_port_of_a_jump_are_those_of_the_host_that_it_names() -> None:
    found = read("gate ansible_port=22\na ansible_ssh_common_args='-J anna@gate'\nb ansible_ssh_common_args='-J gate:22'")
    assert said(found)["gate"] == {"port": "22"}
    (note,) = found.notes
    assert note.startswith("site.ini:2: ansible_ssh_common_args names user or port of gate, which were not taken: ")


# files


def test_the_format_is_that_of_the_ending_or_of_the_first_line(tmp_path: Path) -> None:
    forms = {
        "a.yml": "all: {hosts: {h: }}",
        "b.json": '{"all": {"hosts": {"h": {}}}}',
        "c": "# mine\n---\nall: {hosts: {h: }}",
        "d": "all:\n  hosts: {h: }",
        "e": "h",
        "f": "[g]\nh",
        "g.prod": "h",
        "h": "h:22",
    }
    for name, text in forms.items():
        (tmp_path / name).write_text(text)
        assert list(inventory.read(str(tmp_path / name)).machines) == ["h"], name


@pytest.mark.parametrize(
    ("name", "text", "mode", "why"),
    [
        ("x.py", "#!/usr/bin/python3\n", 0o644, "is a program that writes an inventory, and auditkit runs none"),
        ("x.ini", "h\n", 0o755, "is a program that writes an inventory, and auditkit runs none"),
        ("x.yaml", "$ANSIBLE_VAULT;1.1;AES256\n", 0o600, "is encrypted with ansible-vault"),
        ("x.toml", "[all.hosts]\n", 0o644, "is in a format that is not read"),
    ],
)
def test_what_would_have_to_be_run_or_decrypted_is_refused(tmp_path: Path, name: str, text: str, mode: int, why: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    file.chmod(mode)
    with pytest.raises(ConfigError, match=why) as refused:
        inventory.read(str(file))
    assert refused.value.hint


def test_variables_in_other_places_are_noted(tmp_path: Path) -> None:
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "site.ini").write_text("h\n")
    (note,) = inventory.read(str(tmp_path / "site.ini")).notes
    assert note == f"{tmp_path}/group_vars: variables in it are not read; write those that matter into the inventory"


def test_a_pipe_or_a_directory_is_no_inventory(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, why in ((tmp_path / "pipe", "is no file"), (tmp_path, "is a directory"), (tmp_path / "no", "cannot be read")):
        with pytest.raises(ConfigError, match=why):
            inventory.read(str(path))


# any text


LINES = st.sampled_from(
    [line for sample in RECORDED for line in (sample["text"] or "").splitlines()]
    + ["[a:children]", "[all:vars]", "h[1:3] ansible_host={{ x }}", "<<: *a", "a: &a", "  hosts:", "    h: {<<: *a}", "a: *a"]
)
TEXTS = st.text() | st.lists(LINES | st.text(max_size=8), max_size=12).map("\n".join)


@settings(deadline=None, max_examples=200)
@given(TEXTS, st.sampled_from(["site.ini", "site.yaml"]))
@example("h\u2028[a]\x85x", "site.ini")
@example("\0", "site.ini")
@example("h '\ud800'", "site.ini")
@example('"\\ud800": ', "site.yaml")
def test_any_text_is_an_inventory_or_a_named_mistake(text: str, name: str) -> None:
    try:
        found = read(text, name)
    except ConfigError as error:
        assert (str(error).startswith(name), bool(error.hint)) == (True, True)  # noqa: PT017 - either is right
    else:
        assert all(note.isprintable() for note in found.notes)


# in auditkit.yaml


def loaded(tmp_path: Path, yaml: str, **files: str) -> config.Config:
    (tmp_path / "auditkit.yaml").write_text(yaml)
    for name, text in files.items():
        (tmp_path / f"{name}.ini").write_text(text)
    return config.load(str(tmp_path / "auditkit.yaml"), "/home/anna")


def test_own_hosts_come_before_inventories_and_these_before_defaults(tmp_path: Path) -> None:
    read_ = loaded(
        tmp_path,
        "inventories: [one.ini, two.ini]\ndefaults: {user: audit, policy: linux}\n"
        "hosts:\n  a: {port: 1, groups: [mine]}\n  d:\n"
        'exceptions: [{rule: r, reason: x, until: 2027-01-01, host: "@g"}]\n',
        one="[g]\na ansible_host=10.0.0.1 ansible_port=2\nb ansible_user=root ansible_private_key_file=keys/b",
        two="a ansible_host=10.0.0.9 ansible_become=yes ansible_password=x\nc ansible_ssh_common_args='-J a'",
    )
    assert dict(read_.hosts) == {
        "a": HostConfig(
            "a", address="10.0.0.1", groups=("g", "mine"), port=1, policy="linux", user="audit", become="sudo"
        ),
        "d": HostConfig("d", user="audit", policy="linux"),
        "c": HostConfig("c", jump="a", user="audit", policy="linux"),
        "b": HostConfig("b", groups=("g",), user="root", policy="linux", identity=str(tmp_path / "keys/b")),
    }  # fmt: skip
    assert [note.partition(": ")[2] for note in read_.notes] == [
        "ansible_password is a secret and was not taken: keys and ssh-agent log in, or a person who is asked"
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("\nfd00::1", "two.ini:2: fd00::1 cannot be the name of a host"),
        ("local", "two.ini:1: local cannot be the name of a host"),
        ("h ansible_user='-oProxyCommand=x'", "two.ini:1: ansible_user -oProxyCommand=x is no user"),
        ("h ansible_host=-oX", "two.ini:1: ansible_host -oX is no address"),
        ("h ansible_port=http", "two.ini:1: ansible_port is no number from 1 to 65535"),
        ("h ansible_user=", "two.ini:1: ansible_user is empty"),
        ("[_g]\nh", "two.ini:1: group _g is no group"),
        ("a ansible_ssh_common_args='-J b'\nb ansible_ssh_common_args='-J a'", "two.ini:1: a jump a leads back to itself"),
    ],
)
def test_what_auditkit_refuses_in_its_own_file_it_refuses_in_an_inventory(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, "inventories: [two.ini]", two=text)
    assert str(refused.value).startswith(f"{tmp_path}/{why}")
    assert refused.value.hint


# ~/.ssh/config


def test_aliases_of_ssh_config_with_included_files(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "config").write_text(
        'Host a b *.lan !c   # remark\n  HostName x\nhost="q" d\nInclude conf.d/* "~/other"\n'
        "Include config\nMatch host m\nHost a\n"
    )
    (tmp_path / "conf.d/1").write_text("Host in-1\nInclude conf.d/2\n")
    (tmp_path / "conf.d/2").write_text("HOST in-2\n")
    (tmp_path / "other").write_text("Host other\n")
    found = inventory.read(str(tmp_path / "config"), "ssh-config", str(tmp_path))
    places = {name: (Path(each.name.source).name, each.name.line) for name, each in found.machines.items()}
    assert places == {
        "a": ("config", 1),
        "b": ("config", 1),
        "q": ("config", 3),
        "d": ("config", 3),
        "in-1": ("1", 1),
        "in-2": ("2", 1),
        "other": ("other", 1),
    }


def test_included_files_that_lead_too_far_or_cannot_be_read_are_noted(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"c{number}").write_text(f"Host h{number}\nInclude c{number + 1}\n")
    (tmp_path / "bad").write_bytes(b"Host \xff\n")
    found = ssh_config.read("Include c0 bad\n", f"{tmp_path}/config", str(tmp_path))
    assert list(found.machines) == [f"h{number}" for number in range(15)]
    assert found.notes == (
        f"{tmp_path}/config:2: Include c15 leads too deep, and was not followed",
        f"{tmp_path}/config:1: Include bad was not followed: {tmp_path}/bad is no UTF-8 text",
    )


@settings(deadline=None, max_examples=100)
@given(
    st.text() | st.lists(st.sampled_from(["Host a", "Include x", "Host", 'Host "', "Match all", "=", "Host=*"])).map("\n".join)
)
def test_any_text_is_an_ssh_config(text: str) -> None:
    assert isinstance(ssh_config.read(text, "/no/such/config", "/no/such"), Inventory)


@pytest.mark.parametrize("text", ["[" * 999_000, "[a]\n" * 200_000, "h\n" * 49_000, "x=[" * 2000, "h" + "[1:2]" * 1500])
def test_a_megabyte_of_anything_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^site.ini:[0-9]+: "):
        read(f"{text}\n[")


@pytest.mark.parametrize("line", ["Host " + " " * 999_000 + "x", "Host " + '"' * 999_000, "x=" * 400_000])
def test_a_megabyte_of_anything_is_an_ssh_config(line: str) -> None:
    assert len(ssh_config.read(line, "/no/such/config", "/no/such").machines) <= 1
