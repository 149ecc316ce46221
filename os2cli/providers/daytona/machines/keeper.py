"""The shell script that keeps one program in a sandbox.

Daytona's log of a session is one of lines: it drops NULs, ends every line, and holds back what is
not a whole line. So the program's streams go through pipes into two files of a directory of its
own, which os2 downloads as they grow. A process of the session holds a lease: when it ends, the
keeper interrupts the program and removes the directory. What the program left in the background
goes on, with a reader for what it still writes.

The script needs what Daytona's own sessions need in an image (``sh``, ``cat``, ``mkfifo``), and
``setsid``, without which the background ends with the session.
"""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass

from os2cli.core.models import Command
from os2cli.providers.foreground_script import END_FOREGROUND

# Descriptors: 3 and 5 write to the program's pipes, 4 and 6 read them, 7 is the lease, 8 the input.
_KEEPER = r"""
here=@HERE@ feeder='' shell=$(command -v sh) alone=$(command -v setsid)
exec 3<>"$here/1" 4<"$here/1" 5<>"$here/2" 6<"$here/2" 8<&0
# Opening a pipe both ways does not wait: the lease may have ended already.
exec 9<>"$here/lease" 7<"$here/lease" 9<&-
# The session's pipes end before the keeper does.
exec </dev/null >/dev/null 2>&1
@FUNCTIONS@
spool() {
    exec 3>&- 5>&- 7<&- 8<&- >>"$2"
    trap 'kill "$copy"; exit' TERM
    cat <&"$1" & copy=$!
    # On a full disk os2 notices the missing file, and the program does not wait.
    wait "$copy" || { rm -f "$2"; exec cat <&"$1" >/dev/null; }
}
guard() {
    exec 3>&- 4<&- 5>&- 6<&- 8<&-
    read -r _ <&7
    : >"$here/interrupted"
    until read -r program <"$here/pid"; do sleep 1; done
    depth=0 terminal=-1 members=" $program"
    eval "level_$program=0"
    end_foreground
}
feed() {
    exec 3>&- 4<&- 5>&- 6<&- 7<&-
    last=0
    # A line that comes twice is used once.
    while read -r number kind data; do
        [ "$number" -gt "$last" ] || continue
        last=$number
        case $kind in
        text) printf "$data" ;;
        file) cat "$data"; rm -f "$data" ;;
        end) exit ;;
        esac
    done
}
run() {
    exec 3>&- 4<&- 5>&- 6<&- 7<&- 8<&-
    @EXPORTS@
    exec $alone "$shell" -c 'echo "$$" >"$1/pid"; cd -- "$2" || exit; shift 2; exec "$@"' \
        sh "$here" @WORDS@
}
spool 4 "$here/stdout" 6<&- & stdout=$!
spool 6 "$here/stderr" 4<&- & stderr=$!
guard & guard=$!
@FEED@
(run) <@STDIN@ >"$here/1" 2>"$here/2"
code=$?
printf '\000%s %s\n' @MARK@ "$code" >&3
printf '\000%s %s\n' @MARK@ "$code" >&5
kill $feeder
# Of an interrupted program the guard also ends what it had started.
if [ -e "$here/interrupted" ]; then wait "$guard"; else kill "$guard"; fi
exec 3>&- 5>&- 8<&-
read -r _ <&7
kill "$stdout" "$stderr"
# Otherwise one could open its file while the directory is removed.
wait "$stdout" "$stderr"
cat <&4 6<&- 7<&- &
cat <&6 4<&- 7<&- &
rm -rf "$here"
"""
_FEED = 'feed <&8 >"$here/0" & feeder=$!'
# A signal may come at any moment. What is being created then makes the first removal fail; and a
# process of the session holds the lease, since the shell waits for the keeper before it ends.
# The last line makes it one command with an exit code, for anything that Daytona puts behind it.
_START = """\
trap 'rm -rf @HERE@ || rm -rf @HERE@; exit' HUP INT TERM
alone=$(command -v setsid || :) && (
umask 077
mkdir @HERE@ && mkfifo @PIPES@ && : >@HERE@/stdout && : >@HERE@/stderr && cat >@HERE@/keeper
) <<'@MARK@' && exec 9<>@HERE@/lease && { (read -r _) <&9 >/dev/null 2>&1 & } && exec 9<&- && \
$alone sh @HERE@/keeper
@KEEPER@
@MARK@
(exit "$?")"""

_PLACE = re.compile(r"@([A-Z]+)@")
# Other bytes are written in octal: not every shell, and no JSON, holds them as they are.
_LITERAL = re.compile(rb"[\t\n -~]*")
# What `read` and `printf` of a shell pass on unchanged.
_PLAIN = frozenset(range(0x21, 0x7F)) - frozenset(b"\\%-'")


@dataclass(frozen=True, slots=True)
class Keeper:
    """The script for one program; ``mark`` names its directory and ends its streams."""

    mark: str
    command: Command
    reads: bool

    @property
    def folder(self) -> str:
        """Return the directory in the sandbox."""
        return f"/tmp/{self.mark}"  # noqa: S108  # the name is unguessable

    def script(self) -> str:
        """Return the text for the session's shell, in ASCII."""
        place = {"HERE": self.folder, "MARK": self.mark}
        exports = (f"export {name}={word(value)}" for name, value in self.command.env.items())
        keeper = _filled(
            _KEEPER.strip(),
            **place,
            FUNCTIONS=END_FOREGROUND.strip(),
            EXPORTS="\n    ".join(exports) or ":",
            FEED=_FEED if self.reads else "",
            STDIN='"$here/0"' if self.reads else "/dev/null",
            WORDS=" ".join(map(word, (self.command.folder or ".", *self.command.argv))),
        )
        pipes = ["1", "2", "lease", *(["0"] if self.reads else [])]
        return _filled(
            _START,
            **place,
            KEEPER=keeper,
            PIPES=" ".join(f"{self.folder}/{pipe}" for pipe in pipes),
        )


def word(text: str) -> str:
    """Quote a word for a shell; one that is not UTF-8 keeps its bytes."""
    data = os.fsencode(text)
    if _LITERAL.fullmatch(data):
        return shlex.quote(text)
    # A shell drops the line ends of what it substitutes.
    content = data.rstrip(b"\n")
    ends = data[len(content) :].decode()
    return f"\"$(printf '{octal(content)}')\"" + (f"'{ends}'" if ends else "")


def octal(data: bytes) -> str:
    """Return a format for a shell's ``printf`` that writes the bytes, without white space."""
    return "".join(chr(byte) if byte in _PLAIN else f"\\{byte:03o}" for byte in data)


def _filled(text: str, **values: str) -> str:
    # In one pass: a value may look like a place.
    return _PLACE.sub(lambda match: values[match[1]], text)
