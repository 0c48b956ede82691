"""Plug-ins as the files name them: each exists, takes its parameters and can be built; a suite's give its metric."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from shipworthy.core import approvers, registry, shown
from shipworthy.core.carries import declared
from shipworthy.core.credentials import is_reference
from shipworthy.core.errors import (
    CredentialError,
    EmptyCredential,
    MissingExtra,
    PluginError,
    ShipworthyError,
    UsageError,
    did_you_mean,
)
from shipworthy.core.metric import Metric
from shipworthy.core.price import KEY, Price
from shipworthy.core.protocols import inapplicable
from shipworthy.core.renamed import metric_hint
from shipworthy.core.texts import texts
from shipworthy.workspace.check_reference import check_reference
from shipworthy.workspace.draft import Draft, Placed
from shipworthy.workspace.fits_target import HINTS, unmet
from shipworthy.workspace.guards import GuardFile
from shipworthy.workspace.judges import declared_metrics
from shipworthy.workspace.kinds.target import DEFAULT
from shipworthy.workspace.parameters import build, check_values
from shipworthy.workspace.suite import Suite
from shipworthy.workspace.tell import asks, uncovered
from shipworthy.workspace.use import Use


def check_guards(draft: Draft, guards: Placed[GuardFile], blocked: Collection[str] = ()) -> None:
    """Check the guards of one guard file and their parameters, and that these fit the facts of the product."""
    untold = draft.broken("facts")  # which is reported
    built = {}
    for index, rule in enumerate(guards.entity.rules):
        if untold and asks(rule):
            continue
        placed = Placed(Use(use=rule.use, params=dict(rule.params)), guards.source, (*guards.loc, "rules", index))
        built[index] = check_use(draft, "guard", placed, blocked, inside="params")
    if facts := draft.single("facts"):
        draft.warnings += uncovered(guards, built, facts.entity)


def check_suite(draft: Draft, loaded: Placed[Suite], blocked: Collection[str]) -> Mapping[str, Metric] | None:
    """Check a suite's plug-ins and return the metrics its scorers declare, by name; None if they cannot be told."""
    names: set[str] = set()
    attacks: dict[str, Any] = {}
    for index, attack in enumerate(loaded.entity.attacks):
        source, loc = loaded.place("attacks", index)
        attacks[attack.name] = check_use(draft, "attack", Placed(attack, source, loc), blocked)
        if attack.name in names:
            draft.problems.append(source.problem(loc, f"the attack {attack.name!r} is listed twice"))
        names.add(attack.name)
        _check_applicable(draft, loaded, index, attacks[attack.name])
    _check_carried(draft, loaded, attacks)
    metrics: dict[str, Metric] = {}
    known = True
    for index, scorer in enumerate(loaded.entity.scorers):
        source, loc = loaded.place("scorers", index)
        made = check_use(draft, "scorer", Placed(scorer, source, loc), blocked)
        known = known and made is not None
        _check_named(draft, loaded, index, made)
        blind = [s.id for s in loaded.entity.samples if not s.secrets] if getattr(made, "needs_secrets", False) else []
        if blind:
            message = f"the scorer {scorer.use!r} looks for secrets, and the sample {blind[0]!r} names none"
            message += f", nor do {len(blind) - 1} more" if blind[1:] else ""
            hint = "list them in the sample, or in facts.secrets with 'facts: {secret: WORD}' in the suite"
            draft.problems.append(source.problem(loc, message, hint))
        expects = getattr(made, "needs_expected", False)
        mute = [s.id for s in loaded.entity.samples if s.expected is None] if expects else []
        if mute:
            message = f"the scorer {scorer.use!r} looks for what is expected, and the sample {mute[0]!r} says nothing"
            message += f", nor do {len(mute) - 1} more" if mute[1:] else ""
            hint = "write 'expected' in the sample, or give the scorer what to look for"
            draft.problems.append(source.problem(loc, message, hint))
        if getattr(made, "needs_model", False) and not scorer.models:
            message = f"the scorer {scorer.use!r} asks a model, and names none"
            hint = "write 'model: {use: ...}' beside it, as a target is written"
            draft.problems.append(source.problem(loc, message, hint))
        others = set(metrics)
        for metric in _declared(scorer, made):
            if not isinstance(metric, Metric):
                message = f"the scorer {scorer.use!r} lists {metric!r} among its metrics, which is no Metric"
                draft.problems.append(source.problem(loc, message, f"write Metric({str(metric)!r}, good=...)"))
                known = False
            elif metrics.setdefault(metric.name, metric) != metric:
                message = f"two scorers of the suite declare the metric {metric.name!r} differently"
                draft.problems.append(source.problem(loc, message, "give one of them another name"))
            elif metric.name in others:
                message = f"two scorers of the suite give the metric {metric.name!r}: no attempt could be scored"
                draft.problems.append(source.problem(loc, message, "give one of them another name"))
    if not known:
        return None
    if loaded.entity.metric not in metrics:
        source, loc = loaded.place("metric")
        hint = metric_hint(loaded.entity.metric, metrics)
        draft.problems.append(
            source.problem(loc, f"no scorer of the suite gives the metric {loaded.entity.metric!r}", hint)
        )
    return metrics


def _declared(scorer: Use, made: Any) -> Sequence[Any]:
    metrics = tuple(getattr(made, "metrics", ()))
    whole = metrics and all(isinstance(metric, Metric) for metric in metrics)
    return declared_metrics(scorer, made) if whole else metrics


def _check_named(draft: Draft, loaded: Placed[Suite], index: int, made: Any) -> None:
    """Report a scorer that does not say what it is called: nobody could tell later whose its scores are."""
    if made is not None and not isinstance(made.describe().get("scorer"), str):
        source, loc = loaded.place("scorers", index)
        message = f"the scorer {loaded.entity.scorers[index].use!r} does not say what it signs its scores with"
        draft.problems.append(source.problem(loc, message, "let describe() return it under 'scorer'"))


def _check_applicable(draft: Draft, loaded: Placed[Suite], index: int, attack: Any) -> None:
    """Warn of an attack that can change none of a suite's samples: all its attempts would be left out."""
    samples = loaded.entity.samples
    try:
        whys = [inapplicable(attack, sample) for sample in samples]
    except Exception as error:  # a plug-in that breaks must be named, not crash the check
        whys, error_said = [], f"{type(error).__name__}: {error}"
        source, loc = loaded.place("attacks", index)
        message = f"the attack {loaded.entity.attacks[index].use!r} breaks when asked what it can change: {error_said}"
        draft.problems.append(source.problem(loc, message))
    if whys and all(whys):
        source, loc = loaded.place("attacks", index)
        message = f"the attack {loaded.entity.attacks[index].name!r} can change none of the samples: {whys[0]}"
        draft.warnings.append(source.problem(loc, message, "take it out, or write samples that it can change"))


def _check_carried(draft: Draft, loaded: Placed[Suite], attacks: Mapping[str, Any]) -> None:
    """Report what a suite needs and the system under test cannot carry; nothing where only a built one can tell."""
    targets = draft.entities["target"]
    name = DEFAULT if DEFAULT in targets else next(iter(targets), None)
    use = targets[name].entity if name is not None else None
    if use is None or use.use not in registry.names("target") or draft.broken("facts"):
        return  # which is reported; with broken facts the samples still name another product's users
    try:
        carries = declared(use.use, use.params)
    except ShipworthyError:  # it cannot be loaded, which is reported
        return
    for lacks in unmet(loaded.entity.samples, attacks, carries) if carries is not None else ():
        source, loc = loaded.place("attacks" if lacks.attack else "samples")
        message = f"{lacks}, which the target {name!r} ({use.use}) does not carry"
        draft.problems.append(source.problem(loc, message, HINTS[lacks.need]))


def _take_aside(draft: Draft, kind: str, placed: Placed[Use], under: tuple[str, ...], params: dict[str, Any]) -> bool:
    """Take out what a target says beside its parameters; say whether it is well written."""
    before = len(draft.problems)
    for key in (shown.KEY, approvers.KEY):
        if (model := placed.entity.model) is not None and key in model.params:
            message = f"{key} stands beside the target's own `use`, not in a model"
            draft.problems.append(placed.problem((*under, "model", key), message))
    for key, read in ((KEY, Price.read), (shown.KEY, shown.read), (approvers.KEY, approvers.read)):
        if kind == "target" and (written := params.pop(key, None)) is not None:
            try:
                read(written)
            except UsageError as error:
                draft.problems.append(placed.problem((*under, key), f"the target {placed.entity.use!r}: {error}"))
    return len(draft.problems) == before


def _check_keys(placed: Placed[Use], under: tuple[str, ...], params: Mapping[str, Any], draft: Draft) -> None:
    """Report a target's key that is no reference, or stands for none; that it is not there is for a run to say."""
    key = params.get("key", "")
    if isinstance(key, str) and key and not is_reference(key):
        # It is not repeated: it may be a pasted secret. A target is not built here and cannot say so itself.
        message = (
            f"the target {placed.entity.use!r}: 'key' must be a reference, 'env:NAME' or 'file:PATH', never a value"
        )
        draft.problems.append(placed.problem((*under, "key"), message))
        return
    before = len(draft.warnings)
    for reference in filter(is_reference, dict.fromkeys(texts(params))):
        named = next((key for key, value in params.items() if reference in texts(value)), "use")
        check_reference(placed, (*under, named), reference, draft)
    del draft.warnings[before:]


def check_use(draft: Draft, kind: str, placed: Placed[Use], blocked: Collection[str], *, inside: str = "") -> Any:
    """Check that a plug-in exists and takes its parameters, and build it unless it is a target.

    Args:
        inside: the key that its parameters are written under; none if they stand beside `use`.

    Returns:
        The plug-in, or None where it was not built.
    """
    use = placed.entity
    under = (inside,) if inside else ()
    if use.use in blocked and use.use not in registry.known(kind):
        hint = f"plugins/{use.use}.py is this workspace's own code: run it with --allow-code"
        draft.problems.append(placed.problem(("use",), f"the {kind} {use.use!r} is not loaded", hint))
        return None
    if use.use not in registry.names(kind):
        hint = did_you_mean(use.use, registry.names(kind))
        draft.problems.append(placed.problem(("use",), f"unknown {kind} {use.use!r}", hint))
        return None
    model, params = use.model, use.own_params
    if not _take_aside(draft, kind, placed, under, params) or not _check_models(draft, kind, placed, under, blocked):
        return None
    try:
        registry.check_params(kind, use.use, params, *(("model",) if model else ()))
        if kind == "target" and model and not registry.takes(kind, use.use, "model"):
            draft.problems.append(placed.problem(("model",), f"the target {use.use!r} takes no model"))
            return None
        if wrong := check_values(registry.factory(kind, use.use), params):
            for key, message in wrong.items():
                draft.problems.append(placed.problem((*under, key), f"the {kind} {use.use!r}: {message}"))
            return None
        if kind == "target":  # it is not built: that may start a model or open connections
            _check_keys(placed, under, params, draft)
            return None
        return build(kind, use)
    except PluginError as error:
        named = next((key for key in use.params if f"parameter {key!r}" in str(error)), None)
        message, _, hint = str(error).partition(": ")
        draft.problems.append(placed.problem((*under, named) if named else ("use",), message, hint))
    except (MissingExtra, CredentialError) as error:
        # Not the files' fault: another machine may have what this one lacks. A run fails closed on it.
        into = draft.problems if isinstance(error, EmptyCredential) else draft.warnings
        into.append(placed.problem(("use",), f"the {kind} {use.use!r} cannot run here: {error}"))
    except Exception as error:  # a plug-in that breaks must be named, not crash the check
        draft.problems.append(placed.problem(("use",), f"the {kind} {use.use!r} cannot be built: {error}"))
    return None


def _check_models(
    draft: Draft, kind: str, placed: Placed[Use], under: tuple[str, ...], blocked: Collection[str]
) -> bool:
    """Check the model, or the models of a panel, where the parameters name one; say whether they can be."""
    use = placed.entity
    single = use.params.get("model")
    if use.model is None and isinstance(single, dict) and "use" in single:
        hint = "write the model's target, such as {use: smollm2}"
        message = f"the model of the {kind} {use.use!r} must name a target by its id, as text"
        draft.problems.append(placed.problem((*under, "model", "use"), message, hint))
        return False
    before = len(draft.problems)
    if use.model is not None:
        check_use(draft, "target", Placed(use.model, placed.source, (*placed.loc, *under, "model")), blocked)
    written = use.params.get("models")
    if not isinstance(written, list | tuple) or not any(isinstance(one, dict) and "use" in one for one in written):
        return len(draft.problems) == before
    problem = ""
    if kind != "scorer":
        problem = f"a panel of models is for scorers; the {kind} {use.use!r} takes one, as 'model'"
    elif "model" in use.params:
        problem = "'model' and 'models' are both there: write one of them"
    elif len(use.models) != len(written):
        problem = "each of the models must name a target by its id, as text, such as {use: smollm2}"
    if problem:
        draft.problems.append(placed.problem((*under, "models"), problem))
        return False
    for number, model in enumerate(use.models):
        at_model = Placed(model, placed.source, (*placed.loc, *under, "models", number))
        check_use(draft, "target", at_model, blocked)
    return len(draft.problems) == before
