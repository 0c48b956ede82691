"""Code that a workspace names or brings: none of it runs without leave, under any verb."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from case import Case, Outcome, accepted, judge
from lab import Lab

NAMED, BROUGHT, BESIDE = "code that a workspace names", "code that a workspace brings", "module beside a workspace"


def controls(lab: Lab) -> Iterator[Case]:
    """With leave it runs, so that what is refused below is refused for want of leave."""

    def named() -> Outcome:
        root = _own(lab)
        ran = lab.spawn("eval", "-C", root, "--allow-code", cwd=root.parent, env={"PYTHONPATH": _path(root)})
        return accepted(ran) if _ran(root).exists() else Outcome("refused", f"it did not run: {ran.said[-200:]}")

    yield Case(NAMED, "control: with --allow-code", named)


def cases(lab: Lab) -> Iterator[Case]:
    """Callables, plug-ins, modules that stand in the way."""
    for call in _CALLS:
        yield Case(NAMED, f"call: {str(call)[:50]}", lambda call=call: _called(lab, call))
    for verb in (("check",), ("plan",), ("gate",), ("report",), ("suites", "list"), ("runs", "list"), ("evidence", "build"), ("decisions", "list")):  # fmt: skip
        yield Case(NAMED, f"its own module, under {' '.join(verb)}", lambda verb=verb: _quiet(lab, _own, verb))
        yield Case(BROUGHT, f"plugins/, under {' '.join(verb)}", lambda verb=verb: _quiet(lab, _plugged, verb))
    for name, bring in _BROUGHT.items():
        yield Case(BROUGHT, name, lambda bring=bring: _evaluated(lab, bring))
    for module in _MODULES:
        yield Case(BESIDE, f"{module}.py", lambda module=module: _shadowed(lab, module))


def _ran(root: Path) -> Path:
    return root.parent / "it-ran"


def _path(root: Path) -> str:
    import os

    return os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH", ""))))


def _python(root: Path) -> str:
    return f"open({str(_ran(root))!r}, 'w').close()\n\n\ndef answer(text: str) -> str:\n    return 'I can help.'\n"


def _own(lab: Lab) -> Path:
    root = lab.workspace(samples=2)
    (root / "own_bot.py").write_text(_python(root))
    lab.target(root, use="python", call="own_bot:answer")
    return root


def _plugged(lab: Lab) -> Path:
    root = lab.workspace(samples=2)
    (root / "plugins").mkdir()
    (root / "plugins" / "own_target.py").write_text(_python(root))
    return root


def _called(lab: Lab, call: object) -> Outcome:
    root = lab.workspace(samples=2)
    shell = f"!!python/object/apply:os.system ['touch {_ran(root)}']"
    row = {"id": "a", "prompt": shell, "secrets": ["PINE-harbor-4471"]}
    (root / "suites/leaks/samples.jsonl").write_text(json.dumps(row) + "\n")
    (root / "suites/helps/samples.jsonl").write_text(json.dumps({**row, "prompt": f"touch {_ran(root)}"}) + "\n")
    lab.target(root, use="python", call=call)
    ran = lab.run("eval", "-C", root, tty=True)
    return judge(ran, harm="a command ran" if _ran(root).exists() else "", codes=(2, 4))


def _quiet(lab: Lab, make: Callable[[Lab], Path], verb: tuple[str, ...]) -> Outcome:
    """Run a verb in the workspace's own folder, in a process of its own: nothing of it may run."""
    root = make(lab)
    ran = lab.spawn(*verb, cwd=root)
    return judge(ran, harm="its code ran" if _ran(root).exists() else "", codes=(0, 2, 4))


def _evaluated(lab: Lab, bring: Callable[[Path], object]) -> Outcome:
    root = lab.workspace(samples=2)
    bring(root)
    ran = lab.spawn("eval", "-C", root, cwd=root.parent)
    return judge(ran, harm="its code ran" if _ran(root).exists() else "", codes=(0, 2, 4))


def _shadowed(lab: Lab, module: str) -> Outcome:
    root = lab.workspace(samples=2)
    for folder in (root, root.parent):
        (folder / f"{module}.py").write_text(_python(root) + "raise SystemExit(0)\n")
    # What Python runs before any code of ours cannot be refused by it: SECURITY.md says so, and to use `python -P`.
    safe = {"PYTHONSAFEPATH": "1"} if module == "shipworthy" else {}
    ran = lab.spawn("check", "-C", root, cwd=root, env=safe)
    harm = "its code ran" if _ran(root).exists() else ""
    return judge(ran, harm=harm, codes=(0, 2))


_CALLS: tuple[object, ...] = (
    "yaml:unsafe_load", "yaml:full_load", "yaml:load_all", "yaml.loader:UnsafeLoader", "os:system", "os:popen", "posix:system", "subprocess:run",
    "subprocess:getoutput", "subprocess:Popen", "builtins:eval", "builtins:exec", "builtins:open", "builtins:__import__", "importlib:import_module", "pickle:loads",
    "marshal:loads", "shelve:open", "runpy:run_path", "code:interact", "pty:spawn", "ctypes:CDLL", "webbrowser:open", "socket:create_connection", "shutil:rmtree",
    "numpy:load", "numpy:fromfile", "numpy:memmap", "scipy.io:loadmat", "jinja2:Template", "sqlalchemy:create_engine", "sqlalchemy:text", "click:edit", "click:launch",
    "shipworthy.cli:main", "shipworthy.cli:run", "shipworthy.core.credentials:resolve", "shipworthy.evals.api:evaluate", "msgspec.json:decode", "aiohttp:request",
    "rich.console:Console", "pydantic:create_model", "alembic.command:upgrade", "cryptography.x509:load_pem_x509_certificate", "platformdirs:user_config_dir",
    "pip:main", "pytest:main", "setuptools:setup", "antigravity:geohash", "this:s", "own:answer", "yaml:unsafe_load ", " yaml:unsafe_load", "yaml: unsafe_load", "yaml",
    "yaml:", ":unsafe_load", "yaml:unsafe_load:x", "yaml:unsafe_load.__call__", "yaml.unsafe_load", "YAML:unsafe_load", "yaml:unsafe_load\n", "y\u0430ml:unsafe_load",
    "../own:answer", "/etc/passwd:x", "\x1b[2J:x", "", 7, None, [], ["yaml:unsafe_load"], {"use": "yaml:unsafe_load"}, True,
)  # fmt: skip

_MODULES = (
    "click", "yaml", "msgspec", "numpy", "platformdirs", "pydantic", "sqlalchemy", "rich", "jinja2", "cryptography", "aiohttp", "re2", "rfc8785", "scipy", "alembic",
    "shipworthy", "sitecustomize", "usercustomize", "conftest", "setup", "random", "json", "secrets", "typing_extensions",
)  # fmt: skip


def _plugin(kind: str, body: str = "") -> Callable[[Path], object]:
    def bring(root: Path) -> None:
        (root / "plugins").mkdir(exist_ok=True)
        text = f"from shipworthy.core.registry import {kind}\n{_python(root)}\n\n@{kind}\ndef own_{kind}(**params):\n    return None\n{body}"  # fmt: skip
        (root / "plugins" / f"own_{kind}.py").write_text(text)

    return bring


def _target(root: Path) -> None:
    _plugin("target")(root)
    (root / "targets.yaml").write_text(json.dumps({"targets": {"default": {"use": "own_target"}}}))


def _scorer(root: Path) -> None:
    _plugin("scorer")(root)
    path = root / "suites/leaks/suite.yaml"
    path.write_text(path.read_text().replace("[canary_leak]", "[own_scorer]"))


def _attack(root: Path) -> None:
    _plugin("attack")(root)
    path = root / "suites/leaks/suite.yaml"
    path.write_text(path.read_text().replace("[none, rot13]", "[none, own_attack]"))


def _guard(root: Path) -> None:
    _plugin("guard")(root)
    (root / "guards.yaml").write_text("rules: [{id: GD-own, use: own_guard, stages: [output]}]\n")


def _judge(root: Path) -> None:
    (root / "own_bot.py").write_text(_python(root))
    path = root / "suites/leaks/suite.yaml"
    judged = "[{use: refusal, model: {use: python, call: 'own_bot:answer'}}]"
    path.write_text(path.read_text().replace("[canary_leak]", judged))


def _attacker(root: Path) -> None:
    (root / "own_bot.py").write_text(_python(root))
    path = root / "suites/leaks/suite.yaml"
    path.write_text(
        path.read_text().replace("rot13]", "{use: role_play, model: {use: python, call: 'own_bot:answer'}}]")
    )


def _guard_model(root: Path) -> None:
    (root / "own_bot.py").write_text(_python(root))
    rule = "{id: GD-own, use: pii_output, stages: [output], params: {model: {use: python, call: 'own_bot:answer'}}}"
    (root / "guards.yaml").write_text(f"rules: [{rule}]\n")


def _second_target(root: Path) -> None:
    (root / "own_bot.py").write_text(_python(root))
    made = json.dumps(
        {"targets": {"default": {"use": "python", "call": "own_bot:answer"}, "other": {"use": "smollm2"}}}
    )
    (root / "targets.yaml").write_text(made)


def _files(*names: str) -> Callable[[Path], object]:
    def bring(root: Path) -> None:
        for name in names:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"import os; {_python(root)}" if name.endswith(".pth") else _python(root))

    return bring


def _built_in(root: Path) -> None:
    """Bring a plug-in under the id of one of ours."""
    (root / "plugins").mkdir()
    for name, kind in (
        ("canary_leak", "scorer"),
        ("openai_compatible", "target"),
        ("none", "attack"),
        ("html", "report"),
    ):
        text = f"from shipworthy.core.registry import {kind}\n{_python(root)}\n\n@{kind}\ndef {name}(**params):\n    return None\n"
        (root / "plugins" / f"{name}.py").write_text(text)


_BROUGHT: dict[str, Callable[[Path], object]] = {
    "a target": _target, "a scorer": _scorer, "an attack": _attack, "a guard": _guard, "a report": _plugin("report"), "a judge's model": _judge,
    "an attacker's model": _attacker, "a guard's model": _guard_model, "the first of two targets": _second_target, "plug-ins under our own ids": _built_in,
    "plugins/__init__.py": _files("plugins/__init__.py"), "plugins/sub/x.py": _files("plugins/sub/x.py"), "conftest.py": _files("conftest.py", "plugins/conftest.py"),
    "a .pth file": _files("own.pth", "plugins/own.pth"), "sitecustomize.py": _files("sitecustomize.py", "suites/sitecustomize.py"), "setup.py": _files("setup.py"),
    "suites/leaks/suite.py": _files("suites/leaks/suite.py", "suites/leaks/__init__.py"), ".shipworthy/plugins": _files(".shipworthy/plugins/x.py"),
    "system.py": _files("system.py", "targets.py", "guards.py"),
}  # fmt: skip
