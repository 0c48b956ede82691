"""What of serve's file says of alarms: the streams that are watched, and how."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from shipworthy.core.digests import digest
from shipworthy.core.observed import Hit
from shipworthy.gateway.fields import Count, Name
from shipworthy.stats.detector import FEWEST_DAYS, MARGIN
from shipworthy.workspace.fields import NUMBER, Entity
from shipworthy.workspace.scalars import source_text

StreamSeverity = Literal["any", "S1", "S2", "S3", "S4"]
EACH = "each"
ALL = "all"
Share = Annotated[float, NUMBER, Field(gt=0, lt=1)]
Text = Annotated[str, BeforeValidator(source_text), Field(max_length=200)]


class StreamSpec(Entity):
    """One rate that is watched, or one for each feature.

    Attributes:
        id: of the stream.
        metric: what is counted among sessions, once a session.
        feature: ``all`` together, ``each`` by itself from its first day on, or the name of one.
        severity: of violations: exactly this one, or ``any``.
        worst: severity that an alarm of it has; that of what is counted if left out, S3 where that is any.
        baseline_days: days with sessions, the first ones, that what is normal is estimated from.
        from: the first day that counts, ISO 8601; that of the store if left out.
        margin: by how much more than the upper limit of its baseline a rate may be without being a change.
        arl_days: days that pass on average before a false alarm, at least (average run length).
    """

    id: Name
    metric: Hit = "violation"
    feature: Annotated[str, BeforeValidator(source_text), Field(min_length=1, max_length=200)] = ALL
    severity: StreamSeverity = "any"
    worst: Literal["S1", "S2", "S3", "S4"] | None = None
    baseline_days: Annotated[int, NUMBER, Field(ge=FEWEST_DAYS, le=365)] = 28
    begins: Annotated[str, BeforeValidator(source_text), Field(alias="from", pattern=r"^(\d{4}-\d\d-\d\d)?$")] = ""
    margin: Annotated[float, NUMBER, Field(ge=1, lt=100)] = MARGIN
    arl_days: Annotated[float, NUMBER, Field(ge=2, le=100_000)] = 365.0

    @property
    def level(self) -> int | None:
        """The severity that is counted; None for any."""
        return None if self.severity == "any" else int(self.severity[1])

    @property
    def raises(self) -> int:
        """The severity of its alarms, 1 to 4."""
        if self.worst is not None:
            return int(self.worst[1])
        return self.level or 3

    @property
    def digest(self) -> str:
        """What its state depends on: with another one it begins anew."""
        said = [self.metric, self.severity, self.baseline_days, self.begins, repr(self.margin), repr(self.arl_days)]
        return digest(said).removeprefix("sha256:")[:12]


class EvidenceSpec(Entity):
    """When traffic counts as not covered by evidence.

    Attributes:
        watch: whether to look.
        hours: of traffic, up to now, that is looked at.
        least: sessions of a kind below which nothing is raised.
        max_age_days: of a decision; no limit of its own if left out.
        worst: severity of its alarms.
    """

    watch: bool = True
    hours: Annotated[float, NUMBER, Field(gt=0, le=24 * 31)] = 24.0
    least: Count = 1
    max_age_days: Annotated[float, NUMBER, Field(gt=0, le=3_650)] | None = None
    worst: Literal["S1", "S2", "S3", "S4"] = "S3"


class CampaignSpec(Entity):
    """When attempts that a guard stopped, or a violation came of, are a campaign.

    Attributes:
        watch: whether to look; it reads redacted content on this machine, and says in the audit log that it did.
        hours: of attempts, up to now, that are put together.
        like: share of character 5-grams that two attempts have in common, at least, to be like ones (Jaccard).
        words: whether to put attempts together by what was said, too; users and sessions need no look at it.
        attempts: like ones that make a campaign; `users` and `sessions` of one person, or in one session, alike.
        worst: severity of its alarms.
    """

    watch: bool = False
    hours: Annotated[float, NUMBER, Field(gt=0, le=24 * 7)] = 24.0
    words: bool = True
    like: Share = 0.5
    attempts: Annotated[int, NUMBER, Field(ge=3, le=1_000_000)] = 10
    users: Annotated[int, NUMBER, Field(ge=3, le=1_000_000)] = 10
    sessions: Annotated[int, NUMBER, Field(ge=3, le=1_000_000)] = 8
    worst: Literal["S1", "S2", "S3", "S4"] = "S2"


class CanarySpec(Entity):
    """A share of traffic on something new, held against the rest of its feature.

    Attributes:
        id: of the comparison.
        field: of the facts, that tells both apart.
        canary, control: its values.
        feature: of this one alone.
        metric: what is counted among sessions.
        from: the first day that counts.
        tolerated: how many times the control's rate the canary's may be.
        lever: of a gateway, that is pulled for everybody as soon as the canary is worse; `gateway` is that gateway's
            own folder (its ``state``). Releasing it is for people.
        alpha: chance of each of the two mistakes: to hold one that is fine, to let one go that is not.
        worst: severity of its alarm.
    """

    id: Name
    field: Literal["decision", "guards", "model", "prompt", "index", "service"] = "guards"
    canary: Text
    control: Text
    feature: Text = ""
    metric: Hit = "violation"
    begins: Annotated[str, BeforeValidator(source_text), Field(alias="from", pattern=r"^\d{4}-\d\d-\d\d$")]
    tolerated: Annotated[float, NUMBER, Field(ge=1, le=100)] = 1.5
    alpha: Annotated[float, NUMBER, Field(gt=0, lt=0.5)] = 0.05
    lever: Text = ""
    gateway: Text = ""
    worst: Literal["S1", "S2", "S3", "S4"] = "S2"

    @model_validator(mode="after")
    def _lever_is_of_a_gateway(self) -> CanarySpec:
        if bool(self.lever) != bool(self.gateway):
            raise ValueError("'lever' and 'gateway' go together")
        return self

    @property
    def digest(self) -> str:
        """What its state depends on: with another one it begins anew."""
        said = [self.field, self.canary, self.control, self.feature, self.metric, self.begins]
        return digest([*said, repr(self.tolerated), repr(self.alpha)]).removeprefix("sha256:")[:12]


class AlarmsSpec(Entity):
    """Alarms on what the store holds.

    Attributes:
        name: of this watch, in the control state; two stores on one control state need two names.
        system: id of the system that alarms are about; that of the workspace if left out.
        streams: that are watched.
        page: whether anything of severity S1 raises an alarm at once.
        grace_minutes: after midnight (UTC) before a day is looked at. What comes later is counted with the next look.
        level: of e-BH over all streams of a look; the expected share of false ones among those it names.
        silence: whether a stream that had at least `silence_sessions` a day in its baseline, and has none, is an alarm.
        evidence, campaigns, canaries: see these.
    """

    name: Name = "telemetry"
    system: Text = ""
    streams: Annotated[tuple[StreamSpec, ...], Field(max_length=1_000)] = ()
    page: bool = True
    grace_minutes: Annotated[float, NUMBER, Field(ge=0, le=1_440)] = 60.0
    level: Share = 0.05
    silence: bool = True
    silence_sessions: Count = 20
    evidence: EvidenceSpec = EvidenceSpec()
    campaigns: CampaignSpec = CampaignSpec()
    canaries: Annotated[tuple[CanarySpec, ...], Field(max_length=100)] = ()
