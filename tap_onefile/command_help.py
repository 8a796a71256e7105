"""What ``tap-onefile --help`` says."""

from __future__ import annotations

import click

_PURPOSE = """Read what a training provider keeps in OneFile, and write it to standard output as Singer messages.

A Singer target takes it from there into a database or files. Nothing in OneFile is changed.
"""
# Click leaves a paragraph as it is that begins with this character.
_EXAMPLES = """\b
Examples:
  tap-onefile --config config.json --test
  tap-onefile --config config.json --discover > catalog.json
  tap-onefile --config config.json | target-jsonl > states.json
  tap-onefile --config ENV --test

config.json holds the settings, at the least {"customer_token": "..."}; --about lists them all. The last line that a
target writes is the state for the next run.
"""
_OPTIONS = {
    "version": "Show the version, and end.",
    "about": "Show what the tap can do and its settings, and end.",
    "about_format": "How --about shows it.",
    "config": "A JSON file with the settings, or ENV for the variables TAP_ONEFILE_...; may be given more than once.",
    "discover": "Write the catalog of all streams and fields, and end.",
    "test": "Try every stream, tell what a full run costs, and write no record; with schema, write the schemas.",
    "catalog": "A catalog with the selection of streams and fields.",
    "state": "The state that the last run left, for reading only what has changed.",
}
_VALUES = {"config": "FILE|ENV", "test": "[schema]", "catalog": "FILE", "state": "FILE"}


def explained(command: click.Command) -> click.Command:
    """Put a command's help into words for those who have never heard of Singer.

    Args:
        command: The command, as the SDK makes it.

    Returns:
        The same command.
    """
    command.help, command.epilog = _PURPOSE, _EXAMPLES
    for option in command.params:
        if isinstance(option, click.Option) and option.name in _OPTIONS:
            option.help = _OPTIONS[option.name]
            option.metavar = _VALUES.get(option.name, option.metavar)
    return command
