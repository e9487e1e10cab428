"""The published measurements read with a short mapping."""

import numpy as np

from feemu.curves import read_curves


def test_taox_ramps(measured):
    folder = measured / "taox_reram"
    files = [folder / "set.csv", folder / "reset.csv"]
    ds = read_curves(files, unit="A", read_voltage=0.1, continuous=True)
    assert dict(ds.sizes) == {
        "pulse_width": 1,
        "device": 1,
        "cycle": 40,
        "polarity": 2,
        "pulse": 193,
    }
    g = ds["conductance"].isel(pulse_width=0, device=0)
    counts = g.notnull().sum("pulse")
    ups, downs = counts.sel(polarity="up").values, counts.sel(polarity="down").values
    assert ups[:39].min() == 185 and ups.max() == 192 and ups[39] == 0
    assert downs.min() == 149 and downs.max() == 153
    assert g.min() > 1.5e-3 and g.max() < 2.6e-3
    # The first cells of both files, by eye.
    assert g.sel(cycle=1, polarity="up", pulse=1) == 0.000160588 / 0.1
    assert g.sel(cycle=1, polarity="down", pulse=2) == 0.00024481 / 0.1
    # 40 RESET and 39 SET ramps in turn can only begin with RESET.
    assert ds.attrs["first_polarity"] == "down" and not ds["order"].any()
    assert ds["conductance"].attrs["units"] == "S" and g.isel(pulse=0).isnull().all()


def test_the_order_of_the_ramps_is_seen_in_their_ends(measured):
    """RESET k ends where SET k begins: closer than RESET k + 1 does.

    Were the order the other way round or unknown, 30 of 39 would be as likely as p = 6e-4.
    """
    folder = measured / "taox_reram"
    files = [folder / "set.csv", folder / "reset.csv"]
    g = read_curves(files, unit="A", read_voltage=0.1)["conductance"][0, 0]
    down = g.sel(polarity="down").values
    last = np.count_nonzero(~np.isnan(down), axis=1)
    ends = down[np.arange(40), last]
    begins = g.sel(polarity="up", pulse=1).values[:39]
    before, after = np.abs(begins - ends[:39]), np.abs(begins - ends[1:])
    assert (before < after).sum() >= 30


def test_gong(measured):
    file = measured / "reram_gong" / "gong_et_al.csv"
    ds = read_curves(file, columns={"up": 1, "down": 2}, unit="1")
    assert ds.sizes["pulse"] == 1001 and ds["conductance"].attrs["units"] == "1"
    branches = ds["conductance"].isel(pulse_width=0, device=0, cycle=0).values
    table = np.loadtxt(file, delimiter=",")
    np.testing.assert_array_equal(branches[:, 1:], table.T)
    assert ds.attrs["continuous"] == 0


def test_first_steps_of_a_ramp_follow_its_count_not_its_level(measured):
    """The mean of the first ten steps up, over 39 cycles that begin at levels 5 % apart.

    Within a ramp it grows with the level; if the level alone did that, ramps from higher levels
    would begin with larger steps, by the same slope. It lies 20 standard deviations off.
    """
    folder = measured / "taox_reram"
    files = [folder / "set.csv", folder / "reset.csv"]
    g = read_curves(files, unit="A", read_voltage=0.1)["conductance"][0, 0, :39]
    up = g.sel(polarity="up").values / float(g.max() - g.min())
    step, level = (up[:, 11] - up[:, 1]) / 10, up[:, 6]
    centred = level - level.mean()
    slope = centred @ step / (centred @ centred)
    rest = step - step.mean() - slope * centred
    sd = np.sqrt(rest @ rest / (39 - 2) / (centred @ centred))
    later = (up[:, 21] - up[:, 11]) / 10
    within = (later - step).mean() / (up[:, 16] - level).mean()
    assert within > 0.03 and abs(slope) < 4 * sd and slope + 20 * sd < within
