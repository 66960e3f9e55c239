"""Tables 3 and 4 of the source, as printed.

R. Gonzales Martinez and D.-M. van Dongen, "Deep learning algorithms for the early detection of
breast cancer: A comparative study with traditional machine learning", Informatics in Medicine
Unlocked 41 (2023), 101317: means over 1000 cross-validation folds.
"""

from dataclasses import dataclass

from fourcast_training.lessons.presentation import Text


@dataclass(frozen=True)
class Published:
    """A model's row of both tables.

    Attributes:
        name: Of our model beside it.
        mean: AUC.
        deviation: The AUC's standard deviation.
        low: The AUC's 2.5th percentile.
        high: The AUC's 97.5th percentile.
        rates: Means of TPR, TNR, FNR, FPR, FDR, FOR.
        deviations: Their standard deviations.
    """

    name: Text
    mean: float
    deviation: float
    low: float
    high: float
    rates: tuple[float, ...]
    deviations: tuple[float, ...]


PUBLISHED: dict[str, Published] = {
    "mlp": Published(
        Text(en="MLP, 3 x 102", es="MLP, 3 x 102"),
        *(0.8699, 0.0345, 0.8190, 0.9138),
        (0.9220, 0.8021, 0.0780, 0.1979, 0.1425, 0.0983),
        (0.0597, 0.1118, 0.0597, 0.1118, 0.0522, 0.0655),
    ),
    "svm": Published(
        Text(en="support vector machine", es="máquina de vectores de soporte"),
        *(0.8344, 0.0711, 0.6768, 0.9527),
        (0.7939, 0.6747, 0.2061, 0.3253, 0.2501, 0.2672),
        (0.1183, 0.1381, 0.1183, 0.1381, 0.1065, 0.1399),
    ),
    "small": Published(
        Text(en="small network", es="red pequeña"),
        *(0.8232, 0.0720, 0.6667, 0.9476),
        (0.7638, 0.7135, 0.2362, 0.2865, 0.2331, 0.2851),
        (0.1148, 0.1324, 0.1148, 0.1324, 0.1051, 0.1284),
    ),
    "logistic": Published(
        Text(en="logistic regression", es="regresión logística"),
        *(0.8078, 0.0741, 0.6569, 0.9334),
        (0.7329, 0.7311, 0.2671, 0.2689, 0.2291, 0.3055),
        (0.1243, 0.1292, 0.1243, 0.1292, 0.108, 0.1319),
    ),
    "boosting": Published(
        Text(en="gradient boosting", es="boosting de gradiente"),
        *(0.7834, 0.0755, 0.6263, 0.9191),
        (0.7537, 0.6723, 0.2463, 0.3277, 0.2604, 0.3061),
        (0.1158, 0.1342, 0.1158, 0.1342, 0.1029, 0.1327),
    ),
    "forest": Published(
        Text(en="random forest", es="bosque aleatorio"),
        *(0.7763, 0.0804, 0.6035, 0.9192),
        (0.6892, 0.7038, 0.3108, 0.2962, 0.2575, 0.3477),
        (0.1267, 0.1365, 0.1267, 0.1365, 0.1144, 0.1263),
    ),
    "bayes": Published(
        Text(en="naive Bayes", es="Bayes ingenuo"),
        *(0.7504, 0.0869, 0.5686, 0.9001),
        (0.5313, 0.8023, 0.4687, 0.1977, 0.2303, 0.4147),
        (0.1296, 0.1131, 0.1296, 0.1131, 0.126, 0.1083),
    ),
    "sgd": Published(
        Text(en="stochastic gradient", es="gradiente estocástico"),
        *(0.6861, 0.0860, 0.5120, 0.8553),
        (0.7126, 0.6518, 0.2874, 0.3482, 0.2792, 0.3412),
        (0.1394, 0.1587, 0.1394, 0.1587, 0.1106, 0.1409),
    ),
}
"""By the names of our models, in the order of the tables."""
