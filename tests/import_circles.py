"""Find import circles between the modules of the four packages; imports inside functions count too.

python -m tests.import_circles
"""

import sys
from collections.abc import Iterator

import grimp

PACKAGES = ("edge_runtime", "trainer", "converter", "benchmarks")


def find_circles() -> list[tuple[str, ...]]:
    """The groups of modules that import each other, directly or not (Tarjan 1972)."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    imports = {module: sorted(graph.find_modules_directly_imported_by(module)) for module in graph.modules}
    return [circle for circle in _strongly_connected(imports) if len(circle) > 1]


def _strongly_connected(imports: dict[str, list[str]]) -> Iterator[tuple[str, ...]]:
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []

    def visit(module: str) -> Iterator[tuple[str, ...]]:
        number[module] = low[module] = len(number)
        stack.append(module)
        for imported in imports[module]:
            if imported not in number:
                yield from visit(imported)
                low[module] = min(low[module], low[imported])
            elif imported in stack:
                low[module] = min(low[module], number[imported])
        if low[module] == number[module]:
            at = stack.index(module)
            yield tuple(stack[at:])
            del stack[at:]

    for module in sorted(imports):
        if module not in number:
            yield from visit(module)


if __name__ == "__main__":
    circles = find_circles()
    sys.stdout.writelines(f"{' <-> '.join(circle)}\n" for circle in circles)
    sys.stdout.write(f"{len(circles)} import circles\n")
    sys.exit(bool(circles))
