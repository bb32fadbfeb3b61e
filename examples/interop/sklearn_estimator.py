"""A network as a classifier of scikit-learn: fit, predict, predict_proba, score."""

from itertools import pairwise

import numpy as np
from agreement import digits
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

import nnlite as nn


class NetworkClassifier(ClassifierMixin, BaseEstimator):
    """Dense layers of `hidden` neurons each, ReLU between them, trained by Adam."""

    def __init__(self, hidden=(100,), lr=1e-3, l2=0.0, epochs=50, batch_size=20, random_state=None):
        self.hidden, self.lr, self.l2 = hidden, lr, l2
        self.epochs, self.batch_size, self.random_state = epochs, batch_size, random_state

    def fit(self, X, y):
        check_classification_targets(y)
        X, y = validate_data(self, X, y, dtype=np.float64)
        self.classes_, labels = np.unique(y, return_inverse=True)
        rng = np.random.default_rng(self.random_state)
        sizes = pairwise([X.shape[1], *self.hidden, len(self.classes_)])
        layers = [layer for size in sizes for layer in (nn.Dense(*size, rng=rng), nn.ReLU())]
        self.network_ = nn.Sequential(layers[:-1]).astype(np.float64)
        adam = nn.Adam(self.network_.params, self.lr, l2=self.l2)
        for _ in range(self.epochs):
            for x, targets in nn.minibatches(X, labels, self.batch_size, rng):
                _, doutputs = nn.softmax_cross_entropy(self.network_.forward(x), targets)
                self.network_.backward(doutputs, input_gradient=False)
                adam.step()
        return self

    def predict_proba(self, X):
        check_is_fitted(self)
        outputs = self.network_.predict(validate_data(self, X, dtype=np.float64, reset=False))
        return softmax(outputs, axis=1)

    def predict(self, X):
        proba = self.predict_proba(X)
        return self.classes_[proba.argmax(axis=1)]


if __name__ == "__main__":
    X, y = load_digits(return_X_y=True)
    names = np.array("zero one two three four five six seven eight nine".split())[y]
    pipeline = make_pipeline(StandardScaler(), NetworkClassifier(epochs=10, random_state=0))
    alone, shared = (cross_val_score(pipeline, X, names, n_jobs=n) for n in (1, 2))
    print(f"{shared.mean():.1%} right, in two processes as in one: {digits(shared, alone)}")
    search = GridSearchCV(pipeline, {"networkclassifier__hidden": [(20,), (50, 50)]}, cv=3)
    print("best:", search.fit(X, names).best_params_)
