"""The same measurement in the layouts and dialects of many labs reads as the same Dataset."""

import random

import numpy as np
import pytest
from small_trains import CYCLES, N_DOWN, N_UP, grid, rows, tidy, value

from feemu.curves import read_curves

ONE = ("A",)


def same(ds, expected, rtol=1e-15):
    np.testing.assert_allclose(ds["conductance"].values, expected, rtol=rtol)


def columns(polarity, cycles=CYCLES, sep=",", header="cycle{}"):
    """Return one polarity of device A with one column per cycle."""
    n = N_UP if polarity == "up" else N_DOWN
    lines = [sep.join(header.format(c) for c in cycles)]
    for k in range(1, n + 1):
        lines.append(sep.join(str(value("A", c, polarity, k)) for c in cycles))
    return "\n".join(lines) + "\n"


def test_tidy(put):
    ds = read_curves(put(tidy()))
    same(ds, grid())
    assert ds["conductance"].dims == ("pulse_width", "device", "cycle", "polarity", "pulse")
    assert ds["conductance"].attrs["units"] == "S" and ds["conductance"].attrs["long_name"]
    assert ds["device"].values.tolist() == ["A", "B"] and ds["cycle"].values.tolist() == [1, 2]
    assert ds["polarity"].values.tolist() == ["up", "down"]
    assert np.isnan(ds["pulse_width"].values).all() and np.isnan(ds["read_voltage"])
    assert ds.attrs["continuous"] == 1 and ds.attrs["first_polarity"] == "up"
    assert ds["order"].values.tolist() == [True, True]


@pytest.mark.parametrize("sep", [",", ";", "\t", "|", " ", "   "])
def test_delimiters(put, sep):
    same(read_curves(put(tidy(sep))), grid())


@pytest.mark.parametrize("sep", [";", "\t", "|"])
def test_decimal_commas(put, sep):
    same(read_curves(put(tidy(sep).replace(".", ","))), grid())


def test_decimal_commas_in_quotes(put):
    lines = [f'{d},{c},{p},{k},"{str(g).replace(".", ",")}"' for d, c, p, k, g in rows()]
    text = "device,cycle,polarity,pulse,conductance_uS\n" + "\n".join(lines)
    same(read_curves(put(text)), grid())


def test_a_single_column_of_decimal_commas(put):
    values = [str(g).replace(".", ",") for *_, g in rows(ONE)]
    ds = read_curves(put("G (uS)\n" + "\n".join(values)), pulses_up=N_UP, pulses_down=N_DOWN)
    same(ds, grid(ONE))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_encodings(put, encoding):
    text = tidy(header="device,cycle,polarity,pulse,conductance (µS)")
    same(read_curves(put(text, encoding=encoding)), grid())


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends(put, end):
    same(read_curves(put(tidy().replace("\n", end))), grid())


def test_comments_blank_lines_and_a_units_row(put):
    head, *body = tidy(header="device,cycle,polarity,pulse,conductance").splitlines()
    text = ["# probe station 3", "", "% more", "  // again", head, ",,,,uS", *body[:4], "", "! odd"]
    same(read_curves(put("\n".join([*text, *body[4:], ""]))), grid())


def test_a_header_written_as_a_comment(put):
    same(read_curves(put("# " + tidy())), grid())


def test_trailing_delimiters(put):
    head, *body = tidy().splitlines()
    same(read_curves(put("\n".join([head, *(line + "," for line in body)]))), grid())


def test_unsorted_rows_are_put_in_order(put):
    data = rows()
    random.Random(1).shuffle(data)
    ds = read_curves(put(tidy(data=data)))
    same(ds.sel(device=["A", "B"]), grid())
    assert ds.attrs["continuous"] == 0 and ds.attrs["first_polarity_source"] == "assumed"


@pytest.mark.parametrize("word", ["LTP LTD", "set reset", "+ -", "1 -1", "Pot Dep", "1 0"])
def test_words_for_polarity(put, word):
    up, down = word.split()
    data = [(d, c, up if p == "up" else down, k, g) for d, c, p, k, g in rows()]
    same(read_curves(put(tidy(data=data))), grid())


def test_resistance(put):
    data = [(d, c, p, k, 1 / g) for d, c, p, k, g in rows()]
    text = tidy(header="Device ID,Cycle No,Direction,Pulse #,R [MOhm]", data=data)
    same(read_curves(put(text)), grid())


def test_current_with_a_read_voltage(put):
    data = [(d, c, p, k, g * 0.2) for d, c, p, k, g in rows()]
    text = tidy(header="device,cycle,polarity,pulse,I_read / uA", data=data)
    ds = read_curves(put(text), read_voltage="0.2 V")
    same(ds, grid())
    assert ds["read_voltage"] == 0.2
    same(read_curves(put("# read_voltage: 0.2 V\n" + text)), grid())
    with_column = [(*row, 200) for row in data]
    head = "device,cycle,polarity,pulse,I_read / uA,Vread_mV"
    ds = read_curves(put(tidy(header=head, data=with_column)))
    same(ds, grid())
    assert ds["read_voltage"] == 0.2


def test_cells_with_units(put):
    units = [("nS", 1e3), ("uS", 1.0), ("S", 1e-6)]
    data = []
    for i, (d, c, p, k, g) in enumerate(rows()):
        unit, factor = units[i % 3]
        data.append((d, c, p, k, f"{g * factor:.10g} {unit}"))
    same(read_curves(put(tidy(header="device,cycle,polarity,pulse,G", data=data))), grid())


def test_raw_ramp_of_voltage_and_current(put):
    """No cycle, no pulse number: the sign of the voltage tells; negative pulses potentiate."""
    lines = ["V_pulse (V),I (uA)"]
    for _, _, polarity, pulse, g in rows(ONE):
        lines.append(f"{-0.1 * pulse if polarity == 'up' else 0.2 * pulse},{g * 0.1}")
    ds = read_curves(put("\n".join(lines)), read_voltage=0.1, pulse_width="500us")
    same(ds, grid(ONE))
    assert ds["pulse_width"].item() == 5e-4 and ds.attrs["scheme"] == "ramp"
    np.testing.assert_allclose(ds["amplitude"].sel(polarity="up")[1:], -0.1 * np.arange(1, 6))
    assert ds.attrs["continuous"] == 1 and "negative pulses raise" in ds.attrs["notes"]


def test_readings_at_zero_volt_come_before_a_branch(put):
    lines = ["voltage_V,conductance_uS", "0,9.5", "0,1.25"]
    for _, _, polarity, pulse, g in rows(ONE):
        if polarity == "down" and pulse == 1:
            lines.append("0,2.5")
        lines.append(f"{2 if polarity == 'up' else -3},{g}")
    ds = read_curves(put("\n".join(lines)))
    first = ds["conductance"].isel(pulse_width=0, device=0, pulse=0).values
    np.testing.assert_allclose(first, [[1.25e-6, 2.5e-6], [np.nan, 2.5e-6]])
    np.testing.assert_allclose(ds["conductance"][..., 1:].values, grid(ONE)[..., 1:], rtol=1e-15)
    assert ds["amplitude"].values.tolist() == [2, -3] and ds.attrs["scheme"] == "identical"
    assert "1 readings at 0 V that precede no pulse dropped" in ds.attrs["notes"]


def test_one_column_per_cycle_in_two_files(put):
    up, down = put(columns("up"), "a.csv"), put(columns("down"), "b.csv")
    for paths in ({"up": up, "down": down}, [f"up={up}", f"down={down}"]):
        ds = read_curves(paths, unit="uS")
        same(ds, grid(ONE))
        assert ds.attrs["continuous"] == 0
    named = [put(columns("up"), "x_LTP.csv"), put(columns("down"), "x_LTD.csv")]
    same(read_curves(named, unit="uS"), grid(ONE))


def test_the_polarity_with_more_branches_came_first(put):
    down = put(columns("down", (1, 2, 3)), "reset.csv")
    ds = read_curves([put(columns("up"), "set.csv"), down], unit="uS", continuous=True)
    assert ds.attrs["first_polarity"] == "down" and ds.attrs["continuous"] == 1
    assert not ds["order"].any() and np.isnan(ds["conductance"].values[0, 0, 2, 0]).all()


def test_one_column_per_cycle_and_polarity(put):
    head = "pulse;LTP_1 (uS);LTD_1 (uS);LTP_2 (uS);LTD_2 (uS);remark"
    lines = [head]
    for k in range(1, N_UP + 1):
        cells = [value("A", c, p, k) if k <= N_DOWN or p == "up" else "" for c in (1, 2)
                 for p in ("up", "down")]  # fmt: skip
        lines.append(";".join(map(str, [k, *cells, "fine"])))
    same(read_curves(put("\n".join(lines))), grid(ONE))


def test_one_column_per_device(put):
    lines = ["dev1,dev2"]
    lines += [f"{value('A', 1, p, k)},{value('B', 1, p, k)}" for _, _, p, k, _ in rows(ONE, (1,))]
    ds = read_curves(put("\n".join(lines)), unit="uS", pulses_up=N_UP, pulses_down=N_DOWN)
    same(ds, grid(cycles=(1,)))
    assert ds["device"].values.tolist() == [1, 2]


def test_columns_are_cycles_or_devices_as_told(put):
    file = put(columns("up", header="{}"), "up.csv")
    assert dict(read_curves(file, unit="uS", header="yes").sizes)["cycle"] == 2
    ds = read_curves(file, unit="uS", header="yes", columns_are="device")
    assert ds.sizes["device"] == 2 and ds.sizes["cycle"] == 1


def test_two_columns_without_names(put):
    lines = [f"{value('A', 1, 'up', k)},{value('A', 1, 'down', k)}" for k in range(1, N_DOWN + 1)]
    ds = read_curves(put("\n".join(lines)), columns={"up": 1, "down": 2}, unit="uS")
    same(ds, grid(ONE, (1,))[..., : N_DOWN + 1])


def test_one_file_per_pulse_width(put):
    names = ["run_20ns.csv", "run_0.2us.csv"]
    files = [put(tidy(), name) for name in names]
    ds = read_curves(files)
    assert ds["pulse_width"].values.tolist() == [2e-8, 2e-7]
    same(ds, np.concatenate([grid(), grid()]))
    labelled = read_curves({"20ns": files[0], "200ns": files[1]})
    np.testing.assert_array_equal(labelled["conductance"], ds["conductance"])


def test_files_of_several_devices_with_labels(put):
    data = [row[1:] for row in rows(ONE)]
    file = put(tidy(header="cycle,polarity,pulse,conductance_uS", data=data))
    ds = read_curves([f"device:A={file}", f"device:B={file}"])
    assert ds["device"].values.tolist() == ["A", "B"]
    same(ds, np.concatenate([grid(ONE)] * 2, axis=1))


def test_pulse_numbers_that_run_on(put):
    data = [(*row[:3], i % 18 + 1, row[4]) for i, row in enumerate(rows())]
    ds = read_curves(put(tidy(data=data)))
    same(ds, grid())
    assert "counted from 1 in each" in ds.attrs["notes"]


def test_cycles_are_counted_where_no_column_tells(put):
    head = "device,polarity,pulse,conductance_uS"
    data = [(d, p, k, g) for d, _, p, k, g in rows()]
    ds = read_curves(put(tidy(header=head, data=data)))
    same(ds, grid())
    assert "cycles counted" in ds.attrs["notes"]


def test_the_first_reading_before_the_first_pulse(put):
    shifted = np.full_like(grid(), np.nan)[..., :N_UP]
    shifted[...] = grid()[..., 1:]
    same(read_curves(put(tidy()), first_reading="before"), shifted)
    zero_based = [(d, c, p, k - 1, g) for d, c, p, k, g in rows()]
    same(read_curves(put(tidy(data=zero_based))), shifted)
    same(read_curves(put(tidy(data=zero_based)), first_reading="after"), grid())


@pytest.mark.parametrize("cell", ["", "NaN", "-", "n/a", "9.91E37", "OVLD"])
def test_missing_readings_are_nan_and_their_pulses_count(put, cell):
    data = [(*row[:4], cell) if row[:4] == ("A", 2, "up", 3) else row for row in rows()]
    expected = grid()
    expected[0, 0, 1, 0, 3] = np.nan
    for head, cut in (("device,cycle,polarity,pulse,conductance_uS", 0), (None, 1)):
        if cut:  # without pulse numbers the row counts as a pulse
            head, data = "device,cycle,polarity,conductance_uS", [(*r[:3], r[4]) for r in data]
        ds = read_curves(put(tidy(header=head, data=data)))
        same(ds, expected)
        assert "1 missing" in ds.attrs["notes"]


def test_repeated_readings(put):
    data = [*rows(), *((*row[:4], row[4] + 1.0) for row in rows())]
    file = put(tidy(data=data))
    same(read_curves(file, repeats="first"), grid())
    same(read_curves(file, repeats="last"), grid() + 1e-6)
    same(read_curves(file, repeats="mean"), grid() + 0.5e-6)
    twice = read_curves(put(tidy(data=[*rows(), *rows()])))
    same(twice, grid())
    assert "36 repeated readings" in twice.attrs["notes"]


def test_down_first_in_the_order_of_the_rows(put):
    data = sorted(rows(), key=lambda r: (r[0], r[1], r[2] == "up"))
    ds = read_curves(put(tidy(data=data)))
    same(ds, grid())
    assert ds.attrs["first_polarity"] == "down" and not ds["order"].any()
    assert ds.attrs["continuous"] == 1


def test_amplitudes_that_differ_between_widths(put):
    lines = ["width_ns,voltage_V,conductance_uS"]
    for width, volts in ((20, 3), (200, 2)):
        lines += [f"{width},{volts if p == 'up' else -volts},{g}" for _, _, p, _, g in rows(ONE)]
    ds = read_curves(put("\n".join(lines)))
    assert ds["amplitude"].dims == ("pulse_width", "polarity", "pulse")
    assert ds["amplitude"].values[:, :, 1].tolist() == [[3, -3], [2, -2]]
    assert ds.attrs["scheme"] == "identical"


@pytest.mark.filterwarnings("error")
def test_amplitudes_shared_by_the_widths(put):
    lines = ["width_ns,voltage_V,conductance_uS"]
    for width in (20, 200):
        lines += [f"{width},{2 if p == 'up' else -0.5 * k},{g}" for _, _, p, k, g in rows(ONE)]
    ds = read_curves(put("\n".join(lines)))
    none = np.nan
    np.testing.assert_array_equal(
        ds["amplitude"], [[none, 2, 2, 2, 2, 2], [none, -0.5, -1, -1.5, -2, none]]
    )
    assert ds.attrs["scheme"] == "ramp"
