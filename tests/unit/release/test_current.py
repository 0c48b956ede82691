"""Whether a run is about the files as they are now."""

from __future__ import annotations

from msgspec.structs import replace

from shipworthy.release.current import Now


def test_a_run_is_current_until_a_file_says_something_else(gated):
    manifest = gated.run().manifest
    assert Now(gated.workspace).lapsed(manifest) == ""
    assert Now(gated.workspace).lapses(manifest) == ()
    gated.edit("targets.yaml", "model: m", "model: other")
    assert [one.kind for one in Now(gated.workspace).lapses(manifest)] == ["target"]
    assert Now(gated.workspace).lapsed(manifest) == "the target changed since"


def test_a_plan_that_is_gone_and_a_subject_that_was_not_declared(gated):
    manifest, now = gated.run().manifest, Now(gated.workspace)
    assert now.lapsed(replace(manifest, plan="other")) == "there is no plan other any more"
    bare = replace(manifest, subject={}, subject_digest="sha256:0")
    assert now.lapsed(bare) == "the target changed since"


def test_a_run_on_another_target_is_about_that_one(gated):
    gated.edit("targets.yaml", "model: m}", "model: m}\n  other: {like: default, model: n}")
    manifest = gated.run().manifest
    from shipworthy.evals.subject import declaration

    other = {"declared": declaration(gated.workspace.targets["other"], guards="none")}
    changed = replace(manifest, subject=other, subject_digest="sha256:1")
    assert Now(gated.workspace).lapsed(changed) == ("it measured the target other, which is not the system under test")


def test_a_run_without_the_tool_policy_is_about_another_candidate(gated):
    manifest = gated.run().manifest
    (gated.root / "policy.yaml").write_text("tools: {}\n")
    assert Now(gated.workspace).lapsed(manifest) == "it was measured without the tool policy"
