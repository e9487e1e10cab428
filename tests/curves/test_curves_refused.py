"""What is refused: one line with file, line, what was found and what is expected."""

import pytest
from small_trains import rows, tidy

from feemu.curves import CurvesError, read_curves

HEAD = "device,cycle,polarity,pulse,conductance_uS"


def changed(line, new):
    """Return the tidy text with one line (from 1) replaced."""
    lines = tidy().splitlines()
    lines[line - 1] = new
    return "\n".join(lines) + "\n"


REFUSED = {
    "empty": ("", {}, 0, ["empty"]),
    "comments only": ("# a\n# b\n", {}, 0, ["no rows"]),
    "header only": (HEAD + "\n", {}, 1, ["no rows below"]),
    "binary": (b"\x89PNG\r\n\0\0", {}, 2, ["binary"]),
    "word": (changed(5, "A,1,up,4,abc"), {}, 5, ["'abc'", "a number"]),
    "decimal comma": (tidy(";").replace("1.3125", "1,3125"), {}, 2, ["'1,3125'", "a number"]),
    "decimal point": (tidy(";").replace(".", ",").replace("1,8125", "1.8125.0"), {}, 4,
                      ["1.8125.0", "decimal comma"]),
    "short row": (changed(7, "A,1,down,1"), {}, 7, ["4 cells", "5 as in the header"]),
    "long row": (changed(7, "A,1,down,1,2,3"), {}, 7, ["6 cells"]),
    "quote": (changed(7, 'A,1,down,1,"2'), {}, 7, ["unpaired quote"]),
    "polarity": (changed(6, "A,1,sideways,5,2"), {}, 6, ["'sideways'", "LTP or LTD"]),
    "half a pulse": (changed(6, "A,1,up,4.5,2"), {}, 6, ["4.5", "pulse number"]),
    "negative pulse": (changed(6, "A,1,up,-4,2"), {}, 6, ["-4"]),
    "no pulse": (changed(6, "A,1,up,,2"), {}, 6, ["pulse number"]),
    "no device": (changed(6, ",1,up,5,2"), {}, 6, ["a label"]),
    "infinite": (changed(6, "A,1,up,5,inf"), {}, 6, ["finite"]),
    "overflow of a float": (changed(6, "A,1,up,5,1e999"), {}, 6, ["finite"]),
    "repeated": (tidy() + "A,1,up,2,7\n", {}, 38, ["again", "line 3", "repeats='mean'"]),
    "far pulse": (changed(6, "A,1,up,5000000,2"), {}, 6, ["5e+06", "at most"]),
    "mixed units": (tidy(data=[(*r[:4], r[4] * 1000) if r[:2] == ("B", 2) else r for r in rows()]),
                    {}, 29, ["1000 times", "one unit", "unit_check"]),
    "no unit": (tidy(header=HEAD[:-3]), {}, 1, ["no unit", "unit='uS'"]),
    "wrong unit": (tidy(header=HEAD[:-2] + "V"), {}, 1, ["no unit"]),
    "wrong unit in brackets": (tidy(header=HEAD[:-3] + " [volt]"), {}, 1, ["'volt'", "uS"]),
    "no values": ("device,cycle,polarity,remark\nA,1,up,2\n", {"layout": "tidy"}, 1,
                  ["no column of values"]),
    "polarity is no train": ("pulse,polarity\n1,1\n2,-1\n", {}, 1,
                             ["no column of values", "'conductance (uS)'"]),
    "another name for values": ("pulse,polarity,signal\n1,1,2\n2,-1,3\n", {}, 1,
                                ["'signal' have no unit"]),
    "no polarity": ("pulse,G (uS)\n1,2\n2,3\n", {}, 0, ["up from down", "pulses_up"]),
    "no read voltage": ("polarity,I_nA\nup,2\nup,3\n", {}, 1, ["read voltage"]),
    "read voltage of zero": ("polarity,I_nA,Vread_V\nup,2,.1\nup,3,0\n", {}, 3, ["0 V"]),
    "no resistance": ("polarity,R_ohm\nup,2\nup,0\n", {}, 3, ["resistance other than 0"]),
    "width without unit": ("polarity,G_uS,pulse_width\nup,2,20\n", {}, 1, ["pulse_width_unit"]),
    "width of zero": ("polarity,G_uS,width_ns\nup,2,20\nup,2,0\n", {}, 3, ["positive time"]),
    "two columns": ("polarity,G_uS,conductance_uS\nup,2,20\n", {"layout": "tidy"}, 1,
                    ["several columns of conductance", "--column conductance="]),
    "unknown column": (tidy(), {"columns": {"conductance": "conductance_us"}}, 1,
                       ["did you mean 'conductance_uS'"]),
    "voltage both ways up": ("V (V),G (uS)\n1,1\n1,2\n-1,3\n-1,4\n", {}, 0, ["up_voltage"]),
    "0 V within a branch": ("V (V),G (uS)\n1,1\n1,2\n0,2\n1,3\n-1,1\n", {}, 4, ["before a branch"]),
    "voltage missing": ("V (V),G (uS)\n1,1\n1,2\n,3\n-1,1\n", {}, 4, ["voltage is missing"]),
    "two amplitudes": ("cycle,V_V,G_uS\n1,1,1\n1,-1,.5\n2,2,1\n2,-1,.5\n",
                       {"up_voltage": "positive"}, 4, ["from 1 to 2 V", "split"]),
    "returns": ("cycle,polarity,G_uS\n1,up,1\n1,down,.5\n1,up,1\n", {}, 4, ["returns to up"]),
    "all missing": ("polarity,G_uS\nup,\ndown,\n", {}, 0, ["every reading is missing"]),
    "bad comment": ("# read_voltage = high\n" + tidy(), {}, 1, ["read_voltage", "a number"]),
    "sparse": ("device,cycle,polarity,pulse,G_uS\n" + "".join(
        f"{i},{i},up,999,1\n" for i in range(200)), {}, 0, ["grid", "check the columns"]),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(put, name):
    text, options, line, words = REFUSED[name]
    file = put(text)
    with pytest.raises(CurvesError) as caught:
        read_curves(file, **options)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 400
    assert message.startswith(f"{file}:{line}: " if line else f"{file}: ")
    for word in words:
        assert word in message, message


def test_missing_files_and_folders(tmp_path):
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(CurvesError, match="cannot be read"):
            read_curves(path)
    with pytest.raises(CurvesError, match="0 files"):
        read_curves([])


def test_relative_and_absolute_files_do_not_mix(put):
    files = [put(tidy(), "a_20ns.csv"), put(tidy(header=HEAD[:-3] + " (a.u.)"), "a_30ns.csv")]
    with pytest.raises(CurvesError, match="absolute here, relative there"):
        read_curves(files)


def test_two_files_of_the_same_pulses(put):
    other = tidy(data=[(*row[:4], row[4] + 1) for row in rows()])
    with pytest.raises(CurvesError, match=r"b\.csv:2: .*first at .*a\.csv 2.*device:A="):
        read_curves([put(tidy(), "a.csv"), put(other, "b.csv")])
