"""The commands that faults and signals are tried on."""

from __future__ import annotations

from dataclasses import dataclass

from tests.faults.settings import ASLEEP, NEWEST, Place, builder, daytona, engine, engine_api

# Longer than a command may take when what it asks hangs or is as slow as can be.
QUESTION, CHANGE = 40.0, 100.0
# An engine reads the whole context before it answers, and os2 waits for that up to 5 minutes.
BUILD = 330.0


@dataclass(frozen=True)
class Command:
    """A command line, with the ones that prepare it; MACHINE stands for a machine's name.

    ``seconds`` is what it may take. ``removes``: machines may be gone after it. ``shows``: what its
    output has, unless a warning says what is missing. ``typed``: it runs in a terminal, where this
    is typed.
    """

    words: str
    place: Place
    before: tuple[str, ...] = ()
    seconds: float = CHANGE
    removes: bool = False
    shows: str = ""
    typed: str = ""

    @property
    def title(self) -> str:
        """Where and what, without the options."""
        words = self.words.replace(f" {_IMAGE}", "").replace(" MACHINE", "").split(" --")[0]
        return f"{self.place.__name__}: {words}"


_ON = "--type daytona --stage stg"
_NEW = f"machine create MACHINE {_ON} --timeout 30"
_STOPPED = f"machine stop MACHINE {_ON} --yes"
_SENT = f"machine cp notes MACHINE:notes {_ON}"
_ECHO = f"machine exec MACHINE {_ON} -- echo MACHINE"
_LOCAL = "machine create MACHINE --no-wait"
_REAL = "machine create MACHINE --timeout 30"
_IMAGE = "os2-MACHINE:local"

DAYTONA = (
    Command(_NEW, daytona),
    Command(f"machine list {_ON}", daytona, (_NEW,), QUESTION, shows="MACHINE"),
    Command(f"machine show MACHINE {_ON}", daytona, (_NEW,), QUESTION, shows="MACHINE"),
    Command(_ECHO, daytona, (_NEW,), shows=r"\AMACHINE\n\Z"),
    Command(f"machine logs MACHINE {_ON}", daytona, (_NEW,), QUESTION),
    Command(f"machine cp notes MACHINE:notes {_ON}", daytona, (_NEW,)),
    Command(f"machine cp MACHINE:notes back {_ON}", daytona, (_NEW, _SENT)),
    Command(f"machine url MACHINE {_ON}", daytona, (_NEW,), QUESTION, shows="http"),
    Command(f"machine open MACHINE {_ON}", daytona, (_NEW,), QUESTION, shows="http"),
    Command(f"machine shell MACHINE {_ON}", daytona, (_NEW,), typed="exit\n"),
    Command(f"machine wait MACHINE {_ON} --timeout 20", daytona, (_NEW,), QUESTION),
    Command(f"machine stop MACHINE {_ON} --yes --timeout 20", daytona, (_NEW,)),
    Command(f"machine start MACHINE {_ON} --yes --timeout 20", daytona, (_NEW, _STOPPED)),
    Command(f"machine restart MACHINE {_ON} --yes --timeout 20", daytona, (_NEW,)),
    Command(f"machine archive MACHINE {_ON} --yes --timeout 20", daytona, (_NEW,)),
    Command(f"machine rm MACHINE {_ON} --yes", daytona, (_NEW,), removes=True),
    Command(f"machine rm --all {_ON} --yes", daytona, (_NEW,), removes=True),
    Command(f"machine prune {_ON} --older-than 0s --yes", daytona, (_NEW,), removes=True),
    Command("snapshot daytona --timeout 60", daytona),
    Command("snapshot list --type daytona", daytona, (), QUESTION, shows=NEWEST),
    Command(f"snapshot show {NEWEST}", daytona, (), QUESTION, shows=NEWEST),
    Command("snapshot resolve", daytona, (), QUESTION, shows=NEWEST),
    Command(f"snapshot wait {NEWEST} --timeout 20", daytona, (), QUESTION),
    Command(f"snapshot activate {ASLEEP} --timeout 20", daytona),
    Command(f"snapshot rm {ASLEEP} --yes --timeout 20", daytona),
    Command("snapshot prune --type daytona --keep 1 --older-than 1d --yes", daytona),
    Command("doctor", daytona, (), QUESTION),
)  # fmt: skip

ENGINE_API = (
    Command(_LOCAL, engine_api),
    Command("machine list", engine_api, (_LOCAL,), QUESTION),
    Command("machine show MACHINE", engine_api, (_LOCAL,), QUESTION),
    Command("machine logs MACHINE", engine_api, (_LOCAL,), QUESTION),
    Command("machine url MACHINE", engine_api, (_LOCAL,), QUESTION),
    Command("machine open MACHINE", engine_api, (_LOCAL,), QUESTION, shows="http"),
    Command("machine stop MACHINE --yes", engine_api, (_LOCAL,)),
    Command("machine start MACHINE --no-wait", engine_api, (_LOCAL, "machine stop MACHINE --yes")),
    Command("machine restart MACHINE --no-wait --yes", engine_api, (_LOCAL,)),
    Command("machine rm MACHINE --yes", engine_api, (_LOCAL,), removes=True),
    Command("machine rm --all --type local-docker --yes", engine_api, (_LOCAL,), removes=True),
    Command("machine prune --yes", engine_api, (_LOCAL,), removes=True),
    Command("snapshot local-docker", engine_api, (), BUILD),
    Command("snapshot list", engine_api, (), QUESTION),
    Command("doctor", engine_api, (), QUESTION),
)  # fmt: skip

ENGINE = (
    Command(_REAL, engine),
    Command("up MACHINE --timeout 30", engine),
    Command("machine list", engine, (_LOCAL,), QUESTION),
    Command("machine show MACHINE", engine, (_LOCAL,), QUESTION),
    Command("machine exec MACHINE -- pwd", engine, (_LOCAL,)),
    Command("machine logs MACHINE", engine, (_LOCAL,), QUESTION),
    Command("machine cp notes MACHINE:notes", engine, (_LOCAL,)),
    Command("machine cp MACHINE:/etc/hostname back", engine, (_LOCAL,)),
    Command("machine stop MACHINE --yes", engine, (_LOCAL,)),
    Command("machine start MACHINE", engine, (_REAL, "machine stop MACHINE --yes")),
    Command("machine restart MACHINE --yes", engine, (_REAL,)),
    Command("machine wait MACHINE --timeout 20", engine, (_LOCAL,), QUESTION),
    Command("machine stats MACHINE", engine, (_LOCAL,), QUESTION, shows="MACHINE"),
    Command("machine url MACHINE", engine, (_REAL,), QUESTION, shows="http"),
    Command("machine open MACHINE", engine, (_REAL,), QUESTION, shows="http"),
    Command("machine shell MACHINE", engine, (_LOCAL,), typed="exit\n"),
    Command("machine rm MACHINE --yes", engine, (_LOCAL,), removes=True),
    Command(f"snapshot show {_IMAGE}", engine, (), QUESTION, shows=_IMAGE),
    Command(f"snapshot rm {_IMAGE} --yes --timeout 20", engine),
    Command("snapshot list", engine, (), QUESTION),
    Command("snapshot daytona --builder local --timeout 60", builder, (), BUILD),
)
