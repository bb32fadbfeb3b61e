"""A network as a classifier of scikit-learn: fit, predict, predict_proba, score."""

import itertools

import numpy as np
from agreement import digits
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

import nnlite as nn


class NetworkClassifier(ClassifierMixin, BaseEstimator):
    """Dense layers with ReLU between them, `hidden` neurons in each, trained by Adam."""

    def __init__(self, hidden=(100,), lr=1e-3, l2=0.0, epochs=50, batch_size=20, random_state=None):
        self.hidden, self.lr, self.l2 = hidden, lr, l2
        self.epochs, self.batch_size, self.random_state = epochs, batch_size, random_state

    def fit(self, X, y):
        check_classification_targets(y)
        X, y = validate_data(self, X, y, dtype=np.float64)
        self.classes_, labels = np.unique(y, return_inverse=True)
        rng = np.random.default_rng(check_random_state(self.random_state).randint(2**31 - 1))
        sizes = itertools.pairwise([X.shape[1], *self.hidden, len(self.classes_)])
        layers = [layer for size in sizes for layer in (nn.Dense(*size, rng=rng), nn.ReLU())]
        self.network_ = nn.Sequential(layers[:-1]).astype(np.float64)
        adam = nn.Adam(self.network_.params, lr=self.lr, l2=self.l2)
        for _ in range(self.epochs):
            for x, targets in nn.minibatches(X, labels, self.batch_size, rng):
                _, doutputs = nn.softmax_cross_entropy(self.network_.forward(x), targets)
                self.network_.backward(doutputs, input_gradient=False)
                adam.step()
        return self

    def predict_proba(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return softmax(self.network_.predict(X), axis=1)

    def predict(self, X):
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]


if __name__ == "__main__":
    X, y = load_digits(return_X_y=True)
    names = np.array("zero one two three four five six seven eight nine".split())[y]
    pipeline = make_pipeline(StandardScaler(), NetworkClassifier(epochs=10, random_state=0))
    alone, shared = (cross_val_score(pipeline, X, names, n_jobs=n) for n in (1, 2))
    print(f"folds, {shared.mean():.1%} right, in two processes as in one: {digits(shared, alone)}")
    grid = {"networkclassifier__hidden": [(20,), (50, 50)]}
    print("best:", GridSearchCV(pipeline, grid, cv=3).fit(X, names).best_params_)
