"""What a session's shell is given for each command, as the daemon since April 2026 words it.

The command's own text is sourced by the shell, so that ``cd``, ``export``, ``exec`` and ``exit``
in it are the session's. Its output goes through two named pipes to labellers, which mark each
line and add it to one log; the exit code is written when both have come to the end of theirs, so
that a program in the background that still holds one delays it. Older daemons write it at once.
"""

from __future__ import annotations

from shlex import quote

STDOUT = b"\x01\x01\x01"
STDERR = b"\x02\x02\x02"
SCRIPT = "cmd.sh"
LOG = "output.log"
CODE = "exit_code"
INPUT = "input.pipe"

_NO_INPUT = 'cat /dev/null > "$in" &'
# Nothing writes there, but the pipe does not come to its end. It is killed by KILL, since a new
# subshell may lose another signal and then never opens the pipe, which has no reader any more.
_HELD_OPEN = 'while :; do sleep 3600; done > "$in" &'
_LABELLER = (
    """( while IFS= read -r line || [ -n "$line" ]; do printf '{mark}%s\\n' "$line"; done """
    """< "{pipe}" ) >> "$log" &"""
)
_WRITE_CODE = f'echo "$code" >> "$here/{CODE}"'
_COMMAND = """
{{
here={folder}
log=$here/{log} in=$here/{input} out=$here/stdout.pipe err=$here/stderr.pipe
rm -f "$in" "$out" "$err" && mkfifo "$in" "$out" "$err" || exit 1
tidy() {{ rm -f "$in" "$out" "$err"; }}
trap tidy EXIT HUP INT TERM
{label_stdout} of_out=$!
{label_stderr} of_err=$!
{holder} holder=$!
{{ . "$here/{script}"; }} < "$in" > "$out" 2> "$err"
code=$?
{early}
kill -KILL "$holder" 2>/dev/null; wait "$holder" 2>/dev/null
wait "$of_out" "$of_err"
{late}
tidy
}}
"""


def for_shell(folder: str, *, reads: bool, early_code: bool) -> bytes:
    """Return the text that runs the script in ``folder``; without ``reads`` its input is empty."""
    return _COMMAND.format(
        early=_WRITE_CODE if early_code else ":",
        late=":" if early_code else _WRITE_CODE,
        folder=quote(folder),
        log=LOG,
        input=INPUT,
        script=SCRIPT,
        label_stdout=_LABELLER.format(mark=r"\001\001\001", pipe="$out"),
        label_stderr=_LABELLER.format(mark=r"\002\002\002", pipe="$err"),
        holder=_HELD_OPEN if reads else _NO_INPUT,
    ).encode()
