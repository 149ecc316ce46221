"""Ask before a change: for a stage that others work with by typing its name, else with y or N."""

from __future__ import annotations

from os2cli.output import Output


def confirm(output: Output, question: str, *, instead: str, guarded_stage: str | None) -> bool:
    """Return whether the user agrees.

    Raises:
        UsageError: there is no terminal; the hint is ``instead``, the command that needs no answer.
    """
    if guarded_stage is not None:
        return output.confirm_by_typing(guarded_stage, question, instead=instead)
    return output.confirm(question, instead=instead)


def question(verb: str, count: int, noun: str, stage: str | None) -> str:
    """Return e.g. ``Remove 2 machines of stage stg?``."""
    things = f"{count} {noun}{'' if count == 1 else 's'}"
    return f"{verb.capitalize()} {things}{f' of stage {stage}' if stage else ''}?"


def unattended(*words: str, **options: str | int | bool | None) -> str:
    """Return the command that needs no answer, with those of its options that are set."""
    line = list(words)
    for name, value in options.items():
        if value is None or value is False:
            continue
        line.append(f"--{name.replace('_', '-')}")
        if value is not True:
            line.append(str(value))
    return " ".join([*line, "--yes"])
