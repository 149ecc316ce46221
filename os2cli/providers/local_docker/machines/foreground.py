"""The shell scripts around a program in a container, and what they write: its start and its end.

They require only a POSIX shell, and use ``cat`` and ``sleep`` where the image has them.
"""

from __future__ import annotations

from os2cli.core.models import Command
from os2cli.providers.foreground_script import END_FOREGROUND

# The environment has the script, the mark, the directory or "", and the arguments: `pkill -f` of a
# program must not find its own name in the shells around it. The program gets none of them.
#
# An engine closes the streams of an execution when its first process ends, and a program in the
# background would be killed by its next write. So the program writes to pipes, whose readers stay
# until the last writer has ended, and read on when the engine takes nothing more. The mark with the
# exit code follows everything that was written before the program's end. By how much the kernel's
# count of programs that it killed for memory has grown comes last, in cgroup v2 or v1.
_RUN = r"""
set -- "$OS2_RUN_MARK" "$OS2_RUN_FOLDER"
while [ "$#" -lt "$OS2_RUN_COUNT" ]; do
    eval "set -- \"\$@\" \"\$OS2_RUN_$#\"; unset OS2_RUN_$#"
done
unset OS2_RUN OS2_RUN_MARK OS2_RUN_FOLDER OS2_RUN_COUNT
run() { shift; [ -z "$1" ] || cd -- "$1" || exit; shift; exec "$@"; }
count_kills() {
    kills=0
    for file in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
        [ -r "$file" ] || continue
        while read -r key count; do [ "$key" = oom_kill ] && kills=$count; done <"$file"
    done
}
count_kills
before=$kills
ended() { count_kills; set -- "$1:$2:$((kills - before));"; echo "$1"; echo "$1" >&2; }
pass() { trap '' HUP INT QUIT TERM PIPE; cat 2>/dev/null; exec cat >/dev/null 2>&1; }
echo "$1"
if ! command -v cat >/dev/null; then
    (run "$@")
    ended "$1" "$?"
    exit
fi
exec 3>&1 4>&2
{
    {
        (run "$@")
        ended "$1" "$?"
    } 2>&6 3>&- 4>&- 6>&- | pass >&3 2>/dev/null 3>&- 4>&- 6>&-
} 6>&1 | pass >&4 2>/dev/null 3>&- 4>&-
exit 125
"""
RUN = ("sh", "-c", 'eval "$OS2_RUN"')
# The program is the child of the child of the child of the execution's first process.
RUN_DEPTH = 3
# The variable with the mark, in the environment of the execution's first process.
MARK = "OS2_EXECUTION"

# $1 the mark, $2 the depth of the program below the execution's first process, $3 how many times to
# look for that process, a tenth of a second apart.
END = (
    END_FOREGROUND + r"""
mark=$1 depth=$2 attempts=$3 members= first= terminal=-1
find_first() {
    scan
    for pid in $pids; do
        eval "set -- \$process_$pid"
        # Its parent is outside the container.
        [ "$1" = 0 ] || continue
        while read -r line || [ -n "$line" ]; do
            case $line in *"""
    f'"{MARK}=$mark"'
    r"""*) first=$pid terminal=$5; return ;; esac
        done <"/proc/$pid/environ"
    done
}
exec 2>/dev/null
while find_first; [ -z "$first" ]; do
    attempts=$((attempts - 1))
    [ "$attempts" -gt 0 ] && sleep 0.1 || exit 0
done
members=" $first"
eval "level_$first=0"
stop
shells= program=
for pid in $members; do
    eval "[ \"\$level_$pid\" -lt $depth ]" && shells="$shells $pid" || program="$program $pid"
done
if [ -z "$program" ]; then
    kill -s KILL $shells
    exit 0
fi
kill -s CONT $shells
members=$program
end_foreground
"""
)


# Behind the mark come an exit code and a count, unless a program wrote the mark itself.
_MAX_END_BYTES = 64


def run_environment(command: Command, mark: str) -> dict[str, str]:
    """Return the environment in which ``RUN`` runs a command."""
    words = (mark, command.folder or "", *command.argv)
    return {
        **command.env,
        "OS2_RUN": _RUN,
        "OS2_RUN_MARK": words[0],
        "OS2_RUN_FOLDER": words[1],
        "OS2_RUN_COUNT": str(len(words)),
        **{f"OS2_RUN_{number}": word for number, word in enumerate(words) if number > 1},
    }


class Output:
    """A stream of a program that was started with ``RUN``.

    ``started`` is true once the script's first line has arrived, which only stdout has;
    ``exit_code`` is None until the program's end, and ``memory_kills`` is 0.
    """

    def __init__(self, mark: str, *, started: bool) -> None:
        self._mark = mark.encode()
        self.started = started
        self.exit_code: int | None = None
        self.memory_kills = 0
        self._held = b""

    def passed(self, data: bytes) -> bytes:
        """Return what the program wrote; hold back what may be the beginning of a mark."""
        if self.exit_code is not None:
            return b""
        data, self._held = self._held + data, b""
        if not self.started:
            first_line = self._mark + b"\n"
            self.started = data.startswith(first_line)
            if not self.started:
                # No more can tell whether it is that line: an engine's own message is dropped.
                self._held = data[: len(first_line)]
                return b""
            data = data[len(first_line) :]
        written, mark, rest = data.partition(self._mark)
        if not mark:
            written, self._held = _split(data, self._mark)
            return written
        code, end, _ = rest.partition(b";")
        if end:
            # A program that writes the mark itself has no exit code of ours.
            digits, _, kills = code.removeprefix(b":").partition(b":")
            self.exit_code = int(digits) if digits.isdigit() else 1
            self.memory_kills = int(kills) if kills.isdigit() else 0
        elif len(rest) > _MAX_END_BYTES:
            self.exit_code = 1
        else:
            self._held = mark + rest
        return written


def _split(data: bytes, mark: bytes) -> tuple[bytes, bytes]:
    """Return the data without its last bytes if they begin the mark, and these."""
    for size in range(min(len(mark) - 1, len(data)), 0, -1):
        if data.endswith(mark[:size]):
            return data[:-size], data[-size:]
    return data, b""
