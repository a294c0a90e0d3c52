"""What a path may be that belongs to no package, by its name: bytecode, generated caches, links that tools of packages set.

A category is not yet an explanation: it says which proof to ask for. What fits none is what an admin has to look at.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from auditkit.model import Entry, Kind
from auditkit.packages.layout import joined
from auditkit.packages.owned import Owned


@dataclass(frozen=True, slots=True)
class Category:
    """Why a path may be there although no package ships it."""

    name: str
    why: str
    """What makes it, and so what its content can be compared with."""
    kind: Kind | None = Kind.FILE
    """What it has to be; None where it may be anything."""
    pattern: str = ""
    """The paths that it is about, as a regular expression; empty where more than the name decides."""


BYTECODE = Category("bytecode", "Python compiled a source that a package ships: compile it again", None)
ALTERNATIVE = Category("alternative", "update-alternatives leads there by a group of its database", Kind.SYMLINK)
START_LINK = Category("start link", "update-rc.d or runit leads to a script that a package ships", Kind.SYMLINK)
ENABLED = Category("enabled configuration", "a2enmod and the like lead to a file that a package ships", Kind.SYMLINK)
ENABLED_UNIT = Category("enabled unit", "systemctl enable leads to a unit that a package ships", Kind.SYMLINK)
CA_LINK = Category("CA link", "update-ca-certificates leads to a certificate that a package ships", Kind.SYMLINK)
COPIED = Category("copied backend", "cups links a backend that a package ships beside it")
TEMPLATE = Category("template", "ucf wrote it from a package's template, and knows its MD5")
MERGED = Category("merged directory", "a directory that packages ship is a link to it", Kind.DIRECTORY)
LEFT_OVER = Category("left by an upgrade", "dpkg or ucf keeps the other version of a configuration file that is known")
DECIDED = (BYTECODE, ALTERNATIVE, START_LINK, ENABLED, ENABLED_UNIT, CA_LINK, COPIED, TEMPLATE, MERGED, LEFT_OVER)
"""What more than a name decides."""

_MIME = "application|audio|chemical|font|image|inode|message|model|multipart|text|video|x-content|x-epoc|x-scheme-handler"
NAMED: tuple[Category, ...] = (
    Category(
        "linker cache",
        "ldconfig makes it of the libraries in its directories",
        pattern=r"/etc/ld\.so\.cache",
    ),
    Category(
        "MIME database",
        "update-mime-database makes it of /usr/share/mime/packages",
        pattern=r"/usr/share/mime/(XMLnamespaces|aliases|generic-icons|globs2?|icons|magic|mime\.cache|subclasses|treemagic"
        rf"|types|version|({_MIME})/[^/]+\.xml)",
    ),
    Category(
        "MIME database",
        "update-mime-database makes it of /usr/share/mime/packages",
        Kind.DIRECTORY,
        rf"/usr/share/mime/({_MIME})",
    ),
    Category(
        "desktop cache",
        "a trigger makes it of what packages ship in its directory",
        pattern=r"/usr/share/(applications/mimeinfo\.cache|icons/[^/]+/icon-theme\.cache|info/dir"
        r"|glib-2\.0/schemas/gschemas\.compiled)|/usr/lib/[^/]+/(gio/modules/giomodule\.cache"
        r"|gtk-[234]\.0/[0-9.]+/(immodules|printbackends)\.cache|gdk-pixbuf-2\.0/[0-9.]+/loaders\.cache)",
    ),
    Category(
        "font cache",
        "fc-cache, mkfontdir and mkfontscale make it of the fonts below it",
        pattern=r"/usr/share/fonts/([^/]+/)*(\.uuid|(fonts|encodings)\.(dir|scale|alias))|/var/cache/fontconfig/[^/]+",
    ),
    Category(
        "locale archive",
        "locale-gen compiles it of /etc/locale.gen",
        pattern=r"/usr/lib/locale/locale-archive",
    ),
    Category(
        "hardware database",
        "systemd-hwdb makes it of hwdb.d",
        pattern=r"(/usr/lib|/etc)/udev/hwdb\.bin",
    ),
    Category(
        "module index",
        "depmod makes it of the modules of that kernel",
        pattern=r"/usr/lib/modules/[^/]+/modules\.((dep|alias|symbols|builtin|builtin\.alias)(\.bin)?|devname|softdep|weakdep)",
    ),
    Category(
        "initramfs",
        "update-initramfs packs it of files that can be looked up one by one",
        pattern=r"/boot/initrd\.img-[^/]+",
    ),
    Category(
        "boot loader",
        "grub-install copies it of /usr/lib/grub, update-grub writes its configuration",
        pattern=r"/boot/grub/(grub\.cfg|grubenv|unicode\.pf2|fonts/[^/]+\.pf2|locale/[^/]+\.mo|[a-z0-9_-]+/[^/]+\.(mod|lst|img|efi|o))"
        r"|/boot/efi/EFI/(debian|ubuntu|BOOT)/[^/]+\.(efi|EFI|cfg|CSV)",
    ),
    Category(
        "kernel link",
        "linux-update-symlinks leads to the newest kernels",
        Kind.SYMLINK,
        r"(/boot)?/(vmlinuz|initrd\.img)(\.old)?",
    ),
    Category(
        "CA bundle",
        "update-ca-certificates joins it of the certificates in /etc/ca-certificates.conf",
        pattern=r"/etc/ssl/certs/(ca-certificates\.crt|java/cacerts)",
    ),
    Category(
        "catalog",
        "update-catalog, update-xmlcatalog, update-mime and the like make it of what packages register",
        None,
        r"/etc/(sgml/([^/]+\.cat|catalog)|xml/([^/]+\.xml|catalog)(\.old)?|mailcap|perl/XML/SAX/ParserDetails\.ini)",
    ),
    Category(
        "mail aliases",
        "newaliases makes it of /etc/aliases",
        pattern=r"/etc/aliases\.db",
    ),
    Category(
        "PAM stack",
        "pam-auth-update writes it of /usr/share/pam-configs",
        pattern=r"/etc/pam\.d/common-(account|auth|password|session|session-noninteractive)",
    ),
    Category(
        "host key",
        "it was made for this host at installation",
        pattern=r"/etc/ssh/ssh_host_[a-z0-9]+_key(\.pub)?|/etc/ssl/(private|certs)/ssl-cert-snakeoil\.(key|pem)",
    ),
    Category(
        "accounts",
        "the installer, adduser and passwd write it",
        pattern=r"/etc/((passwd|group|shadow|gshadow|subuid|subgid)-?|\.pwd\.lock|security/opasswd)",
    ),
    Category(
        "identity",
        "the installer or a service writes it for this host",
        None,
        r"/etc/(hostname|hosts|machine-id|mailname|timezone|localtime|adjtime|fstab|mtab|resolv\.conf|networks)",
    ),
    Category(
        "configuration",
        "a maintainer script or the installer wrote it, once",
        None,
        r"/etc/(hosts\.(allow|deny)|environment|profile|inputrc|nsswitch\.conf|motd|issue|shells|vconsole\.conf|locale\.(gen|conf)"
        r"|papersize|aliases|ca-certificates\.conf|kernel-img\.conf|crypttab|modules|python3(/debian_config)?|opt"
        r"|default/(keyboard|locale|console-setup|grub)|network/interfaces|apt/sources\.list|dpkg/origins/default"
        r"|postfix/((main|master)\.cf(\.proto)?|dynamicmaps\.cf|makedefs\.out)|cups/cupsd\.conf|initramfs-tools/modules"
        r"|X11/default-display-manager|apparmor\.d/local(/[^/]+)?)",
    ),
    Category(
        "local hierarchy",
        "base-files makes these directories, and nothing in them",
        Kind.DIRECTORY,
        r"/opt|/usr/local(/(bin|etc|games|include|lib|libexec|sbin|share|src)|/share/(man|ca-certificates|fonts|zsh(/site-functions)?|(xml|sgml)(/[a-z]+)?)"
        r"|/lib/python3[0-9.]*(/dist-packages)?)?",
    ),
    Category(
        "local man link",
        "base-files leads from /usr/local/man to share/man",
        Kind.SYMLINK,
        r"/usr/local/man",
    ),
    Category(
        "directory of enabled units",
        "systemctl enable makes it for its links",
        Kind.DIRECTORY,
        r"/etc/systemd/(system|user)/[^/]+\.(wants|requires|upholds)",
    ),
)
CATEGORIES = (*DECIDED, *NAMED)

_PATTERNS = tuple((re.compile(category.pattern), category) for category in NAMED)
_COMPILED = re.compile(r"(.*)/__pycache__/([^/]+?)\.[a-z]+-[0-9]+(\.opt-[12])?\.pyc", re.DOTALL)
_START = re.compile(r"/etc/rc[0-6S]\.d/[SK][0-9]{2}([^/]+)|/etc/runit/runsvdir/[^/]+/([^/]+)")
_ENABLED = re.compile(
    r"/etc/nginx/modules-enabled/[0-9]+-(?P<module>[^/]+)|/etc/fonts/conf\.d/(?P<font>[^/]+)"
    r"|(?P<kind>/etc/[^/]+/[^/]+)-enabled/(?P<name>[^/]+)"
)
_UNIT = re.compile(r"/etc/systemd/(?:system|user)/([^/]+\.(?:wants|requires|upholds)/)?([^/]+\.[a-z]+)")
_BACKEND = re.compile(r"/usr/lib/cups/backend/([^/]+)")
_CERTIFICATE = re.compile(r"/etc/ssl/certs/(?:([0-9a-f]{8})\.[0-9]+|[^/]+\.pem)")
_OTHER_VERSION = re.compile(r"(/etc/.*)(?:\.dpkg-(?:old|dist|new|bak)|\.ucf-(?:old|dist|new))", re.DOTALL)


class Unowned:
    """One host, of which each path that no package ships can be asked about."""

    def __init__(self, owned: Owned, links: Mapping[str, str], templates: Mapping[str, str]) -> None:
        """`links` are all links of all groups of alternatives with where they lead; `templates` the files that ucf knows."""
        self._owned = owned
        self._links = {owned.layout.real(link): target for link, target in links.items()}
        self._templates = templates

    def category(self, entry: Entry) -> Category | None:
        """What the path may be; None where an admin has to look."""
        decided = self._decided(entry)
        if decided is not None:
            return decided
        if (other := _OTHER_VERSION.fullmatch(entry.path)) and entry.kind is Kind.FILE and named(other[1], entry.kind):
            return LEFT_OVER
        return named(entry.path, entry.kind)

    def _decided(self, entry: Entry) -> Category | None:
        """The category where what a package ships decides, and not a name alone."""
        path = entry.path
        match entry.kind:
            case Kind.SYMLINK if entry.target is not None:
                return ALTERNATIVE if self._links.get(path) == entry.target else _link(path, entry.target, self._owned)
            case Kind.DIRECTORY if path.endswith("/__pycache__"):
                return BYTECODE if path.removesuffix("/__pycache__") in self._owned else None
            case Kind.DIRECTORY if any(link in self._owned for link in self._owned.layout.leading_to(path)):
                return MERGED
            case Kind.FILE:
                return _file(path, self._owned, self._templates)
            case _:
                return None


def named(path: str, kind: Kind) -> Category | None:
    """The category where its name decides."""
    fitting = (category for pattern, category in _PATTERNS if category.kind in (None, kind) and pattern.fullmatch(path))
    return next(fitting, None)


def _file(path: str, owned: Owned, templates: Mapping[str, str]) -> Category | None:
    if path.endswith(".pyc"):
        compiled = _COMPILED.fullmatch(path)
        source = f"{compiled[1]}/{compiled[2]}.py" if compiled else path.removesuffix("c")
        return BYTECODE if source in owned else None
    if path in templates:
        return TEMPLATE
    if (other := _OTHER_VERSION.fullmatch(path)) and (other[1] in owned or other[1] in templates):
        return LEFT_OVER
    if (backend := _BACKEND.fullmatch(path)) and f"/usr/lib/cups/backend-available/{backend[1]}" in owned:
        return COPIED
    return None


def _link(path: str, target: str, owned: Owned) -> Category | None:
    leads = joined(path, target)
    folder, _, name = leads.rpartition("/")
    if certificate := _CERTIFICATE.fullmatch(path):
        beside = certificate[1] is not None and folder == "/etc/ssl/certs" and name.endswith(".pem")
        return CA_LINK if beside or (leads.startswith("/usr/share/ca-certificates/") and leads in owned) else None
    if leads not in owned:
        return None
    if (start := _START.fullmatch(path)) and leads in (f"/etc/init.d/{start[1]}", f"/etc/sv/{start[2]}"):
        return START_LINK
    if (unit := _UNIT.fullmatch(path)) and _unit_of(unit[2], name, alias=unit[1] is None):
        return ENABLED_UNIT
    if (enabled := _ENABLED.fullmatch(path)) and leads in (
        f"{enabled['kind']}-available/{enabled['name']}",
        f"/usr/share/fontconfig/conf.avail/{enabled['font']}",
        f"/usr/share/nginx/modules-available/{enabled['module']}",
    ):
        return ENABLED
    return None


def _unit_of(link: str, unit: str, alias: bool) -> bool:
    """Whether a link of this name may enable that unit: its own name, an instance of it, or another name for it."""
    template, at, rest = link.partition("@")
    instance = bool(at) and unit == f"{template}@.{rest.rpartition('.')[2]}"
    return link == unit or instance or (alias and link.rpartition(".")[2] == unit.rpartition(".")[2])
