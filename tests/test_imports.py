"""Who may import whom: models and decoder are leaves, and the recogniser joins them."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("asr_app", "decoder", "models", "tui")

DECODER_MAY = {"decoder", "kenlm", "numpy", "pyctcdecode"}
MODELS_MAY = {"models", "numpy", "safetensors", "torch", "torchaudio"}
RECIPES_MAY = MODELS_MAY | {"decoder", "onnxruntime", "rich", "soundfile"}
TUI_MAY = {"rich", "textual", "tui"}
TUI_MAY_OF_APP = {
    "asr_app.config",
    "asr_app.daemon.client",
    "asr_app.engine",
    "asr_app.errors",
    "asr_app.events",
    "asr_app.files.outputs",
    "asr_app.text.realign",
}
AT_START = (
    "textual",
    "torch",
    "torchaudio",
    "numpy",
    "av",
    "soundfile",
    "sounddevice",
    "kenlm",
    "models",
    "decoder",
)


@dataclass(frozen=True)
class Import:
    """One name that a module imports; lazy inside a function."""

    module: str
    name: str
    line: int
    lazy: bool

    @property
    def package(self) -> str:
        return self.name.split(".")[0]

    def __str__(self) -> str:
        return f"{self.module}, line {self.line}: {self.name}"


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[Import]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    yield from _imports(module_name(path), path.name == "__init__.py", tree, lazy=False)


def _imports(module: str, is_package: bool, node: ast.AST, lazy: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        for name in _names(module, is_package, child):
            yield Import(module, name, getattr(child, "lineno", 0), lazy)
        inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        yield from _imports(module, is_package, child, lazy or inside)


def _names(module: str, is_package: bool, node: ast.AST) -> list[str]:
    """Names that a statement imports; `from a import b` is a.b, which covers modules and their members."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = module.split(".")[: len(module.split(".")) + is_package - node.level] if node.level else []
    origin = ".".join([*base, *([node.module] if node.module else [])])
    return [f"{origin}.{alias.name}" for alias in node.names]


def all_imports(package: str) -> list[Import]:
    return [one for path in sorted((ROOT / package).rglob("*.py")) for one in imports_of(path)]


def outside(imports: list[Import], allowed: set[str]) -> list[str]:
    return [str(one) for one in imports if one.package not in allowed | sys.stdlib_module_names]


def is_of(one: Import, modules: set[str]) -> bool:
    return any(one.name == module or one.name.startswith(f"{module}.") for module in modules)


def test_every_package_is_seen() -> None:
    assert {package: bool(all_imports(package)) for package in PACKAGES[:3]} == dict.fromkeys(PACKAGES[:3], True)


def test_decoder_is_a_leaf() -> None:
    assert outside(all_imports("decoder"), DECODER_MAY) == []


def test_models_are_a_leaf() -> None:
    imports = [one for one in all_imports("models") if not one.module.startswith("models.recipes")]
    assert outside(imports, MODELS_MAY) == []
    assert [str(one) for one in imports if one.name.startswith("models.recipes")] == []


def test_recipes_may_also_score_and_read_recordings() -> None:
    imports = [one for one in all_imports("models") if one.module.startswith("models.recipes")]
    assert outside(imports, RECIPES_MAY) == []


def test_torchaudio_has_one_door() -> None:
    """models.torchaudio_compat imports it by name, for it may need a second try."""
    imports = [one for package in PACKAGES for one in all_imports(package)]
    assert [str(one) for one in imports if one.package == "torchaudio"] == []


def test_only_the_recognizer_joins_models_and_decoder() -> None:
    """Commands that train, build and evaluate are thin shells around recipes, and call both by function."""
    joined: dict[str, set[str]] = {}
    for one in all_imports("asr_app"):
        if one.package in ("models", "decoder") and not is_of(one, {"models.recipes"}) and not one.lazy:
            joined.setdefault(one.module, set()).add(one.package)
    assert [module for module, both in joined.items() if len(both) == 2] == ["asr_app.recognizer"]


def test_terminal_ui_sees_only_the_doors_of_the_app() -> None:
    imports = all_imports("tui")
    assert outside(imports, TUI_MAY | {"asr_app"}) == []
    app = [one for one in imports if one.package == "asr_app"]
    assert [str(one) for one in app if not is_of(one, TUI_MAY_OF_APP)] == []


def test_only_the_cli_imports_the_terminal_ui_and_lazily() -> None:
    imports = [one for package in PACKAGES[:3] for one in all_imports(package) if one.package in ("tui", "textual")]
    assert [str(one) for one in imports if not (one.lazy and one.module.startswith("asr_app.cli"))] == []


@pytest.mark.parametrize("arguments", [["--help"], ["transcribe", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys; from asr_app.cli.main import main\n"
        f"sys.argv = ['asr', *{arguments}]\n"
        "try: main()\n"
        f"finally: print(sorted(set({AT_START}) & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, "[]")
    assert "asr" in done.stdout


def test_relative_imports_are_resolved() -> None:
    tree = ast.parse("from . import a\nfrom ..b import c\nfrom .d import e")
    assert [one.name for one in _imports("p.q.r", False, tree, False)] == ["p.q.a", "p.b.c", "p.q.d.e"]
    assert [one.name for one in _imports("p.q", True, tree, False)] == ["p.q.a", "p.b.c", "p.q.d.e"]
