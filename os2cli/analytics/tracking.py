"""What the rest of os2 uses: track an operation, and let what was left be delivered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from os2cli.analytics.browser import BrowserAnalytics, browser_analytics
from os2cli.analytics.consent import Consent, consent
from os2cli.analytics.mutation import Mutation
from os2cli.analytics.parameters import Parameters
from os2cli.analytics.recording import record
from os2cli.analytics.tracked_mutations import TrackedMutation, tracked_mutation
from os2cli.core.observed import recording
from os2cli.settings.settings import Settings

CLI = "cli"


class Analytics:
    """Analytics for the settings of one invocation; may be used from several threads."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters

    @classmethod
    def of(cls, settings: Settings) -> Analytics:
        """As these settings say."""
        return cls(Parameters.of(settings))

    @property
    def consent(self) -> Consent:
        """Whether operations are tracked now: a server may run when somebody turns it off."""
        return consent(self.parameters, key=self.parameters.key)

    def browser(self) -> BrowserAnalytics | None:
        """What a page needs, None: no public key is set, or nothing may be collected."""
        key = self.parameters.public_key
        if key is None or not consent(self.parameters, key=key).on:
            return None
        with suppress(OSError):
            return browser_analytics(self.parameters, key)
        return None

    def tracks(self, procedure: str) -> TrackedMutation | None:
        """What is known of an operation that is tracked now, None: it is not."""
        return tracked_mutation(procedure) if self.consent.on else None

    @contextmanager
    def tracked(
        self, procedure: str, given: Mapping[str, Any], *, surface: str = CLI
    ) -> Iterator[Mutation]:
        """Track what is done inside, when it is registered; what it raises goes on as it is.

        What use cases touch is noticed; the caller may name more with ``touched``. In the end the
        event is left, and what waits is delivered.
        """
        known = self.tracks(procedure)
        with recording() as types:
            mutation = Mutation(types)
            try:
                yield mutation
            except BaseException as error:
                self._record(known, mutation, given, surface, error)
                raise
            self._record(known, mutation, given, surface, None)

    def _record(
        self,
        known: TrackedMutation | None,
        mutation: Mutation,
        given: Mapping[str, Any],
        surface: str,
        error: BaseException | None,
    ) -> None:
        # Whatever is wrong here must not be wrong with the command.
        with suppress(Exception):
            properties = mutation.properties(known, given, surface, error) if known else None
            if known is not None and properties is not None:
                record(self.parameters, known.event_name, properties)
        self.deliver()

    def deliver(self) -> None:
        """Have what waits sent by a process of its own, if there is anything and it is time."""
        with suppress(Exception):
            if self.consent.on and any((self.parameters.folder / "spool").iterdir()):
                # Most commands leave nothing: they need no subprocess.
                from os2cli.analytics.sending import send_in_background

                send_in_background(self.parameters)
