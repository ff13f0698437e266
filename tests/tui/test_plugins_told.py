"""What is wrong with plug-ins and presets of one's own is said once the console is up."""

from seqsum_tui.app import Console
from seqsum_tui.runs.screen import RunsScreen


async def test_what_is_left_out_is_told_after_the_first_reading(tmp_path, monkeypatch, until):
    presets = tmp_path / "config" / "seqsum" / "presets"
    presets.mkdir(parents=True)
    (presets / "[red]broken.toml").write_text("title = ", encoding="utf-8")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr("seqsum.plugins._problems", ["plug-in /x.py: left out: [b]no[/b]"])
    console = Console(tmp_path / "runs", remote=False)
    told = []
    monkeypatch.setattr(console, "notify", lambda message, **more: told.append((message, more["severity"])))
    async with console.run_test() as pilot:
        await until(pilot, lambda: len(told) == 2)
        assert isinstance(console.screen, RunsScreen)
    assert told[0] == ("plug-in /x.py: left out: [b]no[/b]", "warning")
    assert "[red]broken.toml" in told[1][0] and told[1][1] == "warning"
