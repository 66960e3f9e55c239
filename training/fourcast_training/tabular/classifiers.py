"""The six models that scikit-learn has, with its own settings, or XGBoost's for boosting.

Nothing here was tuned; the forest has half of the usual trees, for time. Gradient boosting is
scikit-learn's, in place of XGBoost, whose package has 130 MB: the same Newton steps on trees with
an L2 penalty of the leaves.
"""

from collections.abc import Sequence
from typing import Any

from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC

from fourcast_training.tabular.data import Floats
from fourcast_training.tabular.folds import Task

CLASSIFIERS: dict[str, Any] = {
    "svm": SVC(),
    "logistic": LogisticRegression(),
    "boosting": HistGradientBoostingClassifier(
        learning_rate=0.3,
        max_iter=100,
        max_depth=6,
        max_leaf_nodes=None,
        l2_regularization=1.0,
        # XGBoost asks for a second derivative of 1 in a leaf; a row has at most a quarter.
        min_samples_leaf=4,
        early_stopping=False,
        random_state=0,
    ),
    "forest": RandomForestClassifier(n_estimators=50, random_state=0),
    "bayes": GaussianNB(),
    "sgd": SGDClassifier(random_state=0),
}
"""By name, to be cloned; any: scikit-learn has no type hints."""


def score_with_classifier(name: str, tasks: Sequence[Task]) -> list[Floats]:
    """What one of `CLASSIFIERS` says of each task's rows: above 0 for class 1, float64 [m]."""
    scores = []
    for task in tasks:
        classifier = clone(CLASSIFIERS[name]).fit(task.inputs, task.labels)
        if hasattr(classifier, "decision_function"):
            scores.append(classifier.decision_function(task.asked))
        else:
            scores.append(classifier.predict_proba(task.asked)[:, 1] - 0.5)
    return scores
