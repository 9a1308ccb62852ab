"""Writes the tables of docs/configuration.md from the options themselves: `make docs`. A test fails while they say something else."""

from pathlib import Path

import click

from common.config import SECTIONS, Setting
from podwire.up import command as up

PAGE = Path(__file__).with_name("configuration.md")

MARK = "<!-- What follows is made from the options by `make docs`: change the option, not this page. -->\n"

TITLES = {
    None: ("All stages", "At the top of the file, or in the section of a stage."),
    "up": ("`up`: the whole pipeline", "`podwire up` only."),
    "watcher": ("`watcher`", "`podwire watch`, and `podwire up`."),
    "matcher": ("`matcher`", "`podwire match`, and `podwire up`."),
    "relay": ("`relay`", "`podwire relay`, and `podwire up`."),
}


def page(before: str) -> str:
    """The page with its tables as they are to be; what stands before them stays."""
    context = click.Context(up, info_name="up")
    tables = [_section(context, section) for section in (None, *SECTIONS)]
    return "\n".join([before.partition(MARK)[0] + MARK, *tables])


def _section(context: click.Context, section: str | None) -> str:
    title, where = TITLES[section]
    rows = [_row(context, one) for one in up.params if isinstance(one, Setting) and one.section == section]
    table = ["| key and option | variable | default | |", "| --- | --- | --- | --- |", *rows]
    return "\n".join([f"## {title}\n", f"{where}\n", *table, ""])


def _row(context: click.Context, setting: Setting) -> str:
    extra = setting.get_help_extra(context)
    help_ = " ".join((setting.help or "").split()).replace("|", "\\|")
    allowed = f" ({extra['range']})" if "range" in extra else ""
    value = "" if setting.is_flag else f" {setting.make_metavar(context)}".replace("|", "\\|")
    variables = ", ".join(f"`{one}`" for one in extra.get("envvars", ()))
    default = extra.get("default", "").strip("()")
    if setting.is_flag:
        default = str(setting.default is True).lower()  # one without a default has click's sentinel for it
    names = "/".join(f"--{one.removeprefix('--')}" for one in (*setting.opts, *setting.secondary_opts))
    return f"| `{names}{value}`{allowed} | {variables} | {default} | {help_} |"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
