"""Limit the processor time and the memory of this process."""

import sys


def limit_resources(*, memory_bytes: int, cpu_seconds: int | None = None) -> None:
    """Limit what this process may use; it leaves no core dump.

    Args:
        memory_bytes: of address space.
        cpu_seconds: of processor time; None for no limit.
    """
    import resource

    wanted = {resource.RLIMIT_AS: min(memory_bytes, sys.maxsize), resource.RLIMIT_CORE: 0}
    if cpu_seconds is not None:
        wanted[resource.RLIMIT_CPU] = cpu_seconds
    for kind, limit in wanted.items():
        _soft, hard = resource.getrlimit(kind)
        allowed = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (allowed, allowed))
