"""A container for a moment, made as a machine is: what works in it works in machines.

It has a network, a mount and a port, and ends by itself if os2 is killed; what is left is removed
by the next trial, or by ``snapshot prune``.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from pathlib import Path

from os2cli.core.deadline import at_most, within
from os2cli.host.network.loopback import fetch_small
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.engine.temporary import Temporary, remove_left
from os2cli.providers.local_docker.machines.mount import REPOSITORY_MOUNT
from os2cli.providers.local_docker.machines.trial_container import MARK_FILE, TrialContainer
from os2cli.providers.local_docker.machines.trial_result import Trial

# With the time to remove it, less than what the doctor waits for.
TRIAL_SECONDS = 3.0
PORT_SECONDS = 2.0
_POLL_SECONDS = 0.05
_MARK_BYTES = 16
# A name that no server answers for takes longer than the trial may: it has 1.5 s.
_LOOK = f"""
if command -v getent >/dev/null && [ -n "$1" ]; then
  {{ getent hosts "$1" >/dev/null 2>&1 && echo yes || echo no; }} >/tmp/os2-name &
fi
echo "clock=$(date +%s)"
echo "mark=$(cat {REPOSITORY_MOUNT}/{MARK_FILE} 2>/dev/null)"
echo "free=$(df -Pk / | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4)"
echo "node=$(command -v node)"
[ -n "$!" ] || exit 0
tries=0
until [ -s /tmp/os2-name ] || [ $tries -eq 15 ]; do sleep 0.1; tries=$((tries + 1)); done
echo "resolves=$(cat /tmp/os2-name)"
"""


def try_machine(engine: Engine, image: str, state_dir: Path, name: str | None) -> Trial:
    """Start a container as a machine is started, look at what it has, and remove it.

    ``state_dir`` keeps the locks; ``name`` is a host's name that this host resolves.

    Raises:
        Os2Error: a machine cannot be created or started; as ``machine create`` raises it.
    """
    temporary = Temporary(f"doctor-{secrets.token_hex(4)}", state_dir / "locks")
    mark = secrets.token_hex(_MARK_BYTES)
    with within(TRIAL_SECONDS), temporary.held():
        remove_left(engine.client, temporary.lock_dir)
        attempt = TrialContainer(engine, image, temporary, mark)
        try:
            port = attempt.start()
            return _look(attempt, port, name)
        finally:
            attempt.remove()


def _look(attempt: TrialContainer, port: int, name: str | None) -> Trial:
    before = time.time()
    facts = _facts(attempt.output("sh", "-c", _LOOK, "sh", name or ""))
    after = time.time()
    reached = _reaches(port, attempt.mark) if facts.get("node") else None
    free = facts.get("free", "")
    return Trial(
        reached=reached,
        supplied=attempt.unsent is None and facts.get("mark") == attempt.mark,
        resolves=facts["resolves"] == "yes" if "resolves" in facts else None,
        free_bytes=int(free) * 1024 if _is_number(free) else None,
        ahead_seconds=_ahead(facts.get("clock", ""), before, after),
        unsent=attempt.unsent,
    )


def _facts(output: str) -> Mapping[str, str]:
    return dict(line.partition("=")[::2] for line in output.splitlines())


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16


def _ahead(text: str, before: float, after: float) -> float | None:
    """Return how far a clock is ahead that was read in between, in whole seconds."""
    if not _is_number(text):
        return None
    clock = int(text)
    return max(clock - after, 0.0) or min(clock + 1 - before, 0.0)


def _reaches(port: int, mark: str) -> bool:
    ends = time.monotonic() + (at_most(PORT_SECONDS) or PORT_SECONDS)
    while (left := ends - time.monotonic()) > 0:
        answer = fetch_small(f"http://127.0.0.1:{port}", left, 4 * _MARK_BYTES)
        if answer is not None and answer.text == mark:
            return True
        time.sleep(_POLL_SECONDS)
    return False
