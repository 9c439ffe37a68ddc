"""Who may import whom. Read from the source, so that lazy imports count too."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.setup.test_locks import locked

ROOT = Path(__file__).parents[2]

MAY_IMPORT = {
    "streaming": {"streaming"},
    "models": {"streaming", "models"},
    "server": {"streaming", "models", "server"},
    "clients": {"streaming", "clients"},
    "loadtest": {"streaming", "clients", "loadtest"},
}
OURS = set(MAY_IMPORT) | {"surtitle"}

# What `streaming` may know of the standard library: how to compute, nothing of the world.
PURE = {
    *("__future__", "abc", "collections", "copy", "dataclasses", "enum", "functools", "types"),
    *("typing", "bisect", "heapq", "itertools", "operator", "math", "fractions", "statistics"),
    *("difflib", "re", "string", "struct", "tomllib", "unicodedata"),
}
PURE_PACKAGES = {"msgspec", "numpy", "rapidfuzz"}
EFFECTS = {"open", "print", "input", "breakpoint", "exec", "eval", "__import__"}


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(path: Path, nodes: Iterator[ast.AST] | None = None) -> set[str]:
    """The full names of what a file imports: relative ones and import_module("...") too."""
    package = list(path.relative_to(ROOT).parent.parts)
    found = set()
    for node in nodes or ast.walk(tree(path)):
        match node:
            case ast.Import(names):
                found |= {alias.name for alias in names}
            case ast.ImportFrom(name, names, level):
                above = package[: len(package) - level + 1] if level else []
                base = ".".join([*above, *([name] if name else [])])
                found |= {f"{base}.{alias.name}".lstrip(".") for alias in names}
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__")
                | ast.Attribute(attr="import_module"),
                args=[ast.Constant(str(name)), *_],
            ):
                found.add(name)
    return found


def tops(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_point_one_way(package: str) -> None:
    wrong = {
        module(path): sorted(ours)
        for path in sources(package)
        if (ours := tops(imports(path)) & OURS - MAY_IMPORT[package])
    }
    assert not wrong


def test_streaming_only_computes() -> None:
    allowed = PURE | PURE_PACKAGES | {"streaming"}
    wrong = {
        module(path): sorted(outside)
        for path in sources("streaming")
        if (outside := tops(imports(path)) - allowed)
    }
    assert not wrong


def test_streaming_calls_nothing_that_touches_the_world() -> None:
    called = {
        f"{module(path)}:{node.lineno} {node.func.id}"
        for path in sources("streaming")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id in EFFECTS
    }
    assert not called


def test_streaming_awaits_nothing() -> None:
    waiting = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)
    assert not [
        f"{module(path)}:{getattr(node, 'lineno', 0)}"
        for path in sources("streaming")
        for node in ast.walk(tree(path))
        if isinstance(node, waiting)
    ]


def test_the_command_line_imports_ours_only_when_a_command_is_chosen() -> None:
    path = ROOT / "surtitle.py"
    assert not tops(imports(path, at_import(tree(path)))) & OURS


def at_import(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when the file is imported: everything outside functions."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from at_import(child)


ASKED = {"clients.call_link", "clients.calling", "loadtest.calls"}
"""What is imported only by who asked for WebRTC, and needs the extra of that name besides."""


def reached(start: str) -> dict[str, Path]:
    """Our modules that importing one can lead to, with the packages they lie in; but for WebRTC."""
    files = {module(path): path for package in MAY_IMPORT for path in sources(package)}
    found: dict[str, Path] = {}
    waiting = {name for name in files if name == start or name.startswith(f"{start}.")}
    while waiting:
        name = waiting.pop()
        if name in found or name not in files:
            continue
        found[name] = files[name]
        parts = name.split(".")
        waiting |= {".".join(parts[:depth]) for depth in range(1, len(parts))}
        for wanted in imports(files[name]):
            waiting |= {wanted, wanted.rpartition(".")[0]} - ASKED
    return found


@pytest.mark.parametrize(
    ("lock", "client"),
    [
        ("glasses", "clients.glasses"),
        ("tui", "clients.tui"),
        ("tui", "clients.captions"),
        ("tui", "clients.shell"),
    ],
)
def test_a_thin_client_needs_only_what_its_lock_brings(lock: str, client: str) -> None:
    brought = set(locked(lock))
    provided_by = packages_distributions()
    missing = {
        f"{name} imports {top}"
        for name, path in reached(client).items()
        for top in tops(imports(path)) - OURS - set(sys.stdlib_module_names)
        if not brought & {canonicalize_name(dist) for dist in provided_by.get(top, [])}
    }
    assert not missing


def test_webrtc_is_imported_by_none_who_did_not_ask_for_it() -> None:
    wrong = {
        module(path)
        for path in [*sources("clients"), *sources("loadtest")]
        if module(path) not in ASKED
        for name in imports(path, at_import(tree(path)))
        if {name, name.rpartition(".")[0]} & ASKED or name.partition(".")[0] == "aiortc"
    }
    assert not wrong


def test_no_other_distribution_has_our_names() -> None:
    provided_by = packages_distributions()
    for name in sorted(OURS):
        assert set(provided_by.get(name, [])) <= {"surtitle"}, name
