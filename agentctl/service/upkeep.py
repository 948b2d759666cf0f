"""What the hub's ticker does for its own state: room on the disk, checkpoints of the journal, retention."""

from dataclasses import dataclass, field

from agentctl.errors import StateDamaged, Unavailable
from agentctl.service import checkpoints, modes, retention
from agentctl.service.context import Hub
from agentctl.service.room import Room

RETENTION_EVERY_S = 600.0  # a bound of days needs no more


@dataclass(slots=True)
class Upkeep:
    """Call `tick` about once a second and `close` at the end; times are CLOCK_BOOTTIME seconds."""

    hub: Hub
    room: Room
    _checkpoint_s: float = field(init=False)
    _retention_s: float = field(init=False)

    def __post_init__(self) -> None:
        now_s = self.hub.clock.boot_s()
        self._checkpoint_s = now_s + checkpoints.EVERY_S
        self._retention_s = now_s

    def tick(self) -> None:
        """Do what is due; nothing is written while the store can't write."""
        self.room.tick(self.hub)
        if modes.STORE in self.hub.live.causes:
            return
        now_s = self.hub.clock.boot_s()
        if now_s >= self._checkpoint_s:
            self._checkpoint_s = now_s + checkpoints.EVERY_S
            checkpoints.make(self.hub)
        if now_s >= self._retention_s and not retention.step(self.hub):
            self._retention_s = now_s + RETENTION_EVERY_S

    def close(self) -> None:
        """Sign what stands at the end; a store that can't write keeps the checkpoint before."""
        try:
            checkpoints.make(self.hub)
        except (Unavailable, StateDamaged):
            return
