"""The demo's candidates: classifiers of many families and sizes, from careful to careless.

Built by a function so that scikit-learn is imported only when the demo is really made.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Candidate:
    """A classifier to train. `family` is how the model list groups it, `note` says what it is."""

    name: str
    family: str
    note: str
    estimator: Any


def candidates(seed: int) -> list[Candidate]:
    """36 classifiers for 8 x 8 images, all deterministic for a seed, all with one thread."""
    return [
        *_linear(seed),
        *_kernels_and_neighbours(seed),
        *_trees(seed),
        *_probabilistic(seed),
        *_networks(seed),
    ]


def _linear(seed: int) -> list[Candidate]:
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.linear_model import LogisticRegression, Perceptron, RidgeClassifier, SGDClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import Binarizer, StandardScaler
    from sklearn.svm import LinearSVC

    def logistic(c: float) -> Any:
        return make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=300))

    logistic_pca = make_pipeline(
        StandardScaler(), PCA(8, random_state=seed), LogisticRegression(max_iter=300)
    )
    logistic_binary = make_pipeline(Binarizer(threshold=8.0), LogisticRegression(max_iter=300))
    sgd = make_pipeline(StandardScaler(), SGDClassifier(random_state=seed))
    perceptron = make_pipeline(StandardScaler(), Perceptron(random_state=seed))
    svc = make_pipeline(StandardScaler(), LinearSVC(C=0.05, random_state=seed))
    return [
        Candidate("logistic-c1", "linear", "Logistic regression, C = 1", logistic(1.0)),
        Candidate("logistic-c0.01", "linear", "Logistic regression, C = 0.01", logistic(0.01)),
        Candidate("logistic-c0.0001", "linear", "Logistic regression, C = 0.0001", logistic(1e-4)),
        Candidate("logistic-pca8", "linear", "Logistic regression on 8 components", logistic_pca),
        Candidate(
            "logistic-binary", "linear", "Logistic regression on black and white", logistic_binary
        ),
        Candidate("ridge", "linear", "Ridge regression on the classes", RidgeClassifier()),
        Candidate("sgd-hinge", "linear", "Linear hinge loss by stochastic gradient", sgd),
        Candidate("perceptron", "linear", "Perceptron", perceptron),
        Candidate("linear-svm", "linear", "Linear support vector machine", svc),
        Candidate("lda", "linear", "Linear discriminant analysis", LinearDiscriminantAnalysis()),
    ]


def _kernels_and_neighbours(seed: int) -> list[Candidate]:
    from sklearn.decomposition import PCA
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import RidgeClassifier
    from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import SVC

    nystroem = make_pipeline(
        Nystroem(gamma=0.001, n_components=80, random_state=seed), RidgeClassifier()
    )
    knn_pca = make_pipeline(PCA(6, random_state=seed), KNeighborsClassifier(3))
    far = KNeighborsClassifier(75)
    return [
        Candidate("svm-rbf", "kernel", "Support vectors, Gaussian kernel", SVC(gamma=0.001, C=10)),
        Candidate("svm-rbf-wide", "kernel", "The same, kernel too wide", SVC(gamma=0.00001)),
        Candidate("svm-rbf-narrow", "kernel", "The same, kernel too narrow", SVC(gamma=0.008)),
        Candidate("svm-poly3", "kernel", "Support vectors, cubic kernel", SVC(kernel="poly")),
        Candidate("nystroem-80", "kernel", "Ridge on 80 kernel features", nystroem),
        Candidate("knn-1", "neighbours", "Nearest neighbour", KNeighborsClassifier(1)),
        Candidate("knn-5", "neighbours", "5 nearest neighbours", KNeighborsClassifier(5)),
        Candidate("knn-75", "neighbours", "75 nearest neighbours", far),
        Candidate("knn-3-pca6", "neighbours", "3 neighbours on 6 components", knn_pca),
        Candidate("centroid", "neighbours", "Nearest class mean", NearestCentroid()),
    ]


def _trees(seed: int) -> list[Candidate]:
    from sklearn.ensemble import (
        AdaBoostClassifier,
        BaggingClassifier,
        ExtraTreesClassifier,
        HistGradientBoostingClassifier,
        RandomForestClassifier,
    )
    from sklearn.tree import DecisionTreeClassifier

    forest, extra = RandomForestClassifier, ExtraTreesClassifier
    shallow = DecisionTreeClassifier(max_depth=6, random_state=seed)
    full = DecisionTreeClassifier(random_state=seed)
    stumps = AdaBoostClassifier(
        DecisionTreeClassifier(max_depth=3), n_estimators=40, random_state=seed
    )
    boosting = HistGradientBoostingClassifier(max_iter=25, max_leaf_nodes=8, random_state=seed)
    bagging = BaggingClassifier(n_estimators=20, random_state=seed)
    return [
        Candidate("tree-6", "trees", "Decision tree, 6 levels", shallow),
        Candidate("tree", "trees", "Decision tree, grown out", full),
        Candidate("forest-10", "trees", "Random forest, 10 trees", forest(10, random_state=seed)),
        Candidate(
            "forest-100", "trees", "Random forest, 100 trees", forest(100, random_state=seed)
        ),
        Candidate(
            "extra-100", "trees", "Extremely random trees, 100", extra(100, random_state=seed)
        ),
        Candidate("bagging-20", "trees", "20 bagged trees", bagging),
        Candidate("adaboost-40", "trees", "40 boosted trees of 3 levels", stumps),
        Candidate("gradient-boosting", "trees", "Histogram gradient boosting", boosting),
    ]


def _probabilistic(seed: int) -> list[Candidate]:
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
    from sklearn.dummy import DummyClassifier
    from sklearn.naive_bayes import BernoulliNB, GaussianNB, MultinomialNB
    from sklearn.pipeline import make_pipeline

    qda = make_pipeline(PCA(20, random_state=seed), QuadraticDiscriminantAnalysis(reg_param=0.1))
    majority = DummyClassifier(strategy="most_frequent")
    return [
        Candidate("naive-bayes-gauss", "probabilistic", "Naive Bayes, Gaussian", GaussianNB()),
        Candidate("naive-bayes-counts", "probabilistic", "Naive Bayes, counts", MultinomialNB()),
        Candidate(
            "naive-bayes-binary", "probabilistic", "Naive Bayes, binary", BernoulliNB(binarize=8.0)
        ),
        Candidate("qda-pca20", "probabilistic", "Quadratic discriminant, 20 components", qda),
        Candidate("majority", "probabilistic", "Always the most frequent class", majority),
    ]


def _networks(seed: int) -> list[Candidate]:
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler

    def network(*hidden: int, rounds: int = 60) -> Any:
        # Stopping before the loss has settled is the point of the smaller ones: no warning about it.
        layers = MLPClassifier(hidden, max_iter=rounds, tol=0.0, random_state=seed)
        return make_pipeline(MinMaxScaler(), layers)

    return [
        Candidate("mlp-8", "network", "One hidden layer of 8", network(8)),
        Candidate("mlp-64", "network", "One hidden layer of 64", network(64)),
        Candidate("mlp-64-64", "network", "Two hidden layers of 64", network(64, 64)),
    ]
