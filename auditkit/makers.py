"""The kinds of files that are made of others: one line registers each, in the order in which they are judged."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from auditkit.derived import Known, alternatives, bytecode, certificates, initramfs, linker, records
from auditkit.model import Need, Rule


@dataclass(frozen=True, slots=True)
class Maker:
    """One kind of derived files."""

    asked: Callable[[Known], Iterator[Need]]
    """What to take of the host, for the changes that are open."""
    folders: Callable[[Known], set[str]]
    """The directories of which is to be known what stands in them unchanged; asked for when the files are there."""
    judge: Callable[[Known], None]
    """Explains what it can."""


MAKERS = (
    Maker(bytecode.asked, bytecode.folders, bytecode.judge),
    Maker(certificates.asked, certificates.folders, certificates.judge),
    Maker(linker.asked, linker.folders, linker.judge),
    Maker(alternatives.asked, alternatives.folders, alternatives.judge),
    Maker(initramfs.asked, initramfs.folders, initramfs.judge),
    Maker(records.asked, records.folders, records.judge),
)
RULES: tuple[Rule, ...] = (records.RECORD, records.SCRIPT, initramfs.REBUILT)
