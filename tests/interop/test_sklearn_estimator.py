"""NetworkClassifier among scikit-learn's: its own checks, labels of text, folds in processes."""

import pickle

import numpy as np
import pytest

pytest.importorskip("torch")  # for the whole extra: scikit-learn alone comes with the tests

from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from sklearn_estimator import NetworkClassifier


@pytest.fixture
def digits():
    """Images of 0 to 4, with their names."""
    X, y = load_digits(n_class=5, return_X_y=True)
    return X[:400], np.array(["zero", "one", "two", "three", "four"])[y[:400]]


def test_it_passes_scikit_learns_own_checks():
    results = check_estimator(NetworkClassifier(), on_skip=None)
    states = [result["status"] for result in results]
    assert len(states) > 40 and set(states) <= {"passed", "skipped"} and "passed" in states


def test_labels_may_be_texts(digits):
    X, y = digits
    classifier = NetworkClassifier(epochs=5, random_state=0).fit(X / 16, y)
    assert list(classifier.classes_) == sorted(set(y))
    proba = classifier.predict_proba(X[:9] / 16)
    assert proba.shape == (9, 5) and np.allclose(proba.sum(axis=1), 1)
    assert np.array_equal(classifier.predict(X[:9] / 16), classifier.classes_[proba.argmax(axis=1)])
    assert classifier.score(X / 16, y) > 0.9
    again = pickle.loads(pickle.dumps(classifier))
    assert np.array_equal(again.predict_proba(X[:9] / 16), proba)


def test_folds_in_two_processes_in_a_pipeline_and_a_grid(digits):
    pipeline = make_pipeline(StandardScaler(), NetworkClassifier(epochs=4, random_state=0))
    alone, shared = (cross_val_score(pipeline, *digits, cv=3, n_jobs=n) for n in (1, 2))
    assert np.array_equal(alone, shared) and alone.min() > 0.85
    search = GridSearchCV(pipeline, {"networkclassifier__hidden": [(), (30, 20)]}, cv=2)
    assert search.fit(*digits).score(*digits) > 0.85
