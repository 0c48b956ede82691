"""The link graph: every id that is named exists, every plug-in and metric too, and nothing hangs loose."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from shipworthy.core import registry
from shipworthy.core.errors import CredentialError, MissingExtra, PluginError, did_you_mean
from shipworthy.core.metric import Metric
from shipworthy.workspace.draft import Draft, Placed
from shipworthy.workspace.guards import GuardFile
from shipworthy.workspace.must import refusal
from shipworthy.workspace.parameters import build, check_values
from shipworthy.workspace.suites import Loaded, library_suites
from shipworthy.workspace.taxonomies import ref_problem
from shipworthy.workspace.use import Use
from shipworthy.workspace.validate import Loc


def check_links(draft: Draft, *, allow_code: bool, local: Collection[str] = ()) -> None:
    """Append every broken link to the draft's problems, and what is probably not meant to its warnings.

    Args:
        allow_code: whether the workspace's own plug-ins were loaded; if not, their names are explained.
        local: the ids of the workspace's own plug-ins.
    """
    blocked = () if allow_code else local
    for name, target in draft.targets.items():
        _plugin(draft, "target", target, blocked)
        if name != "default" and "default" not in draft.targets and len(draft.targets) > 1:
            hint = f"the first one, {next(iter(draft.targets))!r}, is tested"
            draft.warnings.append(target.problem((), "no target is named 'default'", hint))
    metrics = {name: _suite(draft, loaded, blocked) for name, loaded in draft.suites.items()}
    for loaded in draft.suites.values():
        _twins(draft, loaded)
    _risks(draft)
    _requirements(draft, metrics)
    _plans(draft)
    _gate(draft)
    for placed in draft.guard_files:
        check_guards(placed, draft, known_requirements=draft.named.get("requirement", {}), blocked=blocked)


def _dangling(draft: Draft, owner: Placed[Any], loc: Loc, kind: str, name: str, *, hint: str = "") -> bool:
    """Report a link to nothing; True if it leads nowhere."""
    known = draft.named.get(kind, {})
    if name in known:
        return False
    hint = hint or (did_you_mean(name, list(known)) if known else f"there is no {kind}")
    draft.problems.append(owner.problem(loc, f"unknown {kind} {name!r}", hint))
    return True


def _refs(draft: Draft, owner: Placed[Any], refs: Iterable[str]) -> None:
    for index, ref in enumerate(refs):
        if wrong := ref_problem(ref):
            draft.problems.append(owner.problem(("refs", index), *wrong))


def _risks(draft: Draft) -> None:
    components = {c.id for c in draft.system.entity.components} if draft.system else None
    mitigated = {risk for r in draft.requirements.values() for risk in r.entity.mitigates}
    for risk in draft.risks.values():
        _refs(draft, risk, risk.entity.refs)
        for index, journey in enumerate(risk.entity.journeys):
            _dangling(draft, risk, ("journeys", index), "journey", journey)
        for index, component in enumerate(risk.entity.components):
            if components is not None and component not in components:
                hint = did_you_mean(component, list(components)) if components else "the system lists no components"
                draft.problems.append(risk.problem(("components", index), f"unknown component {component!r}", hint))
        if risk.entity.id not in mitigated and len(draft.requirements) == len(draft.named.get("requirement", {})):
            hint = "no requirement names it under 'mitigates'"
            draft.warnings.append(risk.problem(("id",), f"the risk {risk.entity.id!r} is mitigated by nothing", hint))


def _requirements(draft: Draft, metrics: Mapping[str, Mapping[str, Metric] | None]) -> None:
    for requirement in draft.requirements.values():
        _refs(draft, requirement, requirement.entity.refs)
        for index, risk in enumerate(requirement.entity.mitigates):
            _dangling(draft, requirement, ("mitigates", index), "risk", risk)
        if not requirement.entity.criteria:
            hint = "a requirement that nothing tests decides nothing: add 'criteria'"
            name = requirement.entity.id
            draft.problems.append(requirement.problem((), f"the requirement {name!r} has no criterion", hint))
        for index, criterion in enumerate(requirement.entity.criteria):
            loc: Loc = ("criteria", index)
            draft.claim("criterion", criterion.id, requirement.source, (*requirement.loc, *loc))
            hint = ""
            if criterion.suite in library_suites():
                hint = f"add suites/{criterion.suite}.yaml with 'use: library:{criterion.suite}'"
            if _dangling(draft, requirement, (*loc, "suite"), "suite", criterion.suite, hint=hint):
                continue
            loaded = draft.suites.get(criterion.suite)
            if loaded is None:
                continue
            given = metrics.get(criterion.suite)
            metric = criterion.metric or loaded.suite.metric
            if given is not None and criterion.metric and metric not in given:
                message = f"no scorer of the suite {criterion.suite!r} gives the metric {metric!r}"
                draft.problems.append(
                    requirement.problem((*loc, "metric"), message, did_you_mean(metric, sorted(given)))
                )
            if given is not None and metric in given and (why := refusal(criterion.parsed, given[metric])):
                draft.problems.append(requirement.problem((*loc, "must"), why))
            if criterion.attack and not any(use.matches(criterion.attack) for use in loaded.suite.attacks):
                message = f"the suite {criterion.suite!r} has no attack {criterion.attack!r}"
                hint = did_you_mean(criterion.attack, [use.name for use in loaded.suite.attacks])
                draft.problems.append(requirement.problem((*loc, "attack"), message, hint))
            clusters = len({sample.cluster for sample in loaded.suite.samples})
            if criterion.min_clusters > clusters:
                message = (
                    f"needs {criterion.min_clusters} independent samples; the suite {criterion.suite!r} has {clusters}"
                )
                draft.problems.append(
                    requirement.problem((*loc, "min_clusters"), message, "it could only be inconclusive")
                )


def _plans(draft: Draft) -> None:
    for plan in draft.plans.values():
        used: set[str] = set()
        for index, entry in enumerate(plan.entity.suites):
            loc: Loc = ("suites", index, "suite")
            if entry.suite in used:
                draft.problems.append(plan.problem(loc, f"the plan names the suite {entry.suite!r} twice"))
            used.add(entry.suite)
            if _dangling(draft, plan, loc, "suite", entry.suite) or entry.suite not in draft.suites:
                continue
            suite = draft.suites[entry.suite].suite
            for number, attack in enumerate(entry.attacks or ()):
                if not any(use.matches(attack) for use in suite.attacks):
                    message = f"the suite {entry.suite!r} has no attack {attack!r}"
                    hint = did_you_mean(attack, [use.name for use in suite.attacks])
                    draft.problems.append(plan.problem(("suites", index, "attacks", number), message, hint))
            if entry.samples and entry.samples > len(suite.samples):
                message = f"the suite {entry.suite!r} has only {len(suite.samples)} samples, not {entry.samples}"
                draft.warnings.append(plan.problem(("suites", index, "samples"), message, "all are used"))


def _gate(draft: Draft) -> None:
    if draft.gate is None or draft.gate.entity.criteria == "all":
        return
    for index, name in enumerate(draft.gate.entity.criteria):
        _dangling(draft, draft.gate, ("criteria", index), "criterion", name)
    if not draft.gate.entity.criteria:
        draft.problems.append(draft.gate.problem(("criteria",), "a gate without criteria lets everything pass"))


def check_guards(
    placed: Placed[GuardFile],
    draft: Draft,
    *,
    known_requirements: Collection[str] | None,
    blocked: Collection[str] = (),
) -> None:
    """Check one guard file: ids, guards, parameters, and the requirements it implements (None: not checked)."""
    seen: dict[str, int] = {}
    for index, rule in enumerate(placed.entity.rules):
        loc: Loc = ("rules", index)
        if rule.id in seen:
            first = f"first on line {placed.source.line(('rules', seen[rule.id]))}"
            draft.problems.append(placed.problem((*loc, "id"), f"the guard id {rule.id!r} is used twice", first))
        seen.setdefault(rule.id, index)
        use = Use(use=rule.use, params=dict(rule.params))
        _plugin(draft, "guard", Placed(use, placed.source, loc), blocked, inside="params")
        if known_requirements is None:
            continue
        for number, requirement in enumerate(rule.implements):
            if requirement not in known_requirements:
                hint = did_you_mean(requirement, sorted(known_requirements)) if known_requirements else ""
                message = f"unknown requirement {requirement!r}"
                draft.problems.append(placed.problem((*loc, "implements", number), message, hint))


def _suite(draft: Draft, loaded: Loaded, blocked: Collection[str]) -> Mapping[str, Metric] | None:
    """Check a suite's plug-ins and return the metrics its scorers declare, by name; None if they cannot be told."""
    names: set[str] = set()
    for index, attack in enumerate(loaded.suite.attacks):
        source, loc = loaded.place("attacks", index)
        _plugin(draft, "attack", Placed(attack, source, loc), blocked)
        if attack.name in names:
            draft.problems.append(source.problem(loc, f"the attack {attack.name!r} is listed twice"))
        names.add(attack.name)
    metrics: dict[str, Metric] = {}
    known = True
    for index, scorer in enumerate(loaded.suite.scorers):
        source, loc = loaded.place("scorers", index)
        made = _plugin(draft, "scorer", Placed(scorer, source, loc), blocked)
        known = known and made is not None
        for metric in getattr(made, "metrics", ()):
            if not isinstance(metric, Metric):
                message = f"the scorer {scorer.use!r} lists {metric!r} among its metrics, which is no Metric"
                draft.problems.append(source.problem(loc, message, f"write Metric({str(metric)!r}, good=...)"))
                known = False
            elif metrics.setdefault(metric.name, metric) != metric:
                message = f"two scorers of the suite declare the metric {metric.name!r} differently"
                draft.problems.append(source.problem(loc, message, "give one of them another name"))
    if not known:
        return None
    if loaded.suite.metric not in metrics:
        source, loc = loaded.place("metric")
        hint = did_you_mean(loaded.suite.metric, sorted(metrics))
        draft.problems.append(
            source.problem(loc, f"no scorer of the suite gives the metric {loaded.suite.metric!r}", hint)
        )
    return metrics


def _twins(draft: Draft, loaded: Loaded) -> None:
    """Check twins in other suites, written ``suite/id``."""
    for sample in loaded.suite.samples:
        name, slash, twin = sample.twin.partition("/")
        broken = name in draft.named.get("suite", {}) and name not in draft.suites
        if not slash or broken:
            continue
        said = f"the twin {sample.twin!r} of the sample {sample.id!r}"
        if name in draft.suites:
            if twin not in {other.id for other in draft.suites[name].suite.samples}:
                draft.problems.append(loaded.base.problem(("samples",), f"{said} does not exist"))
        elif name not in library_suites():
            draft.problems.append(loaded.base.problem(("samples",), f"{said} is in no suite of this workspace"))


def _plugin(draft: Draft, kind: str, placed: Placed[Use], blocked: Collection[str], *, inside: str = "") -> Any:
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
    if model is not None:
        _plugin(draft, "target", Placed(model, placed.source, (*placed.loc, *under, "model")), blocked)
    try:
        registry.check_params(kind, use.use, params, *(("model",) if model else ()))
        if kind == "target" and model and not registry.takes(kind, use.use, "model"):
            draft.problems.append(placed.problem(("model",), f"the target {use.use!r} takes no model"))
            return None
        if wrong := check_values(registry.factory(kind, use.use), params):
            for key, message in wrong.items():
                draft.problems.append(placed.problem((*under, key), f"the {kind} {use.use!r}: {message}"))
            return None
        key = params.get("key", "") if kind == "target" else ""
        if isinstance(key, str) and key and not key.startswith(("env:", "file:")):
            # It is not repeated: it may be a pasted secret. A target is not built here and cannot say so itself.
            message = f"the target {use.use!r}: 'key' must be a reference, 'env:NAME' or 'file:PATH', never a value"
            draft.problems.append(placed.problem((*under, "key"), message))
            return None
        # A target is not built: that may start a model or open connections.
        return None if kind == "target" else build(kind, use)
    except PluginError as error:
        named = next((key for key in use.params if f"parameter {key!r}" in str(error)), None)
        message, _, hint = str(error).partition(": ")
        draft.problems.append(placed.problem((*under, named) if named else ("use",), message, hint))
    except (MissingExtra, CredentialError) as error:
        # Not the files' fault: another machine may have what this one lacks. A run fails closed on it.
        draft.warnings.append(placed.problem(("use",), f"the {kind} {use.use!r} cannot run here: {error}"))
    except Exception as error:  # a plug-in that breaks must be named, not crash the check
        draft.problems.append(placed.problem(("use",), f"the {kind} {use.use!r} cannot be built: {error}"))
    return None
