"""Intervals, tests and sample sizes for rates and means measured on clustered attempts: pure functions of arrays.

A *cluster* is what is independent: a sample with all its attacks and attempts. Every function takes one entry a
cluster. Nothing here reads a file, keeps a state or draws an unseeded random number. Names are imported when first
used: scipy costs a third of a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shipworthy.stats.agreement import Kappa, kappa
    from shipworthy.stats.audit import AuditedRate, audited_rate
    from shipworthy.stats.canary import Canary, CanaryState
    from shipworthy.stats.confidence import (
        CalibrationError,
        RiskCoverage,
        brier_score,
        calibration_error,
        risk_coverage,
    )
    from shipworthy.stats.criterion import ThresholdTest, threshold_test
    from shipworthy.stats.detector import DayCount, EDetector, NormalRate, e_bh, normal_rate
    from shipworthy.stats.event_rate import EventRate, RateRatio, poisson_rate, rate_ratio, weighted_event_rate
    from shipworthy.stats.interval import RateInterval, rate_interval
    from shipworthy.stats.intervention import Effect, difference_in_differences, interrupted_series
    from shipworthy.stats.judge_error import JudgeAccuracy, JudgedRate, judged_noninferiority_test, judged_rate
    from shipworthy.stats.log_mean import GeometricMean, geometric_mean
    from shipworthy.stats.mean import MeanInterval, MeanTest, mean_interval, mean_test
    from shipworthy.stats.mean_change import mean_difference, mean_noninferiority_test
    from shipworthy.stats.mean_power import achieved_power_for_mean, required_clusters_for_mean
    from shipworthy.stats.median import MedianInterval, median_interval
    from shipworthy.stats.multiplicity import gatekeeping, holm
    from shipworthy.stats.paired import (
        NoninferiorityTest,
        PairedDifference,
        noninferiority_test,
        paired_difference,
    )
    from shipworthy.stats.power import achieved_power, required_clusters
    from shipworthy.stats.preferences import BradleyTerry, PairChoice, bradley_terry
    from shipworthy.stats.raters import RaterAgreement, rater_agreement
    from shipworthy.stats.replicates import RunShift, run_shift
    from shipworthy.stats.scorer_error import Flip, change_flip, rate_flip
    from shipworthy.stats.stratified import AuditedStratum, StratifiedRate, stratified_audited_rate
    from shipworthy.stats.survival import SurvivalCurve, TimeQuantile, survival_curve, time_quantile
    from shipworthy.stats.unpaired import UnpairedDifference, unpaired_difference

_HOMES = {
    "Effect": "intervention",
    "difference_in_differences": "intervention",
    "interrupted_series": "intervention",
    "Kappa": "agreement",
    "kappa": "agreement",
    "AuditedRate": "audit",
    "audited_rate": "audit",
    "CalibrationError": "confidence",
    "RiskCoverage": "confidence",
    "brier_score": "confidence",
    "calibration_error": "confidence",
    "risk_coverage": "confidence",
    "Canary": "canary",
    "CanaryState": "canary",
    "ThresholdTest": "criterion",
    "threshold_test": "criterion",
    "DayCount": "detector",
    "EDetector": "detector",
    "NormalRate": "detector",
    "normal_rate": "detector",
    "e_bh": "detector",
    "EventRate": "event_rate",
    "RateRatio": "event_rate",
    "poisson_rate": "event_rate",
    "rate_ratio": "event_rate",
    "weighted_event_rate": "event_rate",
    "RateInterval": "interval",
    "rate_interval": "interval",
    "JudgeAccuracy": "judge_error",
    "JudgedRate": "judge_error",
    "judged_noninferiority_test": "judge_error",
    "judged_rate": "judge_error",
    "GeometricMean": "log_mean",
    "geometric_mean": "log_mean",
    "MeanInterval": "mean",
    "MeanTest": "mean",
    "mean_interval": "mean",
    "mean_test": "mean",
    "mean_difference": "mean_change",
    "mean_noninferiority_test": "mean_change",
    "achieved_power_for_mean": "mean_power",
    "required_clusters_for_mean": "mean_power",
    "MedianInterval": "median",
    "median_interval": "median",
    "gatekeeping": "multiplicity",
    "holm": "multiplicity",
    "NoninferiorityTest": "paired",
    "PairedDifference": "paired",
    "noninferiority_test": "paired",
    "paired_difference": "paired",
    "achieved_power": "power",
    "required_clusters": "power",
    "BradleyTerry": "preferences",
    "PairChoice": "preferences",
    "bradley_terry": "preferences",
    "RaterAgreement": "raters",
    "rater_agreement": "raters",
    "RunShift": "replicates",
    "run_shift": "replicates",
    "Flip": "scorer_error",
    "change_flip": "scorer_error",
    "rate_flip": "scorer_error",
    "AuditedStratum": "stratified",
    "StratifiedRate": "stratified",
    "stratified_audited_rate": "stratified",
    "SurvivalCurve": "survival",
    "TimeQuantile": "survival",
    "survival_curve": "survival",
    "time_quantile": "survival",
    "UnpairedDifference": "unpaired",
    "unpaired_difference": "unpaired",
}

__all__ = [
    "AuditedRate",
    "AuditedStratum",
    "BradleyTerry",
    "CalibrationError",
    "Canary",
    "CanaryState",
    "DayCount",
    "EDetector",
    "Effect",
    "EventRate",
    "Flip",
    "GeometricMean",
    "JudgeAccuracy",
    "JudgedRate",
    "Kappa",
    "MeanInterval",
    "MeanTest",
    "MedianInterval",
    "NoninferiorityTest",
    "NormalRate",
    "PairChoice",
    "PairedDifference",
    "RateInterval",
    "RateRatio",
    "RaterAgreement",
    "RiskCoverage",
    "RunShift",
    "StratifiedRate",
    "SurvivalCurve",
    "ThresholdTest",
    "TimeQuantile",
    "UnpairedDifference",
    "achieved_power",
    "achieved_power_for_mean",
    "audited_rate",
    "bradley_terry",
    "brier_score",
    "calibration_error",
    "change_flip",
    "difference_in_differences",
    "e_bh",
    "gatekeeping",
    "geometric_mean",
    "holm",
    "interrupted_series",
    "judged_noninferiority_test",
    "judged_rate",
    "kappa",
    "mean_difference",
    "mean_interval",
    "mean_noninferiority_test",
    "mean_test",
    "median_interval",
    "noninferiority_test",
    "normal_rate",
    "paired_difference",
    "poisson_rate",
    "rate_flip",
    "rate_interval",
    "rate_ratio",
    "rater_agreement",
    "required_clusters",
    "required_clusters_for_mean",
    "risk_coverage",
    "run_shift",
    "stratified_audited_rate",
    "survival_curve",
    "threshold_test",
    "time_quantile",
    "unpaired_difference",
    "weighted_event_rate",
]


def __getattr__(name: str) -> object:
    from importlib import import_module

    if home := _HOMES.get(name):
        return getattr(import_module(f"shipworthy.stats.{home}"), name)
    raise AttributeError(f"module 'shipworthy.stats' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
