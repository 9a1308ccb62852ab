"""The help of a command that takes the options of several stages: grouped as the settings file's sections are."""

import click

_TITLES: dict[str | None, str] = {
    None: "Options",
    "up": "Options",
    "watcher": "Options of the watchers",
    "matcher": "Options of the matcher",
    "relay": "Options of the relay",
}


class SectionedCommand(click.Command):
    """Shows each section's options under a title of its own."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        groups: dict[str, list[tuple[str, str]]] = {title: [] for title in _TITLES.values()}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                groups[_TITLES[getattr(parameter, "section", None)]].append(record)
        for title, records in groups.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)
