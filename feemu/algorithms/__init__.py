"""Training algorithms: one file each, all behind `Algorithm.build` and `ArrayLayer`."""

from feemu.algorithms.agad import AGAD
from feemu.algorithms.base import Algorithm, ArrayLayer, LayerSpec
from feemu.algorithms.chopped_tiki_taka import ChoppedTikiTaka
from feemu.algorithms.digital import Float
from feemu.algorithms.dynamic_tracking import DynamicTracking
from feemu.algorithms.manhattan import Manhattan
from feemu.algorithms.mixed_precision import MixedPrecision
from feemu.algorithms.multi_tile import MultiTile
from feemu.algorithms.output_scale import ScaledLayer
from feemu.algorithms.plain_sgd import PlainSGD
from feemu.algorithms.residual_learning import ResidualLearning
from feemu.algorithms.stochastic_rounding import StochasticRounding
from feemu.algorithms.symmetry_point_shift import SymmetryPointShift
from feemu.algorithms.tiki_taka_v1 import TikiTakaV1
from feemu.algorithms.tiki_taka_v2 import TikiTakaV2
from feemu.algorithms.write_verify import WriteVerify
from feemu.params import unknown

ALGORITHMS: dict[str, type[Algorithm]] = {
    "agad": AGAD,
    "chopped_tiki_taka": ChoppedTikiTaka,
    "dynamic_tracking": DynamicTracking,
    "float": Float,
    "manhattan": Manhattan,
    "mixed_precision": MixedPrecision,
    "multi_tile": MultiTile,
    "plain_sgd": PlainSGD,
    "residual_learning": ResidualLearning,
    "stochastic_rounding": StochasticRounding,
    "symmetry_point_shift": SymmetryPointShift,
    "tiki_taka_v1": TikiTakaV1,
    "tiki_taka_v2": TikiTakaV2,
    "write_verify": WriteVerify,
}


def algorithm(name: str, **options) -> Algorithm:
    """Return an algorithm by name.

    Raises
    ------
    ValueError
        For an unknown name or option; the nearest ones are given.
    """
    if not isinstance(name, str) or name not in ALGORITHMS:
        raise ValueError(unknown("algorithm", name, ALGORITHMS))
    return ALGORITHMS[name]().replace(**options)


__all__ = [
    "AGAD",
    "ALGORITHMS",
    "Algorithm",
    "ArrayLayer",
    "ChoppedTikiTaka",
    "DynamicTracking",
    "Float",
    "LayerSpec",
    "Manhattan",
    "MixedPrecision",
    "MultiTile",
    "PlainSGD",
    "ResidualLearning",
    "ScaledLayer",
    "StochasticRounding",
    "SymmetryPointShift",
    "TikiTakaV1",
    "TikiTakaV2",
    "WriteVerify",
    "algorithm",
]
