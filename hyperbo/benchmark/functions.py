"""Known functions on the unit cube, maximised: the usual yardsticks for a from-scratch method.

The literature minimises these; here each is negated, so that larger is better as everywhere else.
"""

import numpy as np
from jaxtyping import Float

from hyperbo.benchmark.problems import FunctionProblem
from hyperbo.errors import StudyError


def branin() -> FunctionProblem:
    """Branin in two dimensions, with three equal maxima.

    The cube stands for x1 in [-5, 10], x2 in [0, 15]. At each maximum the squared term is zero and
    the cosine is -1, so the optimum is exactly -10 / (8 pi).

    References:
        Dixon and Szego (1978), Towards Global Optimisation 2.
    """
    optimisers = np.array([[-np.pi, 12.275], [np.pi, 2.275], [3.0 * np.pi, 2.475]])
    return FunctionProblem(
        name="branin",
        dimension=2,
        function=_branin,
        optimum=-10.0 / (8.0 * np.pi),
        optimisers=(optimisers - _BRANIN_LOW) / _BRANIN_WIDTH,
    )


def hartmann4() -> FunctionProblem:
    """Hartmann in four dimensions, as rescaled by Picheny et al. (1.1 - sum) / 0.839.

    This is the form other tuners' benchmarks call Hartmann-4. It is the six-dimensional function
    with the sum cut off after the fourth coordinate; the optimum that is often quoted, 3.135474,
    is not reached at the point quoted with it. The one here is found to machine precision.

    References:
        Picheny, Wagner and Ginsbourger (2013), Structural and Multidisciplinary Optimization 48.
        Its optimum: DIRECTGOLib, Hartman4 (3.13449414122240).
    """
    return FunctionProblem(
        name="hartmann4",
        dimension=4,
        function=_hartmann4,
        optimum=3.1344941412224,
        optimisers=np.array([[0.18739527, 0.19415153, 0.55791778, 0.26477962]]),
    )


def hartmann6() -> FunctionProblem:
    """Hartmann in six dimensions, with six local maxima.

    References:
        Dixon and Szego (1978), Towards Global Optimisation 2; the optimum to all digits from
        DiceKriging 1.6.0 as quoted by the STK toolbox (3.322368011415512).
    """
    return FunctionProblem(
        name="hartmann6",
        dimension=6,
        function=_hartmann6,
        optimum=3.3223680114155147,
        optimisers=np.array(
            [[0.20168952, 0.15001069, 0.47687398, 0.27533243, 0.31165162, 0.65730054]]
        ),
    )


def ackley(dimension: int) -> FunctionProblem:
    """Ackley's function: a narrow peak amid regular ripples, optimum 0.

    A cube as wide as the usual [-32.768, 32.768], placed so that the peak is at 0.3 in every unit
    coordinate: at the centre, a method that starts there would have found it before it began.

    References:
        Ackley (1987), A Connectionist Machine for Genetic Hillclimbing.

    Raises:
        StudyError: If `dimension` is below 1.
    """
    if dimension < 1:
        raise StudyError(f"Ackley's function needs at least one dimension, got {dimension}.")
    return FunctionProblem(
        name=f"ackley{dimension}",
        dimension=dimension,
        function=_ackley,
        optimum=0.0,
        optimisers=np.full((1, dimension), _ACKLEY_PEAK),
    )


_BRANIN_LOW = np.array([-5.0, 0.0])
_BRANIN_WIDTH = np.array([15.0, 15.0])
_ACKLEY_PEAK = 0.3
_HARTMANN_WEIGHTS = np.array([1.0, 1.2, 3.0, 3.2])
_HARTMANN_SCALES = np.array(
    [
        [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
        [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
        [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
        [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
    ]
)
_HARTMANN_CENTRES = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def _branin(inputs: Float[np.ndarray, "N 2"]) -> Float[np.ndarray, " N"]:
    first, second = (_BRANIN_LOW + _BRANIN_WIDTH * inputs).T
    valley = second - 5.1 / (4.0 * np.pi**2) * first**2 + 5.0 / np.pi * first - 6.0
    return -(valley**2 + 10.0 * (1.0 - 1.0 / (8.0 * np.pi)) * np.cos(first) + 10.0)


def _hartmann4(inputs: Float[np.ndarray, "N 4"]) -> Float[np.ndarray, " N"]:
    return (_hartmann_sum(inputs) - 1.1) / 0.839


def _hartmann6(inputs: Float[np.ndarray, "N 6"]) -> Float[np.ndarray, " N"]:
    return _hartmann_sum(inputs)


def _hartmann_sum(inputs: Float[np.ndarray, "N D"]) -> Float[np.ndarray, " N"]:
    dimension = inputs.shape[1]
    offsets = inputs[:, None, :] - _HARTMANN_CENTRES[None, :, :dimension]
    distances = np.sum(_HARTMANN_SCALES[None, :, :dimension] * offsets**2, axis=2)
    return np.exp(-distances) @ _HARTMANN_WEIGHTS


def _ackley(inputs: Float[np.ndarray, "N D"]) -> Float[np.ndarray, " N"]:
    # Subtracting first makes the peak, and so the known optimum, exact.
    centred = 65.536 * (inputs - _ACKLEY_PEAK)
    bowl = 20.0 * np.exp(-0.2 * np.sqrt(np.mean(centred**2, axis=1)))
    ripples = np.exp(np.mean(np.cos(2.0 * np.pi * centred), axis=1))
    return bowl + ripples - 20.0 - np.e
