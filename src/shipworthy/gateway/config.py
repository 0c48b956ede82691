"""The gateway's file: where it listens, whom it asks, who may ask it, and which guards stand between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field

from shipworthy.core.errors import Problem, ShipworthyError, WorkspaceError
from shipworthy.core.grants import Grants
from shipworthy.core.settings import Settings
from shipworthy.gateway import decided
from shipworthy.gateway.fields import Count, Name, Reference, Seconds
from shipworthy.gateway.lever_spec import LeverSpec
from shipworthy.gateway.listening import ClientSpec, LimitsSpec, fits, listen, listening
from shipworthy.gateway.mcp.read import read_servers
from shipworthy.gateway.mcp.spec import McpRead, McpSpec
from shipworthy.gateway.reach import leading, reaching
from shipworthy.gateway.telemetry_spec import TelemetrySpec
from shipworthy.workspace.fields import NUMBER, Entity, Loc
from shipworthy.workspace.guards import GuardFile, Mode
from shipworthy.workspace.nodes import YamlFile, read_yaml
from shipworthy.workspace.policies import PolicyFile
from shipworthy.workspace.read import read_guards, read_policy
from shipworthy.workspace.scalars import source_text
from shipworthy.workspace.validate import validate

STOP = "stop"
"""The lever that every gateway has: nothing is served while it is pulled."""
STATE = ".shipworthy/gateway"
POLICY = "policy"
"""What `modes` and `levers` call the tool policy beside the rules of guards."""

_MODES: tuple[Mode, ...] = ("off", "shadow", "enforce")


class BreakerSpec(Entity):
    """When an upstream is left alone.

    Attributes:
        failures: in a row, in one worker, after which it is not asked; 0 asks it always.
        open_s: seconds until one request tries it again.
    """

    failures: Annotated[int, NUMBER, Field(ge=0, le=1_000)] = 5
    open_s: Seconds = 10.0


class UpstreamSpec(Entity):
    """Who is asked: an endpoint of OpenAI chat completions.

    Attributes:
        url: up to, not including, ``/chat/completions``.
        key: credential reference; sent to `url` and nowhere else. `key_header` carries it.
        models: patterns of the models that it is asked for; of several upstreams with a fitting one the first that
            answers is taken.
        model: the name that it is asked by, whatever the client calls it; the client's own if left out.
        timeout_s, silence_s: seconds for one try, and between two events of a stream.
        retries: further tries before the first byte; none after it.
        concurrency: requests in flight, in one worker.
        pass_on: further fields of a request that it is sent (``pass`` in the file).
        stream_usage: ask streams for their tokens.
        breaker: when it is left alone, because it keeps failing.
    """

    url: Annotated[str, Field(min_length=1, max_length=2_000)]
    key: Reference | None = None
    key_header: str = "Authorization"
    models: Annotated[tuple[str, ...], Field(min_length=1, max_length=1_000)] = ("*",)
    model: str = ""
    timeout_s: Seconds = 120.0
    silence_s: Seconds = 60.0
    retries: Annotated[int, NUMBER, Field(ge=0, le=10)] = 2
    concurrency: Count = 64
    max_bytes: Count = 8_000_000
    pass_on: Annotated[tuple[str, ...], Field(alias="pass", max_length=100)] = ()
    stream_usage: bool = True
    plain_http: bool = False
    ca_file: str = ""
    breaker: BreakerSpec = BreakerSpec()


class ApprovalsSpec(Entity):
    """How a person is asked about calls of tools.

    Attributes:
        timeout_s: seconds that a call waits for a word; less where the request has less left.
        then: what becomes of it after that.
    """

    timeout_s: Seconds = 120.0
    then: Literal["deny"] = "deny"


class ConfigFile(Entity):
    """The gateway's file.

    Attributes:
        listen: host and port; port 0 takes a free one.
        workers: processes that serve.
        guards: the guard file, as an evaluation reads it.
        policy: the tool policy, as an evaluation reads it; none if left out.
        approvals: a person is asked where the policy says ``ask``; if left out nobody is, which is a no.
        workspace: the folder of the safety files, from whose facts guards are told the product's secrets.
        state: folder of the traffic log and the levers.
        upstreams: name -> upstream; `mcp` name -> MCP server. One of either is needed.
        modes: rule -> mode, where it differs from the guard file's; ``policy`` is the tool policy's.
        levers: name -> what it does when it is pulled; see `LeverSpec`.
        rings: name -> clients, for whom alone a lever can be pulled.
        decision: id of the release decision, in `workspace`, on these guards; "" shows them as unproven.
        telemetry: where OpenTelemetry is sent; nowhere if left out.
    """

    listen: Annotated[str, BeforeValidator(source_text)] = "127.0.0.1:8080"
    workers: Annotated[int, NUMBER, Field(ge=1, le=64)] = 1
    guards: Annotated[str, Field(min_length=1)]
    policy: str = ""
    approvals: ApprovalsSpec | None = None
    workspace: str = ""
    state: Annotated[str, Field(min_length=1)] = STATE
    upstreams: Annotated[dict[Name, UpstreamSpec], Field(max_length=100)] = Field(default_factory=dict)
    mcp: Annotated[dict[Name, McpSpec], Field(max_length=100)] = Field(default_factory=dict)
    clients: Annotated[dict[Name, ClientSpec], Field(max_length=10_000)] = Field(default_factory=dict)
    limits: LimitsSpec = LimitsSpec()
    modes: dict[str, Mode] = Field(default_factory=dict)
    levers: dict[Name, LeverSpec] = Field(default_factory=dict)
    rings: dict[Name, tuple[Name, ...]] = Field(default_factory=dict)
    decision: Annotated[str, BeforeValidator(source_text), Field(max_length=200)] = ""
    telemetry: TelemetrySpec | None = None


class Config(NamedTuple):
    """A gateway's file, read and checked.

    Attributes:
        files: what a change of means that it is to be read again.
        guards: the guard file, told by the facts, modes as the gateway's file has them.
        mcp: name -> MCP server, with its pins.
        policy: the tool policy; None where there is none.
    """

    path: Path
    spec: ConfigFile
    guards: GuardFile
    files: tuple[Path, ...]
    policy: PolicyFile | None = None
    mcp: Mapping[str, McpRead] = {}

    @property
    def state(self) -> Path:
        """The folder of the traffic log and the levers."""
        return self.path.parent / self.spec.state

    @property
    def host(self) -> str:
        """The host to listen on."""
        return listen(self.spec.listen)[0]

    @property
    def port(self) -> int:
        """The port to listen on."""
        return listen(self.spec.listen)[1]

    def under(self, levers: tuple[str, ...]) -> GuardFile:
        """Return the guards with some levers pulled: of several modes for one rule the strictest holds."""
        wanted = [spec.modes for spec in self._specs(levers)]
        return _with_modes(
            self.guards,
            {rule: max((w[rule] for w in wanted if rule in w), key=_MODES.index) for w in wanted for rule in w},
        )

    def known(self, levers: Sequence[str]) -> tuple[str, ...]:
        """Return those of some levers that this file names."""
        return tuple(name for name in levers if name in self.spec.levers)

    def stopped(self, levers: Sequence[str]) -> bool:
        """Say whether nothing is served with some levers pulled: with the kill switch, or one that nobody knows.

        A lever that this file does not know may be one that its former state knew, and tightened with.
        """
        return STOP in levers or len(self.known(levers)) < len(set(levers) - {STOP})

    def upstreams_of(self, model: str) -> list[str]:
        """Return the names of the upstreams that a model is asked of, in the file's order."""
        return [name for name, spec in self.spec.upstreams.items() if fits(model, spec.models)]

    def policy_mode(self, levers: tuple[str, ...]) -> Mode:
        """Return the mode of the tool policy with some levers pulled: of several the strictest holds."""
        if self.policy is None:
            return "off"
        # A tool that is taken away must be refused, also where the policy only watched until now.
        specs = self._specs(levers)
        wanted: list[Mode] = ["enforce" if spec.tools else spec.modes.get(POLICY, "off") for spec in specs]
        return max([self.spec.modes.get(POLICY, "enforce"), *wanted], key=_MODES.index)

    def policy_under(self, levers: Sequence[str]) -> PolicyFile | None:
        """Return the tool policy without the tools that some levers take away: what it does not name, it refuses."""
        gone = {tool for spec in self._specs(levers) for tool in spec.tools}
        if self.policy is None or not gone:
            return self.policy
        left = {name: rule for name, rule in self.policy.tools.items() if name not in gone}
        return self.policy.model_copy(update={"tools": left})

    def rate_under(self, levers: Sequence[str]) -> float | None:
        """Return how many requests a minute may be begun with some levers pulled; None where nothing is said."""
        return min((s.requests_per_minute for s in self._specs(levers) if s.requests_per_minute), default=None)

    def model_under(self, levers: Sequence[str], model: str) -> str:
        """Return the model that is asked in place of another with some levers pulled; of several the first one's."""
        return next((s.models[model] for s in self._specs(levers) if model in s.models), model)

    def _specs(self, levers: Sequence[str]) -> list[LeverSpec]:
        return [self.spec.levers[name] for name in levers if name in self.spec.levers]


def state_of(path: Path) -> tuple[Path, list[str], list[str]]:
    """Return the folder, the levers and the rings of a gateway's file, whatever else is wrong in it.

    Raises:
        WorkspaceError: it is no YAML.
    """
    value = read_yaml(path).value
    written = value if isinstance(value, dict) else {}
    state = written.get("state")
    folder = state if isinstance(state, str) and state else STATE
    levers, rings = (found if isinstance(found := written.get(key), dict) else {} for key in ("levers", "rings"))
    return path.parent / folder, [str(name) for name in levers], [str(name) for name in rings]


def read_config(path: Path, grants: Grants | None = None) -> Config:
    """Read a gateway's file and its guards.

    Args:
        grants: where keys may be sent; what this user allowed for good if left out.

    Raises:
        WorkspaceError: every problem, with file and line.
    """
    return _read(path, grants if grants is not None else Grants.load(Settings.load().grants_file))


def read_levers(path: Path) -> Config:
    """Read a gateway's file and its guards for their levers and modes alone.

    Whoever does so sends nothing anywhere: where keys may go, and whether the guards were decided on, is the gateway's
    own matter. Errors as for `read_config`.
    """
    return _read(path, None)


def read_embedded(path: Path) -> Config:
    """Read a gateway's file for guards inside of a product's process, which asks whom the product asks.

    What is about the gateway's own process and connections (`listen`, `workers`, `clients`, `upstreams`, `mcp`,
    `telemetry`) is checked for its form, and left out. Errors as for `read_config`.
    """
    config = _read(path, None)
    if problems := list(decided.check(read_yaml(path), path, config.spec, config.guards)):
        raise WorkspaceError(problems)
    bare: dict[str, Any] = {"upstreams": {}, "clients": {}, "mcp": {}, "telemetry": None, "workers": 1}
    return config._replace(spec=config.spec.model_copy(update=bare), mcp={})


def _read(path: Path, grants: Grants | None) -> Config:
    source = read_yaml(path)
    problems: list[Problem] = []
    spec = validate(ConfigFile, source, (), problems)
    if spec is None:
        raise WorkspaceError(problems)
    servers: dict[str, McpRead] = {}
    more: tuple[Path, ...] = ()
    if grants is not None:
        problems += listening(source, spec.listen, {name: client.key for name, client in spec.clients.items()})
        problems += _asking(source, spec, grants)
        servers, more = read_servers(source, path.parent, spec.mcp, grants, problems)
    guards, files = _guards(source, path, spec, problems)
    if guards is not None:
        problems += _levers(source, spec, guards)
    policy = _policy(source, path, spec, problems)
    if problems or guards is None:
        raise WorkspaceError(problems)
    guards = _with_modes(guards, spec.modes)
    if grants is not None and (problems := list(decided.check(source, path, spec, guards))):
        raise WorkspaceError(problems)
    files = (*files, *more, *((path.parent / spec.policy,) if policy is not None else ()))
    return Config(path, spec, guards, files, policy, servers)


def _asking(source: YamlFile, spec: ConfigFile, grants: Grants) -> Iterator[Problem]:
    if not spec.upstreams and not spec.mcp:
        yield source.problem(("upstreams",), "there is nobody to ask: name one of 'upstreams', or of 'mcp'")
    for name, upstream in spec.upstreams.items():
        yield from reaching(source, ("upstreams", name), upstream, grants)
    if spec.mcp and spec.workers > 1:
        yield source.problem(("workers",), "a session of MCP is kept by one worker: with 'mcp', 'workers' must be 1")
    if (telemetry := spec.telemetry) is not None:
        keys: dict[Loc, str] = {("headers", header): reference for header, reference in telemetry.headers.items()}
        yield from leading(source, ("telemetry",), "otlp", url=telemetry.otlp, keys=keys, how=telemetry, grants=grants)


def _guards(
    source: YamlFile, path: Path, spec: ConfigFile, problems: list[Problem]
) -> tuple[GuardFile | None, tuple[Path, ...]]:
    file = path.parent / spec.guards
    files = [path, file]
    try:
        facts = None
        if spec.workspace:
            from shipworthy.workspace.load import Workspace

            root = path.parent / spec.workspace
            workspace = Workspace.load(root)
            facts, files = workspace.facts, [*files, *(root / found.path for found in workspace.files)]
        return read_guards(file, facts), tuple(dict.fromkeys(files))
    except WorkspaceError as error:
        problems += error.problems
    except ShipworthyError as error:
        problems.append(source.problem(("guards",), str(error)))
    return None, tuple(files)


def _policy(source: YamlFile, path: Path, spec: ConfigFile, problems: list[Problem]) -> PolicyFile | None:
    if spec.approvals is not None and not spec.policy:
        said = "'approvals' without a 'policy': nobody would ever be asked"
        problems.append(source.problem(("approvals",), said))
    if spec.approvals is not None and spec.approvals.timeout_s >= spec.limits.request_s:
        said = f"a call waits longer than a request may take ('limits.request_s', {spec.limits.request_s:g})"
        problems.append(source.problem(("approvals", "timeout_s"), said))
    if not spec.policy:
        return None
    try:
        return read_policy(path.parent / spec.policy)
    except WorkspaceError as error:
        problems += error.problems
    except ShipworthyError as error:
        problems.append(source.problem(("policy",), str(error)))
    return None


def _levers(source: YamlFile, spec: ConfigFile, guards: GuardFile) -> Iterator[Problem]:
    ids = {rule.id: spec.modes.get(rule.id, rule.mode) for rule in guards.rules}
    if spec.policy:
        ids[POLICY] = spec.modes.get(POLICY, "enforce")
    for rule in spec.modes:
        if rule not in ids:
            yield source.problem(("modes", rule), f"there is no rule {rule!r} in {spec.guards}")
    for name, members in spec.rings.items():
        for at, client in enumerate(members):
            if client not in spec.clients:
                yield source.problem(("rings", name, at), f"there is no client {client!r}")
    for name, lever in spec.levers.items():
        yield from _lever(source, spec, name, lever, ids)


def _lever(
    source: YamlFile, spec: ConfigFile, name: str, lever: LeverSpec, ids: Mapping[str, Mode]
) -> Iterator[Problem]:
    if name == STOP:
        yield source.problem(("levers", name), f"{STOP!r} is the kill switch, which every gateway has")
    if lever.tools and not spec.policy:
        said = "a lever that takes tools away needs a 'policy': nothing else decides over calls"
        yield source.problem(("levers", name, "tools"), said)
    for old, new in lever.models.items() if spec.upstreams else ():
        if not any(fits(new, upstream.models) for upstream in spec.upstreams.values()):
            yield source.problem(("levers", name, "models", old), f"no upstream is asked for a model {new!r}")
    for rule, mode in lever.modes.items():
        loc = ("levers", name, rule)
        if rule not in ids:
            yield source.problem(loc, f"there is no rule {rule!r} in {spec.guards}")
        elif _MODES.index(mode) <= _MODES.index(ids[rule]):
            yield source.problem(loc, f"a lever only tightens, and {rule!r} is {ids[rule]!r} without it")


def _with_modes(guards: GuardFile, modes: Mapping[str, Any]) -> GuardFile:
    rules = tuple(
        rule.model_copy(update={"mode": modes[rule.id]}) if rule.id in modes else rule for rule in guards.rules
    )
    return guards.model_copy(update={"rules": rules})
