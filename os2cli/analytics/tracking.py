"""The interface of analytics: track an operation, and have the spool delivered."""

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
        """Return the analytics of these settings."""
        return cls(Parameters.of(settings))

    @property
    def consent(self) -> Consent:
        """Whether operations are tracked now; the user may turn it off while `os2 ui` runs."""
        return consent(self.parameters, key=self.parameters.key)

    def browser(self) -> BrowserAnalytics | None:
        """Return the settings for a page; None without a public key or consent."""
        with suppress(Exception):
            return self._browser()
        return None

    def _browser(self) -> BrowserAnalytics | None:
        key = self.parameters.public_key
        if key is None or not consent(self.parameters, key=key).on:
            return None
        return browser_analytics(self.parameters, key)

    def tracks(self, procedure: str) -> TrackedMutation | None:
        """Return the registration of an operation; None if it is not tracked now."""
        with suppress(Exception):
            return tracked_mutation(procedure) if self.consent.on else None
        return None

    @contextmanager
    def tracked(
        self, procedure: str, options: Mapping[str, Any], *, surface: str = CLI
    ) -> Iterator[Mutation]:
        """Track the block if the operation is registered; its exceptions pass unchanged.

        The machine types that use cases change are recorded; the caller may add more with
        ``touched``. Afterwards the event is spooled, and a delivery starts.
        """
        known = self.tracks(procedure)
        with recording() as types:
            mutation = Mutation(types)
            try:
                yield mutation
            except BaseException as error:
                self._record(known, mutation, options, surface, error)
                raise
            self._record(known, mutation, options, surface, None)

    def _record(
        self,
        known: TrackedMutation | None,
        mutation: Mutation,
        options: Mapping[str, Any],
        surface: str,
        error: BaseException | None,
    ) -> None:
        # A failure here must not become a failure of the command.
        with suppress(Exception):
            properties = mutation.properties(known, options, surface, error) if known else None
            if known is not None and properties is not None:
                record(self.parameters, known.event_name, properties)
        self.deliver()

    def deliver(self) -> None:
        """Start a delivery in the background if events wait and one is due."""
        with suppress(Exception):
            if self.consent.on and any((self.parameters.folder / "spool").iterdir()):
                # Most commands leave no event, and need no subprocess module.
                from os2cli.analytics.sending import send_in_background

                send_in_background(self.parameters)
