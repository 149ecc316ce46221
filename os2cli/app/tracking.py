"""Analytics for both interfaces, with the event of `machine create` as its options declare it.

Without a PostHog key, nothing imports this module.
"""

from __future__ import annotations

from functools import partial

from os2cli.analytics.middleware import tracked_command
from os2cli.analytics.tracked_mutations import register_tracked_mutation, tracked_mutations
from os2cli.analytics.tracking import Analytics
from os2cli.app.machine_options import MachineOptions
from os2cli.app.options import event_properties

__all__ = ["Analytics", "tracked_command", "tracked_mutations"]

register_tracked_mutation(
    "machine.create", "machine_created", partial(event_properties, MachineOptions)
)
