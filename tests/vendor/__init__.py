"""The vendor's signed packages as a source of truth; a package, so that its conftest is `vendor.conftest` and no other."""
