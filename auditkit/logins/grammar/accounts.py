"""Accounts, groups and passwords as they are made and changed. Source: shadow 4.1 to 4.17, busybox passwd, Debian's adduser.

Only root and who runs these programs writes such lines; `detail` is all of the message.
"""

from auditkit.logins.grammar.forms import grammar, noise, says
from auditkit.logins.nouns import Said, What

NAME = r"(?P<user>[^',\s]*)"
_known = grammar(
    says(What.ACCOUNT, "new user: name=", rf"{NAME},.*"),
    says(What.ACCOUNT, "new group: name=", rf"{NAME}(?:,.*)?"),
    says(What.ACCOUNT, "change user '", rf"{NAME}'.*"),
    says(What.ACCOUNT, "change user name '", rf"{NAME}' to .*"),
    says(What.ACCOUNT, "changed user '", rf"{NAME}'.*"),
    says(What.ACCOUNT, "delete user '", rf"{NAME}'.*"),
    says(What.ACCOUNT, "add '", rf"{NAME}' to (?:shadow )?group '.*'"),
    says(What.ACCOUNT, "delete '", rf"{NAME}' from (?:shadow )?group '.*'"),
    says(What.ACCOUNT, "lock user '", rf"{NAME}' password.*"),
    says(What.ACCOUNT, "unlock user '", rf"{NAME}' password.*"),
    says(What.ACCOUNT, "user ", rf"{NAME} (?:added|removed) by \S+ (?:to|from) group .*"),
    says(What.ACCOUNT, "password for '", rf"{NAME}' changed by '(?P<actor>[^']*)'"),
    says(What.ACCOUNT, "password for '", rf"{NAME}' changed.*"),
    says(What.ACCOUNT, "password for ", rf"{NAME} (?:changed|locked|unlocked) by (?P<actor>\S+)"),
    says(What.ACCOUNT, "Password for ", rf"{NAME} (?:changed|locked|unlocked) by (?P<actor>\S+)"),
    says(What.ACCOUNT, "password changed for ", NAME),
    says(What.ACCOUNT, "changed password expiry for ", NAME),
    says(What.ACCOUNT, "password status for ", rf"{NAME} .*"),
    says(What.ACCOUNT, "set members of ", r".*"),
    says(What.ACCOUNT, "set administrators of ", r".*"),
    says(What.ACCOUNT, "members of group ", r".* set by \S+ to .*"),
    says(What.ACCOUNT, "administrators of group ", r".* set by \S+ to .*"),
    says(What.ACCOUNT, "password of group ", r".* (?:changed|removed) by \S+"),
    says(What.ACCOUNT, "access to group ", r".* restricted by \S+"),
    says(What.ACCOUNT, "group added to ", r".*"),
    says(What.ACCOUNT, "group changed in ", r".*"),
    says(What.ACCOUNT, "change gid for ", rf"'{NAME}'.*"),
    says(What.ACCOUNT, "change GID for ", rf"'{NAME}'.*"),
    says(What.ACCOUNT, "group '", r".*' removed.*"),
    says(What.ACCOUNT, "removed group '", r".*"),
    says(What.ACCOUNT, "removed shadow group '", r".*"),
    says(What.ACCOUNT, "remove group '", r".*"),
    says(What.ACCOUNT, "Creating user ", r".*"),
    says(What.ACCOUNT, "Adding user ", r".*"),
    says(What.ACCOUNT, "Removing user ", r".*"),
    *noise(
        "failed ", "cannot ", "can't ", "useradd ", "unable to ", "invalid ", "user '", "PAM: ", "removing ", "delete mail "
    ),
)


def parse(message: str) -> Said | None:
    """What a message of useradd, usermod, passwd, chage, gpasswd and their kin says."""
    told = _known(message)
    return told._replace(detail=message) if told and told.what is What.ACCOUNT else told
