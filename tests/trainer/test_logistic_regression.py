import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_info

from trainer.logistic_regression import fit_logistic_regression


def test_it_is_fitted_by_one_thread_and_the_others_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    fit = LogisticRegression.fit

    def watched(*arguments: object, **options: object) -> object:
        seen.append(blas_threads())
        return fit(*arguments, **options)

    monkeypatch.setattr(LogisticRegression, "fit", watched)
    before = blas_threads()
    targets = np.array([0, 0, 0, 1])
    features = targets[:, None].astype(np.float32)
    fitted = fit_logistic_regression(features, targets, inverse_penalty=1, iterations=50, balanced=True)
    assert set(seen[0]) == {1}
    assert blas_threads() == before
    assert fitted.decision_function([[0.5]]) == pytest.approx(0, abs=1e-3), "both classes weigh the same"


def blas_threads() -> list[int]:
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
