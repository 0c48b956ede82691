"""Labels as CSV: what is written is read, what is wrong is said with its line, a formula is none."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.evals.shown import attempt, hit, make_run

from shipworthy.core.cells import plain_text
from shipworthy.core.errors import UsageError
from shipworthy.evals.labels import COLUMNS, keep, last_words, read_csv, to_csv
from shipworthy.store.audit import AuditLog
from shipworthy.store.labels import Label, read_labels

FIRST, SECOND = "AT-0000000000000000", "AT-0000000000000001"


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path, [hit(0), attempt(1)])


@pytest.fixture
def audit(tmp_path):
    with AuditLog(f"sqlite:///{tmp_path / 'control.sqlite'}") as log:
        yield log


def write(tmp_path, *lines, header=",".join(COLUMNS)):
    path = tmp_path / "labels.csv"
    path.write_text("\n".join((header, *lines)) + "\n", encoding="utf-8")
    return path


def test_labels_are_read_kept_and_given_back(tmp_path, run, audit):
    path = write(tmp_path, f'{FIRST},leak,no-hit,"it is a bird, not ""the"" word",ida', f"{SECOND},leak,no-hit,,ida")
    assert keep(audit, run, read_csv(path, run)) == 2
    kept = read_labels(audit, run.id)
    assert [(one.attempt, one.hit, one.by, one.comment) for one in kept] == [
        (FIRST, False, "ida", 'it is a bird, not "the" word'), (SECOND, False, "ida", ""),
    ]  # fmt: skip
    (tmp_path / "again.csv").write_text(to_csv(kept), encoding="utf-8", newline="")
    assert keep(audit, run, read_csv(tmp_path / "again.csv", run)) == 0, "they are there already"


def test_a_correction_is_a_new_label_and_the_last_word_counts(tmp_path, run, audit):
    keep(audit, run, read_csv(write(tmp_path, f"{FIRST},leak,no-hit,,ida", f"{FIRST},leak,hit,,bo"), run))
    assert keep(audit, run, read_csv(write(tmp_path, f"{FIRST},leak,hit,,ida"), run)) == 1
    kept = read_labels(audit, run.id)
    assert len(kept) == 3
    assert {(one.by, one.hit) for one in last_words(kept)} == {("ida", True), ("bo", True)}


def test_a_comment_is_redacted_before_it_is_kept(tmp_path, run, audit):
    path = write(tmp_path, f"{FIRST},leak,hit,it told ida.voss@tarnwick.example of GREY-TERN,ida")
    keep(audit, run, read_csv(path, run), secrets=("GREY-TERN",))
    (kept,) = read_labels(audit, run.id)
    assert kept.comment == "it told [redacted:email] of [redacted:secret]"


def test_the_two_columns_that_matter_and_a_name_are_enough(tmp_path, run):
    path = write(tmp_path, f"{FIRST},leak,hit", header="attempt,metric,label")
    (label,) = read_csv(path, run, by="bo")
    assert (label.by, label.comment, label.hit) == ("bo", "", True)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("AT-00,leak,hit,,ida", "labels.csv:2: the run RUN-1 has no attempt 'AT-00'"),
        (f"{FIRST},laek,hit,,ida", "labels.csv:2: the suite leak has no metric 'laek': did you mean 'leak'"),
        (f"{FIRST},wait,hit,,ida", "labels.csv:2: 'wait' is a value"),
        (f"{FIRST},leak,yes,,ida", "labels.csv:2: a label is hit or no-hit, not 'yes'"),
        (f"{FIRST},leak,hit,,", "labels.csv:2: nobody gave this label: fill the column by, or pass --by NAME"),
        (f"{FIRST},leak,hit,,ida,more", "labels.csv:2: 6 fields under 5 columns"),
        (f'{FIRST},leak,hit,"no end,ida', "this is no CSV"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, run, line, said):
    with pytest.raises(UsageError) as error:
        read_csv(write(tmp_path, line), run)
    assert said in str(error.value)


def test_every_line_that_is_wrong_is_said_and_nothing_counts(tmp_path, run):
    with pytest.raises(UsageError) as error:
        read_csv(write(tmp_path, f"{FIRST},leak,hit,,ida", *["AT-00,leak,hit,,ida"] * 12), run)
    assert "labels.csv:3:" in str(error.value)
    assert "and 2 more" in str(error.value)
    assert str(error.value).endswith("nothing was imported")


def test_one_person_does_not_say_both(tmp_path, run):
    with pytest.raises(UsageError, match=r"labels\.csv:4: ida says the opposite of AT-0+ in line 2"):
        read_csv(write(tmp_path, f'{FIRST},leak,hit,"two\nlines",ida', f"{FIRST},leak,no-hit,,ida"), run)


def test_a_file_that_is_none(tmp_path, run):
    with pytest.raises(UsageError, match="cannot read"):
        read_csv(tmp_path / "none.csv", run)
    (tmp_path / "latin.csv").write_bytes(b"attempt,metric,label\n\xe9")
    with pytest.raises(UsageError, match="not UTF-8"):
        read_csv(tmp_path / "latin.csv", run)
    with pytest.raises(UsageError, match="no column 'label'"):
        read_csv(write(tmp_path, header="attempt,metric"), run)


FORMULAS = ("=1+1", "+1", "-1", "@A1", "\t=1", "\r=1", "'=1", "''=1", "'", "'hello", "plain")


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula_and_reading_undoes_it(text):
    assert_round_trip(text)


@given(st.text(alphabet="'=+-@\t\r\n a\"", max_size=6))
def test_any_comment_comes_back(text):
    assert_round_trip(text)


def assert_round_trip(text):
    label = Label(system="s", run="r", attempt="a", metric="m", hit=True, by="b", at="t", comment=text)
    _, row = csv.reader(io.StringIO(to_csv([label]), newline=""))
    assert row[3][:1] not in tuple("=+-@\t\r\n")
    assert plain_text(row[3]) == text


@pytest.mark.parametrize("odd", ["\x1b[2J", "\x9b2K", "\u202e", "\x07"])
@pytest.mark.parametrize("cells", ["it {},ida", "fine,ida{}"])
def test_what_acts_on_a_terminal_is_no_comment_and_no_name(tmp_path, run, odd, cells):
    with pytest.raises(UsageError, match=r"labels.csv:2: the character U\+.* acts on a terminal"):
        read_csv(write(tmp_path, f"{FIRST},leak,hit,{cells.format(odd)}"), run)
