"""Training algorithms: one file each, all behind `Algorithm.build` and `ArrayLayer`."""

from feemu.algorithms.base import Algorithm, ArrayLayer, LayerSpec
from feemu.algorithms.digital import Float
from feemu.algorithms.mixed_precision import MixedPrecision
from feemu.algorithms.plain_sgd import PlainSGD
from feemu.algorithms.symmetry_point_shift import SymmetryPointShift
from feemu.params import unknown

ALGORITHMS: dict[str, type[Algorithm]] = {
    "float": Float,
    "mixed_precision": MixedPrecision,
    "plain_sgd": PlainSGD,
    "symmetry_point_shift": SymmetryPointShift,
}


def algorithm(name: str, **options) -> Algorithm:
    """Return an algorithm by name.

    Raises
    ------
    ValueError
        For an unknown name or option; the nearest ones are given.
    """
    if name not in ALGORITHMS:
        raise ValueError(unknown("algorithm", name, ALGORITHMS))
    return ALGORITHMS[name]().replace(**options)


__all__ = [
    "ALGORITHMS",
    "Algorithm",
    "ArrayLayer",
    "Float",
    "LayerSpec",
    "MixedPrecision",
    "PlainSGD",
    "SymmetryPointShift",
    "algorithm",
]
