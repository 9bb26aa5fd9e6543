"""What holds for every file: no pickle, no long files, nothing of one machine, sizes of what ships."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from asr_app.audio.file import read_audio
from decoder.normalize import normalize

ROOT = Path(__file__).parents[1]
PACKAGES = ("asr_app", "decoder", "models", "tui")
FOLDERS = (*PACKAGES, "tests", "docs", "scripts", "samples", ".ci")
ENGLISH = ROOT / "asr_app" / "resources" / "english"
SAMPLES = ROOT / "samples"

MAX_LINES = 400
MB = 1_000_000
UNSAFE_MODULES = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
UNSAFE_CALLS = {"torch.load", "torch.save", "numpy.load", "np.load", "torch.jit.load"}
OF_ONE_MACHINE = re.compile(r"(?<![\w.$}])/(?:root|work|opt|Users|home/\w+|mnt)/")
OF_A_REGISTRY = re.compile(r"\b(?:pypi|pythonhoste[d]|anaconda|jfrog|artifactory)\.(?:org|com|io|net)\b", re.IGNORECASE)


def files() -> Iterator[Path]:
    """Files of the project; not what tools or users leave between them."""
    yield from (path for pattern in ("*.md", "*.toml", "LICENSE", ".gitignore") for path in ROOT.glob(pattern))
    for folder in FOLDERS:
        yield from (
            path
            for path in sorted((ROOT / folder).rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts and path.suffix not in {".pyc", ".so"}
        )


def texts() -> Iterator[tuple[Path, str]]:
    for path in files():
        content = path.read_bytes()
        if b"\0" not in content[:4096] and path.suffix != ".gz":
            yield path, content.decode("utf-8")


def python_files(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_nothing_is_loaded_that_can_run_code() -> None:
    trees = list(python_files(*PACKAGES))
    assert len(trees) > 30
    assert [f"{shown(path)}: {name}" for path, tree in trees for name in unsafe_in(tree)] == []


def unsafe_in(tree: ast.AST) -> Iterator[str]:
    """Modules and calls that read objects, which may be code, from files."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in UNSAFE_MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in UNSAFE_MODULES:
            yield node.module or ""
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in UNSAFE_CALLS and not _plain(node):
            yield ast.unparse(node.func)


def _plain(call: ast.Call) -> bool:
    """Arrays and tensors may be read where the call says in so many words that no other object may come with them."""
    said = {(word.arg, ast.unparse(word.value)) for word in call.keywords}
    return bool(said & {("allow_pickle", "False"), ("weights_only", "True")})


def test_the_search_for_unsafe_loading_finds_it() -> None:
    code = "import pickle, json; from joblib import load; torch.load(f); np.load(f)"
    plain = "np.load(f, allow_pickle=False); torch.load(f, weights_only=True)"
    assert sorted(unsafe_in(ast.parse(f"{code}; {plain}"))) == [
        "joblib",
        "np.load",
        "pickle",
        "torch.load",
    ]


def test_a_file_has_one_idea() -> None:
    code = [path for path in files() if path.suffix in (".py", ".sh", ".toml") or path.parent.name == "scripts"]
    assert len(code) > 50
    lines = {shown(path): len(path.read_text(encoding="utf-8").splitlines()) for path in code}
    assert {name: count for name, count in lines.items() if count > MAX_LINES} == {}


@pytest.mark.parametrize("pattern", [OF_ONE_MACHINE, OF_A_REGISTRY], ids=["paths", "registries"])
def test_nothing_belongs_to_one_machine(pattern: re.Pattern[str]) -> None:
    found = [f"{shown(path)}: {match.group()}" for path, text in texts() for match in pattern.finditer(text)]
    assert found == []


def test_links_between_documents_lead_somewhere() -> None:
    found = []
    for path in (path for path in files() if path.suffix == ".md"):
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8")):
            if "://" not in target and not (path.parent / target).exists():
                found.append(f"{shown(path)}: {target}")
    assert found == []


def test_scripts_are_executable() -> None:
    scripts = [path for path in (ROOT / "scripts").iterdir() if path.is_file() and path.suffix != ".sh"]
    assert {"demo", "test"} <= {path.name for path in scripts}
    for path in [*scripts, ROOT / ".ci" / "run"]:
        assert path.stat().st_mode & 0o111, f"{shown(path)} is not executable"
        assert path.read_text(encoding="utf-8").startswith("#!/"), f"{shown(path)} does not name its interpreter"


def test_everything_beside_the_code_ships_in_the_package() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    data = settings["tool"]["setuptools"]["package-data"]
    for package in PACKAGES:
        shipped = {path for pattern in data.get(package, []) for path in (ROOT / package).glob(pattern)}
        beside = [path for path in files() if path.is_relative_to(ROOT / package) and path.suffix != ".py"]
        assert [shown(path) for path in beside if path not in shipped] == []


def test_the_acoustic_model_is_small() -> None:
    model = ENGLISH / "model.safetensors"
    if not model.is_file():
        pytest.skip("the default recogniser is not in the package yet: train it (docs/training.md)")
    assert model.stat().st_size + (ENGLISH / "model.json").stat().st_size <= 40 * MB


def test_the_language_model_is_small() -> None:
    lm = ENGLISH / "lm.bin"
    if not lm.is_file():
        pytest.skip("the language model is not in the package yet: build it (docs/language-model.md)")
    assert lm.stat().st_size <= 25 * MB


def sample_texts() -> dict[str, str]:
    lines = (SAMPLES / "expected.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t") for line in lines)


def test_every_sample_has_its_text() -> None:
    recordings = {path.name for path in SAMPLES.iterdir() if path.suffix not in (".md", ".txt")}
    assert recordings == set(sample_texts())
    assert {Path(name).suffix for name in recordings} == {".wav", ".flac", ".mp3", ".ogg"}


@pytest.mark.parametrize(("name", "text"), sample_texts().items())
def test_a_sample_is_speech_of_its_text(name: str, text: str) -> None:
    words = (normalize(text) or "").split()
    samples = read_audio(SAMPLES / name)
    assert 0.2 < abs(samples).max() <= 1.0
    assert 1.5 < len(words) / (len(samples) / 16_000) < 5  # words a second


def test_samples_differ_in_sample_rate_and_channels() -> None:
    forms = [soundfile.info(SAMPLES / name) for name in sample_texts()]
    assert len({form.samplerate for form in forms}) > 1
    assert len({form.channels for form in forms}) > 1
