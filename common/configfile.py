"""A settings file as it is written: keys, values as text, and the line of each.

Values are kept as text, as a command line would have them, and no YAML type is guessed: `on`, `1e3` and `00:10` mean what the option
makes of them. What is no mapping of keys to texts, lists of texts and mappings is refused here, with its line.
"""

from dataclasses import dataclass
from pathlib import Path

import yaml
from yaml import MappingNode, Node, ScalarNode

from common.errors import UsageError

DEEPEST = 4
"""Mappings within mappings: a section, a kind in it, labels in that. Deeper ones mean nothing, and an alias may point to itself."""


@dataclass(frozen=True)
class Text:
    """A scalar; None where nothing (or `null`) is written."""

    text: str | None
    line: int


@dataclass(frozen=True)
class Texts:
    """A list of scalars."""

    texts: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class Section:
    """A mapping."""

    entries: dict[str, "Entry"]
    line: int


Entry = Text | Texts | Section


def read_settings(path: Path) -> Section:
    """The file's mapping; an empty file is an empty one. Raises UsageError that names the file, and the line where there is one."""
    try:
        node = yaml.compose(path.read_text("utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise UsageError(f"cannot read the settings file {path}: {error.strerror}; name another --config") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"the settings file {path} is no UTF-8 text") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageError(f"{path}:{line}: this is no YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"the settings file {path} is no YAML") from error
    if node is None:
        return Section({}, 1)
    if not isinstance(node, MappingNode):
        raise UsageError(
            f"{path}:{_line(node)}: a settings file is a mapping of options to values, as in log-level: debug"
        )
    return _section(node, path, depth=1)


def _section(node: MappingNode, path: Path, *, depth: int) -> Section:
    if depth > DEEPEST:
        raise UsageError(f"{path}:{_line(node)}: no setting stands so deep")
    entries: dict[str, Entry] = {}
    for key, value in node.value:
        name = key.value
        if not isinstance(name, str):
            raise UsageError(f"{path}:{_line(key)}: a key is the name of an option or a section")
        if name in entries:
            raise UsageError(f"{path}:{_line(key)}: {name} is given twice, first in line {entries[name].line}")
        entries[name] = _entry(value, path, line=_line(key), depth=depth)
    return Section(entries, _line(node))


def _entry(node: Node, path: Path, *, line: int, depth: int) -> Entry:
    if isinstance(node, ScalarNode):
        return Text(_text(node), line)
    if isinstance(node, MappingNode):
        return Section(_section(node, path, depth=depth + 1).entries, line)
    texts = [_text(item) if isinstance(item, ScalarNode) else None for item in node.value]
    if None in texts:
        raise UsageError(f"{path}:{_line(node.value[texts.index(None)])}: a list holds plain values only")
    return Texts(tuple(map(str, texts)), line)


def _text(node: ScalarNode) -> str | None:
    return None if node.tag == "tag:yaml.org,2002:null" else str(node.value)


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1
