"""The file of `shipworthy serve`: where it listens, who may send and read, how long what is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import BeforeValidator, Field, model_validator

from shipworthy.core.errors import Problem, UsageError, WorkspaceError
from shipworthy.core.settings import Settings
from shipworthy.exchange.local_key import local_key
from shipworthy.gateway.fields import Count, Name, Reference
from shipworthy.gateway.listening import ClientSpec, LimitsSpec, listening
from shipworthy.telemetry.alarm_config import AlarmsSpec, EvidenceSpec
from shipworthy.telemetry.output_config import OutputSpec
from shipworthy.telemetry.retention import Retention
from shipworthy.workspace.fields import NUMBER, Entity
from shipworthy.workspace.nodes import read_yaml
from shipworthy.workspace.scalars import source_text
from shipworthy.workspace.validate import validate

Right = Literal["send", "report", "rates", "content", "delete"]
"""What a client may do: send telemetry; send what users report; read rates and draws; look at content; have a person's
content deleted."""

STATE = ".shipworthy/telemetry"
Days = Annotated[float, NUMBER, Field(gt=0, le=36_500)]


UNWATCHED = AlarmsSpec(page=False, evidence=EvidenceSpec(watch=False))


class RightsSpec(Entity):
    """Who may do what.

    Attributes:
        key: reference to what it sends as its key.
        may: its rights; none includes another.
        requests_per_minute, concurrency: of all its requests together.
    """

    key: Reference
    may: Annotated[tuple[Right, ...], Field(min_length=1)] = ("send",)
    requests_per_minute: Annotated[float, NUMBER, Field(gt=0)] | None = None
    concurrency: Count = 64


class RetentionSpec(Entity):
    """Days that things are kept.

    Attributes:
        content: what was said; `incident_content` where the severity is S1 or S2.
        facts: what is counted.
    """

    content: Days = 30.0
    incident_content: Days = 365.0
    facts: Days = 730.0


class ReceiverLimits(LimitsSpec):
    """As the gateway's, with room for a batch of spans; `body_bytes` counts before and after decompression."""

    body_bytes: Count = 32_000_000
    flying: Count = 256


class ServeFile(Entity):
    """The file.

    Attributes:
        listen: host and port; port 0 takes a free one.
        state: folder of the store.
        key_file: with the store's own key; the user's configuration folder has one if left out. Who has it and
            the store has the content, so it is not beside the store.
        workspace: the folder whose audit log holds looks and deletions.
        schedule: whether the workspace's ``schedule.cron`` is run beside it.
        clients: name -> who may do what. Without any, this machine alone may send and read rates, and nobody may look.
        alarms: what is watched, see `telemetry.alarm_config`; nothing is, if left out.
        outputs: where alarms go.
    """

    listen: Annotated[str, BeforeValidator(source_text)] = "127.0.0.1:4318"
    state: Annotated[str, Field(min_length=1)] = STATE
    key_file: str = ""
    workspace: str = "."
    schedule: bool = False
    clients: Annotated[dict[Name, RightsSpec], Field(max_length=10_000)] = Field(default_factory=dict)
    limits: ReceiverLimits = ReceiverLimits()
    retention: RetentionSpec = RetentionSpec()
    alarms: AlarmsSpec | None = None
    outputs: Annotated[tuple[OutputSpec, ...], Field(max_length=100)] = ()

    @model_validator(mode="after")
    def _outputs_have_something_to_tell(self) -> ServeFile:
        if self.outputs and self.alarms is None:
            raise ValueError("'outputs' tell of 'alarms', and there is no such section")
        for place, one in enumerate(self.outputs):
            if one.id in {other.id for other in self.outputs[:place]}:
                raise ValueError(f"two outputs are called {one.id!r}")
        return self


class ServeConfig(NamedTuple):
    """The file, read and checked."""

    path: Path
    spec: ServeFile

    @property
    def state(self) -> Path:
        """The folder of the store."""
        return self.path.parent / self.spec.state

    @property
    def workspace(self) -> Path:
        """The folder whose audit log is used."""
        return self.path.parent / self.spec.workspace

    @property
    def retention(self) -> Retention:
        """How long what is kept."""
        days = self.spec.retention
        return Retention(days.content, days.incident_content, days.facts)

    @property
    def alarms(self) -> AlarmsSpec:
        """What is watched. Where the file has no such section: no stream, no page, no evidence."""
        return self.spec.alarms or UNWATCHED

    @property
    def key_path(self) -> Path:
        """Where the store's own key is, or will be."""
        return self.path.parent / self.spec.key_file if self.spec.key_file else key_file()

    def master(self, *, make: bool = False) -> bytes:
        """Return the store's own key, 32 bytes.

        Args:
            make: it, if there is none yet.

        Raises:
            StoreError: it cannot be read or made.
            UsageError: there is none.
        """
        file = self.key_path
        if not make and not file.exists():
            raise UsageError(f"there is no key of the telemetry store at {file}: without it nothing can be read")
        return local_key(file, "the key of the telemetry store", "name another file with `key_file`")

    def clients(self) -> dict[str, ClientSpec]:
        """Return the clients as a gateway knows them, for their keys and limits."""
        return {
            name: ClientSpec(key=spec.key, requests_per_minute=spec.requests_per_minute, concurrency=spec.concurrency)
            for name, spec in self.spec.clients.items()
        }


def key_file() -> Path:
    """Return where the key of telemetry stores is, unless a file names another place."""
    return Settings.load().keys_dir.parent / "telemetry.key"


def read_serve(path: Path | None) -> ServeConfig:
    """Read the file; all defaults, in this folder, without one.

    Raises:
        WorkspaceError: every problem, with file and line.
    """
    if path is None:
        return ServeConfig(Path("serve.yaml"), ServeFile())
    source = read_yaml(path)
    problems: list[Problem] = []
    spec = validate(ServeFile, source, (), problems)
    if spec is not None:
        problems += listening(source, spec.listen, {name: client.key for name, client in spec.clients.items()})
    if problems or spec is None:
        raise WorkspaceError(problems)
    return ServeConfig(path, spec)
