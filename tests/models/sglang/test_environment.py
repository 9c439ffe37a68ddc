"""SGLang's environment has our plugin as it is in this checkout; what has not changed is kept."""

from pathlib import Path

import pytest

from models.sglang.launch import environment


@pytest.fixture
def installs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A plugin of one file, and what pip is told to install."""
    plugin = tmp_path / "plugin"
    plugin.mkdir()
    (plugin / "pyproject.toml").write_text("[project]")
    (plugin / "worker.py").write_text("old")
    done: list[list[str]] = []

    def pip(folder: Path, words: list[str], tell: environment.Tell) -> None:
        done.append(words)
        there = folder / "lib" / "python3" / "site-packages"
        (there / "surtitle_hypothesis-1.dist-info").mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(environment, "PLUGIN", plugin)
    monkeypatch.setattr(environment, "_pip", pip)
    monkeypatch.setattr(environment, "_ready", lambda folder, wanted: True)
    return done


def install(tmp_path: Path) -> None:
    (tmp_path / "sglang").mkdir(exist_ok=True)
    environment.install(tmp_path / "sglang", environment.CPU, lambda line: None)


def test_a_plugin_that_has_not_changed_is_left_alone(
    tmp_path: Path, installs: list[list[str]]
) -> None:
    install(tmp_path)
    (tmp_path / "plugin" / "__pycache__").mkdir()
    (tmp_path / "plugin" / "__pycache__" / "worker.pyc").write_text("built")
    install(tmp_path)
    assert len(installs) == 1


def test_a_plugin_that_has_changed_is_installed_again(
    tmp_path: Path, installs: list[list[str]]
) -> None:
    install(tmp_path)
    (tmp_path / "plugin" / "worker.py").write_text("new")
    install(tmp_path)
    (tmp_path / "plugin" / "worker.py").rename(tmp_path / "plugin" / "workers.py")
    install(tmp_path)
    assert len(installs) == 3


def test_a_plugin_that_was_not_installed_to_the_end_is_installed_again(
    tmp_path: Path, installs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(folder: Path, words: list[str], tell: environment.Tell) -> None:
        raise environment.InstallError("no space left")

    install(tmp_path)
    (tmp_path / "plugin" / "worker.py").write_text("new")
    with monkeypatch.context() as broken:
        broken.setattr(environment, "_pip", fail)
        with pytest.raises(environment.InstallError):
            install(tmp_path)
    install(tmp_path)
    assert len(installs) == 2
