"""Signatures can be neither checked nor made, and whoever asks for it is told so. The names are those that auditkit imports."""

import sys
from types import ModuleType

from auditkit.errors import AuditkitError, UntrustedError

__path__ = []
"""It has submodules."""
WHY = "here there is no `cryptography`, which auditkit needs for it"


class _Nothing:
    """Is made of anything, and is nothing."""

    def __init__(self, *_, **__):
        pass


def _no_check(*_, **__):
    hint = "check it by `ssh-keygen -Y verify -n auditkit -f SIGNERS -I NAME -s FILE.sig < FILE`; then name no signers here"
    raise UntrustedError(f"the signature cannot be checked: {WHY}", hint)


def _no_key(*_, **__):
    raise AuditkitError(
        f"nothing can be signed: {WHY}", "leave --key out, and sign by `ssh-keygen -Y sign -n auditkit -f KEY FILE`"
    )


_LOADERS = {"load_ssh_public_key": _no_check, "load_ssh_private_key": _no_key, "load_pem_private_key": _no_key}
_MODULES = {
    "exceptions": {name: type(name, (Exception,), {}) for name in ("InvalidSignature", "UnsupportedAlgorithm")},
    "hazmat": {},
    "hazmat.primitives": {},
    "hazmat.primitives.hashes": dict.fromkeys(("SHA256", "SHA384", "SHA512"), _Nothing),
    "hazmat.primitives.serialization": {**_LOADERS, "Encoding": _Nothing, "PublicFormat": _Nothing},
    "hazmat.primitives.asymmetric": {},
    "hazmat.primitives.asymmetric.ec": {},
    "hazmat.primitives.asymmetric.ed25519": {},
    "hazmat.primitives.asymmetric.padding": {"PKCS1v15": _Nothing},
    "hazmat.primitives.asymmetric.rsa": {},
    "hazmat.primitives.asymmetric.utils": {},
}
_KEYS = {"ec": "EllipticCurve", "ed25519": "Ed25519", "rsa": "RSA"}
for _place, _kind in _KEYS.items():
    for _half in ("PrivateKey", "PublicKey"):
        _MODULES[f"hazmat.primitives.asymmetric.{_place}"][_kind + _half] = type(_kind + _half, (), {})
_MODULES["hazmat.primitives.asymmetric.ed25519"]["Ed25519PrivateKey"].generate = staticmethod(_no_key)
for _place, _names in _MODULES.items():
    _module = ModuleType(f"{__name__}.{_place}")
    _module.__path__ = []
    _module.__dict__.update(_names)
    sys.modules[_module.__name__] = _module
    _above, _dot, _last = _module.__name__.rpartition(".")
    setattr(sys.modules[_above], _last, _module)
