"""Stands in for OneFile's server in tests and demonstrations; all of its data is invented."""

from onefile_sandbox.api.behaviour import Behaviour
from onefile_sandbox.sandbox import Sandbox
from onefile_sandbox.server.calls import Call, SandboxError
from onefile_sandbox.server.faults import Fault
from onefile_sandbox.world.world import World

__all__ = ["Behaviour", "Call", "Fault", "Sandbox", "SandboxError", "World"]
