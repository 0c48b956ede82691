"""The system under test, built: target, guards, and the digest that says what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shipworthy.core import approvers, shown
from shipworthy.core.credentials import resolve
from shipworthy.core.digests import digest
from shipworthy.core.errors import CredentialError, PluginError
from shipworthy.core.price import KEY, Price
from shipworthy.core.protocols import Model, Target
from shipworthy.core.registry import create
from shipworthy.detect.redact import redact_text
from shipworthy.exchange.forms import Forms
from shipworthy.workspace.files import measured, unpriced

if TYPE_CHECKING:
    from shipworthy.core.records import RunManifest
    from shipworthy.enforce.pipeline import Pipeline
    from shipworthy.enforce.policy.engine import Policy
    from shipworthy.enforce.policy.shadow import Shadow
    from shipworthy.workspace.load import Workspace
    from shipworthy.workspace.use import Use


class Built:
    """A plug-in with the model that was configured for it, and all that must be closed afterwards."""

    def __init__(self, plugin: Any, model: Model | None, opened: tuple[Target, ...]) -> None:
        self.plugin, self.model, self.opened = plugin, model, opened


def build(kind: str, use: str, params: Mapping[str, Any], *, root: Path | None = None) -> Built:
    """Build a plug-in. A parameter ``model: {use: ..., ...}`` is built first and injected as its model.

    Args:
        root: folder that relative files of its parameters start from; the working folder if left out.

    Raises:
        PluginError: an unknown id or parameter, here or in the model; or a model for a target that takes none.
    """
    params = dict(params)
    price = Price.read(params.pop(KEY)) if kind == "target" and KEY in params else None
    shows = shown.read(params.pop(shown.KEY)) if kind == "target" and shown.KEY in params else None
    person = approvers.read(params.pop(approvers.KEY)) if kind == "target" and approvers.KEY in params else None
    given = {} if root is None or "root" in params else {"root": root}
    wanted = params.get("model")
    if not (isinstance(wanted, Mapping) and "use" in wanted):
        plugin = _with_person(_with_reasoning(_with_price(create(kind, use, params, **given), price), shows), person)
        return Built(plugin, None, (plugin,) if kind == "target" else ())
    for key in (shown.KEY, approvers.KEY):
        if key in wanted:
            raise PluginError(f"{kind} {use!r}: {key} stands beside the target's own `use`, not in its model")
    del params["model"]
    inner = build("target", wanted["use"], {k: v for k, v in wanted.items() if k != "use"}, root=root)
    plugin = create(kind, use, params, model=inner.plugin, **given)
    if kind == "target":  # what it passes on of its model's tokens costs what the model costs
        plugin = _with_reasoning(_with_price(plugin, price or getattr(inner.plugin, KEY, None)), shows)
        plugin = _with_person(plugin, person)
    if kind == "target" and not _takes_model(use):
        raise PluginError(f"target {use!r} takes no model: take the key 'model' out, or name another target")
    return Built(plugin, inner.plugin, ((plugin,) if kind == "target" else ()) + inner.opened)


def _with_price(plugin: Any, price: Price | None) -> Any:
    if price is not None:
        setattr(plugin, KEY, price)
    return plugin


def _with_reasoning(plugin: Any, shows: bool | None) -> Any:
    if shows is not None:
        setattr(plugin, shown.KEY, shows)
    return plugin


def _with_person(plugin: Any, person: str | None) -> Any:
    if person is not None:
        setattr(plugin, approvers.KEY, person)
    return plugin


def _takes_model(use: str) -> bool:
    import inspect

    from shipworthy.core.registry import factory

    return "model" in inspect.signature(factory("target", use)).parameters


class Subject:
    """What is measured: a target behind guards and a tool policy, or bare.

    Args:
        target: the system under test.
        pipeline: the guards; None is the bare target.
        policy: decides over its calls of tools; None lets every call pass.
        shadow: a candidate policy beside it. It changes nothing, so it is no part of what was measured.
        opened: what `close` closes besides the target, such as a model that was injected into it.
        secrets: resolved credentials; they are taken out of every error message.
        declared: what the workspace's files said of it (see `declaration`); a gate holds the files to it.
        use: how the target is written in the workspace; a judge written the same is the same object.

    Attributes:
        secrets: the credentials.
        shows_reasoning: whether the target's users see how it reasons; None where nobody says.
        approver: who answers where the policy asks a person.
        description: JSON of all three; `digest` is ``sha256:…`` over it.
    """

    def __init__(
        self,
        target: Target,
        pipeline: Pipeline | None = None,
        *,
        policy: Policy | None = None,
        shadow: Shadow | None = None,
        opened: tuple[Target, ...] = (),
        secrets: tuple[str, ...] = (),
        declared: Mapping[str, str] | None = None,
        use: Use | None = None,
    ) -> None:
        self.target, self.pipeline, self.policy, self.use = target, pipeline, policy, use
        self.shadow = shadow
        self._opened = opened or (target,)
        self.secrets, self._forms = secrets, Forms(secrets)
        described = dict(target.describe())
        self.description: dict[str, Any] = {"target": described if use is None else measured(use, described)}
        if pipeline is not None:
            self.description["guards"] = pipeline.describe()
        self.shows_reasoning = shown.of(target)
        if self.shows_reasoning is not None:  # the same words of it can be a leak, or none
            self.description["reasoning"] = shown.word(self.shows_reasoning)
        self.approver = approvers.of(target)
        if policy is not None:
            self.description["policy"] = dict(policy.describe())
            if self.approver != "nobody":
                self.description["approver"] = self.approver
        if declared is not None:
            self.description["declared"] = dict(declared)
        self.digest = digest(self.description)

    @property
    def guards(self) -> str:
        """The pipeline's digest, or the empty string for the bare target."""
        return self.pipeline.digest if self.pipeline is not None else ""

    def scrub(self, text: str) -> str:
        """Return an error's message without credentials and personal data."""
        return redact_text(self._forms.clean(text), self.secrets)

    async def close(self) -> None:
        """Close target, models and guards, also where one of them fails to."""
        for target in self._opened:
            with suppress(Exception):
                await target.close()
        if self.pipeline is not None:
            await self.pipeline.close()


def build_subject(workspace: Workspace, guards: bool | str | Path = True, *, target: str | None = None) -> Subject:
    """Build a workspace's system under test.

    Args:
        guards: True takes the workspace's ``guards.yaml``, where there is one; False measures the bare target, without
            its tool policy too; a path takes that guard file.
        target: name of one of the workspace's targets; the system under test if left out.

    Raises:
        UsageError: it cannot be built as configured, or its user has not allowed what it needs (`Workspace.permit`).
    """
    use = workspace.target_named(target)
    workspace.permit(target)
    pipeline = build_pipeline(workspace, guards)
    policy = build_policy(workspace) if guards is not False else None
    made = build("target", use.use, use.params, root=workspace.root)
    own = guards is True and pipeline is not None
    return Subject(
        made.plugin,
        pipeline,
        policy=policy,
        shadow=build_shadow(workspace) if guards is not False else None,
        opened=made.opened,
        secrets=tuple(credentials(use)),
        declared=declaration(
            use,
            guards="workspace" if own else "file" if pipeline is not None else "none",
            policy=policy is not None,
        ),
        use=use,
    )


def declaration(use: Use, *, guards: str, policy: bool = False) -> dict[str, str]:
    """Return how a subject is written down: a digest of its target's YAML, and whose guards it had.

    Operational settings are left out: they may change while evidence stays valid.

    A gate compares it with the files as they are: to build the subject once more it would need its model and its
    credentials.

    Args:
        use: the target.
        guards: ``workspace`` (its own guards.yaml), ``file`` (another one) or ``none``.
        policy: whether the workspace's policy.yaml decided over calls of tools.
    """
    written = {"target": digest({"use": use.use, "params": measured(use, unpriced(use.params))}), "guards": guards}
    return {**written, "policy": "workspace"} if policy else written


def target_of(workspace: Workspace, manifest: RunManifest) -> str | None:
    """Return the name of the target that a run measured, as the files are now; None where none of them is it.

    Two targets that are written the same are one: the first of that writing is named, the system under test before all.
    """
    declared = manifest.subject.get("declared")
    written = declared.get("target") if isinstance(declared, dict) else None
    names = sorted(workspace.targets, key=lambda name: workspace.targets[name] is not workspace.target)
    return next((n for n in names if declaration(workspace.targets[n], guards="")["target"] == written), None)


def build_pipeline(workspace: Workspace, guards: bool | str | Path) -> Pipeline | None:
    """Build the guards that `build_subject` puts before the target.

    Raises:
        UsageError: the guard file is missing or wrong.
    """
    if guards is False:
        return None
    from shipworthy.enforce.pipeline import Pipeline

    if guards is True:
        return Pipeline.build(workspace.guards) if workspace.guards is not None else None
    from shipworthy.workspace.read import read_guards

    return Pipeline.build(read_guards(Path(guards), workspace.facts))


def mediated(manifest: RunManifest) -> bool:
    """Say whether a run measured its target behind guards or a tool policy, and not bare."""
    return bool(manifest.guards) or "policy" in manifest.subject


def build_policy(workspace: Workspace) -> Policy | None:
    """Build the workspace's tool policy; None where it has none.

    Raises:
        UsageError: it is wrong, or what it needs is not installed.
    """
    if workspace.policy is None:
        return None
    from shipworthy.enforce.policy.engine import Policy

    return Policy(workspace.policy)


def build_shadow(workspace: Workspace) -> Shadow | None:
    """Build the candidate that stands beside the workspace's tool policy; None where there is none.

    Raises:
        UsageError: as for `build_policy`.
    """
    if workspace.shadow is None:
        return None
    from shipworthy.enforce.policy.engine import Policy
    from shipworthy.enforce.policy.shadow import Shadow

    return Shadow(Policy(workspace.shadow))


def credentials(use: Use) -> Iterator[str]:
    """Yield the values behind the credential references in a plug-in's parameters, where they resolve."""
    stack: list[Any] = [use.params]
    while stack:
        value = stack.pop()
        if isinstance(value, Mapping):
            stack.extend(value.values())
        elif isinstance(value, list | tuple):
            stack.extend(value)
        elif isinstance(value, str) and value.startswith(("env:", "file:")):
            with suppress(CredentialError):  # The target that needs it says so, better than we could.
                if (secret := resolve(value)) and len(secret) >= 4:
                    yield secret
