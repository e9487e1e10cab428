"""Learning rate and weight scale of each cell of the demo.

How they were found: for every pulse width and algorithm the grid of `LEARNING_RATES` x
`WEIGHT_SCALES` (20 tries; 5 for float, which has no weight scale) was trained with `COMMON` on
the digits, on seeds 1000 and 1001; the highest mean accuracy on the validation split at the end
was taken, of equal ones that with fewer pulses. The validation split has 240 images: neighbours
in the grid often differ by less than its statistical error of one to three points. The test
split took no part.
"""

from __future__ import annotations

#: What all runs of the demo share.
COMMON = {"task": "digits", "hidden": (64,), "batch": 4, "epochs": 8, "lr_end": 0.1}
#: `bl_min` of the two pulsed algorithms; not searched.
SHORTEST_TRAIN = 31

LEARNING_RATES = {
    "plain_sgd": (0.05, 0.1, 0.2, 0.5, 1.0),
    "symmetry_point_shift": (0.05, 0.1, 0.2, 0.5, 1.0),
    "mixed_precision": (0.2, 0.5, 1.0, 2.0, 4.0),
    "float": (0.2, 0.5, 1.0, 2.0, 4.0),
}
WEIGHT_SCALES = (1.0, 2.0, 4.0, 8.0)

#: Algorithm -> pulse width -> (learning rate, weight scale). Behind each: validation accuracy.
RATES = {
    "plain_sgd": {
        "20ns": (0.5, 4.0),  # .904
        "200ns": (0.5, 4.0),  # .908
        "2us": (0.5, 2.0),  # .850
        "20us": (0.2, 2.0),  # .771
        "200us": (0.2, 4.0),  # .629
    },
    "symmetry_point_shift": {
        "20ns": (1.0, 4.0),  # .935
        "200ns": (0.5, 2.0),  # .925
        "2us": (1.0, 4.0),  # .908
        "20us": (0.5, 4.0),  # .875
        "200us": (0.2, 4.0),  # .879
    },
    "mixed_precision": {
        "20ns": (2.0, 4.0),  # .975
        "200ns": (2.0, 4.0),  # .969
        "2us": (2.0, 4.0),  # .969
        "20us": (4.0, 4.0),  # .975
        "200us": (4.0, 4.0),  # .969
    },
    "float": dict.fromkeys(("20ns", "200ns", "2us", "20us", "200us"), (1.0, 1.0)),  # .967
}
