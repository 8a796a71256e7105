"""Stands in for OneFile's server in tests and demonstrations; all of its data is invented."""

from onefile_sandbox.behaviour import Behaviour
from onefile_sandbox.calls import Call
from onefile_sandbox.faults import Fault
from onefile_sandbox.sandbox import Sandbox
from onefile_sandbox.world import World

__all__ = ["Behaviour", "Call", "Fault", "Sandbox", "World"]
