"""Which packages are installed, and in which version."""

from importlib import metadata


def installed_versions(*packages: str) -> dict[str, str]:
    """The versions of those packages that are installed here."""
    found: dict[str, str] = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
