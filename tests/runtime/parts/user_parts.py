"""What a user might write and register."""

from __future__ import annotations

import os
import time

import numpy as np
from automl_runtime.engine.strategies.base import History
from sklearn.base import BaseEstimator, ClassifierMixin


class Centroids:
    settings = ({}, {"power": 1.0})

    def __init__(self, power=2.0):
        self.power = power

    def fit(self, X, y):
        self.labels = np.unique(y)
        self.centers = np.array([X[y == label].mean(axis=0) for label in self.labels])
        return self

    def predict_proba(self, X):
        away = (np.abs(X[:, None] - self.centers) ** self.power).mean(axis=2)
        near = np.exp(-away)
        return near / near.sum(axis=1, keepdims=True)

    def predict(self, X):
        return self.labels[self.predict_proba(X).argmax(axis=1)]


class Labels(Centroids):
    settings = ({},)
    predict_proba = None

    def predict(self, X):
        return self.labels[Centroids.predict_proba(self, X).argmax(axis=1)]


class Means:
    tasks = ("regression",)

    def fit(self, X, y, sample_weight=None):
        self.weights = np.linalg.lstsq(np.c_[X, np.ones(len(X))], y, rcond=None)[0]
        return self

    def predict(self, X):
        return np.c_[X, np.ones(len(X))] @ self.weights


class Hidden:
    def fit(self, X, y):
        from sklearn.tree import DecisionTreeClassifier

        self.tree = DecisionTreeClassifier(max_depth=2).fit(X, y)
        return self

    def predict_proba(self, X):
        return self.tree.predict_proba(X)

    def predict(self, X):
        return self.tree.predict(X)


class Trusting(Hidden):
    trusted_types = ("sklearn.tree._tree.Tree",)


class Squares:
    def fit(self, X, y):
        self.center = np.nanmean(X, axis=0)
        return self

    def transform(self, X):
        return np.hstack([X, (X - self.center) ** 2])


class OfDates(Squares):
    input_kinds = ("date",)


class ToWords(Squares):
    output = "words"


class NoFit:
    def predict(self, X):
        return X[:, 0]


class Needs(ClassifierMixin, BaseEstimator):
    def __init__(self, depth):
        self.depth = depth

    def fit(self, X, y):
        return self

    def predict(self, X):
        return X[:, 0]


class Fails(Centroids):
    settings = ({},)

    def fit(self, X, y):
        raise AssertionError("not with me")


class Deadly(Centroids):
    settings = ({},)

    def fit(self, X, y):
        os._exit(1)


class Endless(Centroids):
    settings = ({},)

    def fit(self, X, y):
        time.sleep(3600)


class FailsLater(Centroids):
    settings = ({},)

    def predict_proba(self, X):
        raise OSError("not any more")


def misses(truth, predicted):
    return float((truth != predicted).sum())


def shape(model, frame, target):
    return {"rows": len(frame)}


def for_values(model, frame, target):
    return {}


for_values.tasks = ("regression",)


class Deepest(History):
    def ask(self):
        depths = [each.params["tree.max_depth"] for each in self.observations[1:]]
        deeper = {"tree.max_depth": max(depths, default=1) + 1, "tree.min_samples_leaf": 4}
        return self.propose([{"learner": "tree"} | deeper])


class Impatient(History):
    def ask(self):
        rng = np.random.default_rng([self.seed, len(self.seen)])
        return self.propose([self.space.decode(rng.random(len(self.space))) for _ in range(20)])

    def report(self, params, step, loss):
        return False


class Fixed(History):
    def __init__(self, space, seed, objectives, steps):
        super().__init__(space, seed)
        self.told = {"x": float(objectives * steps)}

    def ask(self):
        return self.told


class Absent(History):
    def ask(self):
        return {"z": 1.0}


class Stuck(History):
    def ask(self):
        raise KeyError("lost")


class Silent:
    def __init__(self, space, seed):
        pass

    def ask(self):
        return None
