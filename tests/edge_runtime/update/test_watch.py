"""A trial is judged by the results of the model before it."""

from edge_runtime.trust import Trial
from edge_runtime.update import TrialWatch, Verdict
from edge_runtime.update.watch import KEPT_RESULTS, Baseline


def test_a_trial_compares_with_the_model_before() -> None:
    def judge(trial: Trial, unknown: list[bool], seconds: float = 0.0) -> Verdict:
        watch = TrialWatch(trial, seconds)
        found = Verdict.OPEN
        for each in unknown:
            found = watch.add(unknown=each, changes=())
            if found is not Verdict.OPEN:
                return found
        return found

    some = [number % 4 == 0 for number in range(100)]
    assert judge(Trial(sha256="", unknown=25, results=100), some) is Verdict.PASSED
    assert judge(Trial(sha256="", unknown=0, results=500), some) is Verdict.FAILED
    # Without results of the model before, half of them may be unknown.
    assert judge(Trial(sha256=""), some) is Verdict.PASSED
    assert judge(Trial(sha256=""), [True] * 60) is Verdict.FAILED
    assert judge(Trial(sha256="", unknown=25, results=100), some, seconds=60) is Verdict.OPEN
    drifted = TrialWatch(Trial(sha256="", changes=("darker",)), 60)
    assert drifted.add(unknown=False, changes=("darker",)) is Verdict.OPEN
    assert drifted.add(unknown=False, changes=("darker", "blurred")) is Verdict.FAILED
    assert "blurred" in drifted.reason


def test_the_baseline_is_of_the_last_results() -> None:
    baseline = Baseline()
    for number in range(3 * KEPT_RESULTS):
        baseline.add(unknown=number < 2 * KEPT_RESULTS + 10)
    assert baseline.seen == (10, KEPT_RESULTS)
