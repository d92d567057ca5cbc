"""Writes the table of settings into `configuration.md`; run it after changing a setting."""

from pathlib import Path

from hyperbo_service.config import Setting, settings

PAGE = Path(__file__).parent / "configuration.md"
BEGIN, END = "<!-- table of settings: written by generate.py -->", "<!-- end of the table -->"


def page() -> str:
    """The page with the table as it should be."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    lines = [
        "| Setting | Flag | Variable | Values | Default | Meaning |",
        "| --- | --- | --- | --- | --- | --- |",
        *map(_row, settings()),
    ]
    return f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{after}"


def _row(setting: Setting) -> str:
    about = setting.about
    default = about.shown or f"`{str(setting.default).lower()}`"
    cells = (
        f"`{setting.name}`",
        f"`{setting.flag}`",
        f"`{setting.variable}`",
        setting.wanted,
        default,
        about.meaning,
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
