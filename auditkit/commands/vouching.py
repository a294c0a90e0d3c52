"""The vendors' word on packages for one run: what auditkit.yaml names, else what apt of this machine has."""

import os
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from auditkit.commands import answering, options
from auditkit.errors import AuditkitError, FormatError
from auditkit.hosts import Host
from auditkit.model import Gap
from auditkit.printable import counted, printable

if TYPE_CHECKING:
    from auditkit.packaged import Files, Signed
    from auditkit.packages import Manifest, Package
    from auditkit.vendor.manifests import Manifests

CACHE = "manifests"
"""The directory of the store where it is kept what each package ships."""
BUILDERS = frozenset({"debian", "ubuntu", "raspbian"})
"""Distributions that build the same versions of the same packages, each its own."""


def of(run: options.Setting, host: Host) -> "Signed":
    """What asks the vendors of packages of this host."""
    return partial(_of_all, run, host)


def _of_all(run: options.Setting, host: Host, packages: "Sequence[Package]", files: "Files") -> "Iterator[Manifest | Gap]":
    """Yield what the vendors signed of these packages, or why that cannot be told; `files` are the host's databases."""
    from auditkit.packaged import distribution  # noqa: PLC0415 - only where something changed

    yield from signed(run, host, packages, distribution(files))
    yield from of_rpm(run, packages, files)


def of_rpm(run: options.Setting, packages: "Sequence[Package]", files: "Files") -> "Iterator[Manifest | Gap]":
    """Yield what the headers of those that are of rpm say, which their vendors signed one by one, or why that is not known."""
    from auditkit.commands import keyrings  # noqa: PLC0415 - only where something changed
    from auditkit.packages import rpmdb  # noqa: PLC0415
    from auditkit.vendor import rpmkeys  # noqa: PLC0415

    wanted = [package for package in packages if package.system == "rpm"]
    if not wanted:
        return
    try:
        yield from rpmkeys.manifests(rpmdb.installed(files), wanted, keyrings.of_rpm(run.config.vendor.keyrings), run.jobs)
    except AuditkitError as error:
        yield Gap("packages", f"the vendors' word on packages of rpm could not be had: {error}")


def signed(
    run: options.Setting, host: Host, packages: "Sequence[Package]", name: str, *, lists: bool = False
) -> "Iterator[Manifest | Gap]":
    """Yield what the vendors signed of those that are of dpkg, or why that cannot be told; `name` is the host's distribution.

    Two distributions may build the same version of a package, each its own: lists and manifests that are not of the host's
    are left out. The dates of releases are not judged: what was signed once stays proof of what was shipped then. With
    `lists` it is told, too, which lists could not be believed.
    """
    try:
        yield from _signed(run, host, [package for package in packages if package.system == "dpkg"], name, lists=lists)
    except AuditkitError as error:
        yield Gap("packages", f"the vendors' word could not be had: {error}")


def keep(run: options.Setting, host: Host, packages: "Sequence[Package]", name: str) -> None:
    """Keep what these packages ship, as far as they are at hand; `name` is the host's distribution.

    Archives have the current version only, so this is done while they still have it: a later check needs neither the
    package nor a network then. Where it cannot be done, nothing is lost that was known before.
    """
    from auditkit.commands import supplies  # noqa: PLC0415 - only where there are packages
    from auditkit.vendor import manifests  # noqa: PLC0415

    cache, number = manifests.Manifests(os.path.join(run.store, CACHE)), 0
    try:
        known = cache.names(package for package in packages if package.system == "dpkg")
        unknown = [package for package, names in known.items() if not names]
        wanted = supplies.at_hand(supplies.Asked(run, host, unknown, ())) if unknown else []
    except AuditkitError as error:
        answering.talk(f"auditkit: what the packages of {printable(host.name)} ship is not kept: {error}")
        return
    with run.show("packages of", host.name, len(wanted)) as progress:
        for told in signed(run, host, wanted, name) if wanted else ():
            number += not isinstance(told, Gap)
            progress(number, 0)
    if number and not run.quiet:
        answering.talk(
            f"auditkit: what {counted(number, 'package')} of {printable(host.name)} should hold is kept for later checks"
        )


def at_hand(run: options.Setting, host: Host, packages: "Sequence[Package]") -> bool:
    """Whether any of these packages is kept already, or can be opened."""
    from auditkit.commands import keyrings, supplies  # noqa: PLC0415 - only where there are packages
    from auditkit.vendor import manifests  # noqa: PLC0415

    if any(package.system == "rpm" for package in packages) and keyrings.of_rpm(run.config.vendor.keyrings):
        return True
    cache = manifests.Manifests(os.path.join(run.store, CACHE))
    wanted = [package for package in packages if package.system == "dpkg"]
    if any(cache.names(wanted).values()):
        return True
    return bool(wanted and supplies.at_hand(supplies.Asked(run, host, wanted, ())))


def _signed(
    run: options.Setting, host: Host, wanted: "Sequence[Package]", name: str, *, lists: bool
) -> "Iterator[Manifest | Gap]":
    from auditkit.commands import keyrings, supplies  # noqa: PLC0415 - only where something changed
    from auditkit.vendor import chain, manifests  # noqa: PLC0415

    cache = manifests.Manifests(os.path.join(run.store, CACHE))
    left: dict[Package, Gap | None] = {}
    for package in wanted:
        if kept := _kept(cache, package, name):
            yield kept
        else:
            left[package] = None
    keys = keyrings.of_apt(run.config.vendor.keyrings) if left else ()
    for supply in supplies.of(supplies.Asked(run, host, left.keys(), keys), name) if left else ():
        known = chain.of_apt(left, supply.lists, supplies.opened, keys, None)
        yield from (*supply.gaps, *known.gaps) if lists else ()
        tried = tuple(left)
        for package, told in zip(tried, chain.manifests(tried, known, supply.places(known), cache, run.jobs), strict=True):
            own = told if isinstance(told, Gap) else _own(told, name)
            if isinstance(own, Gap):
                left[package] = own
            else:
                del left[package]
                yield own
        if not left:
            break
    yield from filter(None, left.values())


def _kept(cache: "Manifests", package: "Package", name: str) -> "Manifest | None":
    """What the cache alone has of a package, if there is no doubt: one manifest, on the word of the host's distribution."""
    try:
        found = cache.of(package.name, package.version, package.arch)
    except FormatError:
        return None
    return found[0] if len(found) == 1 and found[0].source.lower().startswith(f"inrelease of {name} ") else None


def _own(manifest: "Manifest", name: str) -> "Manifest | Gap":
    """What a vendor says, unless he is that of another distribution: the same version is another package there."""
    origin = manifest.source.removeprefix("InRelease of ").partition(" ")[0].lower()
    if {origin, name} <= BUILDERS and origin != name:
        package = manifest.package
        return Gap(f"{package.key} {package.version}", f"only the package of another distribution is known, {origin}'s")
    return manifest
