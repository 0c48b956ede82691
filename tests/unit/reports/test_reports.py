"""What every report promises, and each one's own format."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.document import DocumentTree, Interval, Intervals, Paragraph, Section, Table
from shipworthy.core.errors import UsageError
from shipworthy.core.records import AttackRate
from shipworthy.core.registry import create, known
from shipworthy.core.terminal import visible
from shipworthy.reports._picture import Scale
from shipworthy.reports._words import percent

REPORTS = ("html", "json", "junit", "markdown", "sarif", "text")


def test_these_are_the_reports():
    assert tuple(known("report")) == REPORTS


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("verdict", ["ship", "no-ship", "inconclusive"])
def test_a_report_says_its_verdict_and_is_the_same_twice(make, name, verdict):
    report = create("report", name)
    one = report.render(make(verdict), make.document())
    assert one == create("report", name).render(make(verdict), make.document())
    assert verdict in one.lower()
    assert "two of three" in one
    assert one.endswith("\n")
    assert report.media_type.count("/") == 1
    assert report.suffix.startswith(".")


@pytest.mark.parametrize("name", REPORTS)
def test_rates_come_with_interval_denominator_and_errors(make, name):
    text = create("report", name).render(make(), DocumentTree("t", ()))
    wanted = (
        ["0.0075", "0.002", "0.0213", "1200", "60", "3"]
        if name == "json"
        else ["0.75 %", "0.2 %", "2.13 %", "1,200", "60", "3"]
    )
    if name in ("text", "markdown"):  # the unit of an interval is said once
        wanted[1:3] = ["[0.2, 2.13]"] if name == "text" else ["0.2 to 2.13 %"]
    for number in wanted:
        assert number in text
    if name != "json":
        assert "not measured" in text  # criterion 4 has no rate


@pytest.mark.parametrize("name", REPORTS)
def test_hostile_text_can_be_written_to_a_file_and_obeyed_by_no_terminal(make, name):
    text = create("report", name).render(*make.hostile())
    text.encode("utf-8")
    for character in "\x1b\x00\u202e\u202c\u200b\ud800":
        assert character not in text
    create("report", name).render(make(), DocumentTree("", ()))


KNOWN = """html head meta title style body a header p h1 h2 h3 section svg circle rect path line div dl dt dd nav ol li
main figure figcaption strong span br code pre table caption thead tbody tr th td article footer"""


class Page(HTMLParser):
    VOID = frozenset({"meta", "br"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.attributes, self.text, self.ids = [], set(), [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.mark.parametrize("hostile", [False, True])
def test_the_page_is_well_formed_self_contained_and_without_script(make, hostile):
    page = Page()
    html = create("report", "html").render(*(make.hostile() if hostile else (make(), make.document())))
    page.feed(html)
    page.close()
    assert page.open == []
    assert page.tags <= set(KNOWN.split())
    for tag, name, value in page.attributes:
        assert not name.startswith("on")
        assert name not in ("src", "action", "srcset", "xlink:href")
        if name == "href":
            assert (tag, value[0]) == ("a", "#")
    style = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert any(n == "content" and (v or "").startswith("default-src 'none'") for _, n, v in page.attributes)
    targets = {v[1:] for _, n, v in page.attributes if n == "href"}
    assert targets <= set(page.ids)
    if hostile:
        assert "<script>alert(1)</script>" in "".join(page.text)


def test_the_page_brings_its_own_criteria_only_where_the_document_does_not(make):
    html = create("report", "html")
    assert 'id="criteria"' in html.render(make(), make.document())
    own = DocumentTree("t", (Section("Mine", (Paragraph("x"),), "criteria"),))
    page = html.render(make(), own)
    assert page.count('id="criteria"') == 1
    assert "CR-1" not in page


def test_colour_is_never_the_only_sign(make):
    """Every toned thing carries a shape, and a word for who cannot see it."""
    html = create("report", "html").render(make(), make.document())
    for tone, word in (("good", "passes: "), ("bad", "fails: "), ("unsure", "undecided: ")):
        assert html.count(f'class="sign {tone}"') > 0
        assert word in html
    shapes = {
        tone: re.search(rf'class="bar {tone}".*?class="mark"><(\w+)', html).group(1)
        for tone in ("good", "bad", "unsure")
    }
    assert len(set(shapes.values())) == 3


def test_the_thick_line_ends_at_the_bound_and_the_thin_one_at_the_interval(make):
    """0 of 50: the bound, 5.8 %, meets the limit of 6 %, though the two-sided interval reaches 7.1 %."""
    row = Interval("CR", 0.0, 0.0, 0.0711, 0.06, "good", "", 0.0582)
    html = create("report", "html").render(make(), DocumentTree("t", (Intervals((row,)),)))
    figure = html[html.rindex('<figure class="intervals">') :]
    at = {kind: float(x) for kind, x in re.findall(r'class="(bound|span|limit)" x1="[\d.]+%" x2="([\d.]+)%"', figure)}
    assert at["bound"] < at["limit"] < at["span"]
    assert "bound 5.82 % vs limit 6 %" in figure
    assert "Thick line: from the estimate to its one-sided bound, which decides" in figure


def test_a_row_without_a_measurement_has_no_mark_and_no_line(make):
    row = Interval("CR", None, None, None, 0.06, "unsure")
    decision = make(criteria=(make.criterion("inconclusive", rate=None, low=None, high=None, bound=None),))
    html = create("report", "html").render(decision, DocumentTree("t", (Intervals((row,)),)))
    bars = re.findall(r'<svg class="bar.*?</div>', html)
    assert len(bars) == 2
    for bar in bars:
        assert 'class="limit"' in bar
        assert not re.search(r'class="(mark|span|end|bound)"', bar)
    assert html.count("<strong>not measured</strong>") == 2
    text = create("report", "text").render(decision, DocumentTree("t", ()))
    assert "not measured" in text
    assert "===" not in text


def test_every_cell_names_its_column_for_a_narrow_screen(make):
    table = Table(("Rate\n95 % interval", "n"), (("5 %\n1 % to 9 %", "a" * 64),), "", ("good",))
    html = create("report", "html").render(make(), DocumentTree("t", (table,)))
    assert 'data-label="Rate, 95 % interval"' in html
    assert '5 %<span class="under">1 % to 9 %</span>' in html
    assert re.search(r'<td data-label="n" class="long">a{64}</td>', html)


@pytest.mark.parametrize("width", [80, 100, 120])
def test_a_summary_fits_its_columns_and_breaks_no_word(make, width):
    brief = Table(("", "Before", "Change [95 % interval]"), (("a-suite-of-a-long-name: metric_one", "5 %", "+1"),) * 3)
    document = DocumentTree("A system", (Section("Before and after", (Paragraph("long"),), "change", (brief,)),))
    decision = make(
        system="SYS",
        gate="G",
        criteria=(
            make.criterion("ship", 1),
            make.criterion("no-ship", 2, id="CR-open-change", must="rise_upper95 <= 0.15", reason="word " * 60),
            make.criterion("inconclusive", 3),
        ),
    )
    text = create("report", "text", {"width": width}).render(decision, document)
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    assert text == create("report", "text", {"width": width}).render(decision, document)
    for word in ("a-suite-of-a-long-name: metric_one", "vs limit 5 %", "CR-open-change"):
        assert any(word in line for line in lines), word
    assert ("rise_upper95 <= 0.15" in text) == (width >= 100)  # else the picture alone says the limit
    assert lines[0].startswith("\u2717 NO-SHIP: ")
    assert "--format html --output report.html" in lines[-1]
    assert "Paragraph" not in text
    assert len(lines) < 40


@pytest.mark.parametrize("name", ["text", "markdown", "json"])
def test_what_is_unscored_stands_with_its_kinds_worst_case_and_tipping_point(make, name):
    given = {"unscored": {"timeout": 8, "abstained": 3}, "worst_rate": 0.0165}
    text = create("report", name).render(make(criteria=(make.criterion("ship", 1, **given),)), DocumentTree("t", ()))
    if name == "json":
        (found,) = json.loads(text)["criteria"]
        assert {key: found[key] for key in ("unscored", "worst_rate", "tips")} == {**given, "tips": None}
        return
    assert "1.65 %" in text and "11" in text
    if name == "text":
        assert "11 without a score (8 timeout, 3 abstained): 1.65 % if all of them are bad" in " ".join(text.split())


def test_a_criterion_takes_one_line_of_a_summary(make):
    text = create("report", "text").render(make(criteria=(make.criterion("ship", 1),)), DocumentTree("t", ()))
    (line,) = [line for line in text.splitlines() if "upper95 <= 0.05" in line]
    assert " ".join(line.split()) == "\u2713 CR-1 upper95 <= 0.05 0.75 % [0.2, 2.13] 1.9 % 9/1,200 60 3"


def test_a_criterion_takes_two_lines_where_one_is_too_narrow(make):
    text = create("report", "text", {"width": 48}).render(
        make(criteria=(make.criterion("ship", 1),)), DocumentTree("t", ())
    )
    assert "\u2713 CR-1: upper95 <= 0.05\n    0.75 % [0.2 %, 2.13 %], bound 1.9 %; 9 of" in text
    assert max(map(len, text.splitlines())) <= 48


def test_a_limit_is_never_left_out(make):
    """Where there is no picture to say it, the line does."""
    unmeasured = {"rate": None, "low": None, "high": None, "bound": None}
    for criterion in (make.criterion("inconclusive", **unmeasured), make.criterion("ship", id="CR-" + "x" * 30)):
        for width in range(40, 121, 8):
            text = create("report", "text", {"width": width}).render(make(criteria=(criterion,)), DocumentTree("t", ()))
            assert "upper95 <= 0.05" in " ".join(text.split()) or "vs limit 5 %" in text, width


def test_a_number_and_its_interval_stay_on_one_line(make):
    brief = Table(("", "Points [95 % interval]"), (("a name of many words " * 3, "-16.0 [-29.1, -4.7]"),), "", (), (1,))
    document = DocumentTree("t", (Section("s", (), "s", (brief,)),))
    text = create("report", "text", {"width": 60}).render(make(), document)
    assert "-16.0 [-29.1, -4.7]" in text


def test_a_word_longer_than_the_screen_stays_whole(make):
    word = "CR-" + "x" * 150
    text = create("report", "text").render(
        make(criteria=(make.criterion("no-ship", 1, id=word),)), DocumentTree("t", ())
    )
    assert any(word in line for line in text.splitlines())
    table = Table(("", "n"), ((word, "1"),), "", ("bad",))
    listed = create("report", "text").render(make(), DocumentTree("t", (Section("s", (), "s", (table,)),)))
    assert f"{word}: n 1" in " ".join(listed.split())


def test_a_text_report_of_no_width_is_an_error():
    with pytest.raises(UsageError, match="at least 40 columns"):
        create("report", "text", {"width": 10})


def test_a_change_is_drawn_in_points_on_its_own_scale(make):
    change = make.criterion(
        "ship", 2, test="noninferiority", must="drop_upper95 <= 0.15", limit=0.15, rate=0.0, low=-0.11, high=0.11,
        bound=0.0894,
    )  # fmt: skip
    decision = make(criteria=(make.criterion("ship", 1), change))
    text = create("report", "text").render(decision, DocumentTree("t", ()))
    assert "bound -8.94 vs limit -15 points" in text
    assert "0 pt [-11, +11]" in text
    html = create("report", "html").render(decision, DocumentTree("t", ()))
    assert html.count('<figure class="intervals criteria">') == 2
    assert "bound -8.94 vs limit -15 points" in html
    assert "-11 to +11 points" in create("report", "markdown").render(decision, DocumentTree("t", ()))


def test_a_change_that_was_not_measured_has_its_limit_in_points(make):
    blank = make.criterion(
        "inconclusive", test="noninferiority", must="drop_upper95 <= 0.15", limit=0.15, rate=None, low=None, high=None,
        bound=None,
    )  # fmt: skip
    text = create("report", "markdown").render(make(criteria=(blank,)), DocumentTree("t", ()))
    assert "| not measured | -<br>-15 points |" in text


def test_a_comment_shows_the_brief_and_folds_the_rest(make):
    brief = Table(("", "Before"), (("leaks", "5 %"),))
    document = DocumentTree("t", (Section("Before and after", (Paragraph("the long story"),), "change", (brief,)),))
    text = create("report", "markdown").render(make(), document)
    open_, _, folded = text.partition("<details>")
    assert "| leaks | 5 % |" in open_
    assert "the long story" not in open_
    assert "the long story" in folded
    assert text.startswith("## \u274c NO-SHIP: t\n\ntwo of three\n")


def test_json_has_everything_and_the_verdict_on_top(make):
    body = json.loads(create("report", "json").render(make(), make.document()))
    assert body["verdict"] == "no-ship"
    assert body["baseline_runs"] == []
    assert body["criteria"][3]["rate"] is None
    assert body["s1_hits"] == ["AT-1"]
    assert body["document"]["children"][0]["type"] == "Section"


@pytest.mark.parametrize("hostile", [False, True])
def test_junit_is_what_the_schema_says(make, hostile):
    """The shape of the widely used JUnit schema: counts agree with content, names and times are there."""
    root = ElementTree.fromstring(
        create("report", "junit").render(*(make.hostile() if hostile else (make(), make.document())))
    )
    assert root.tag == "testsuites"
    (suite,) = root
    assert [child.tag for child in suite] == ["properties"] + ["testcase"] * 5
    cases = suite.findall("testcase")
    assert all(set(c.attrib) == {"classname", "name", "time"} for c in cases)
    assert {child.tag for c in cases for child in c} <= {"failure", "system-out"}
    failures = [c.find("failure") for c in cases if c.find("failure") is not None]
    assert [f.get("type") for f in failures] == ["no-ship", "inconclusive", "inconclusive", "no-ship"]
    for element in (root, suite):
        assert (element.get("tests"), element.get("failures"), element.get("errors")) == ("5", "4", "0")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp"))


@pytest.mark.parametrize("hostile", [False, True])
def test_sarif_keeps_the_rules_of_the_standard(make, hostile):
    log = json.loads(create("report", "sarif").render(*(make.hostile() if hostile else (make(), make.document()))))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len({r["id"] for r in rules}) == len(rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] == ("error" if result["kind"] == "fail" else "none")
        assert result["message"]["text"]
        location = result["locations"][0]["physicalLocation"]
        assert location["region"]["startLine"] >= 1
        assert not location["artifactLocation"]["uri"].startswith("/")
    assert [r["kind"] for r in run["results"]] == ["pass", "fail", "open", "open", "fail"]
    assert re.fullmatch(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?", run["tool"]["driver"]["semanticVersion"])


def test_markdown_lets_no_text_act(make):
    text = create("report", "markdown").render(*make.hostile())
    outside = re.sub(r"^(`{3,})\w*\n.*?^\1$", "", text, flags=re.S | re.M)
    assert "@everyone" not in outside
    assert not re.search(r"(?<!\\)\[click", outside)
    assert "://" not in outside
    assert "www.evil" not in outside
    assert set(re.findall(r"</?(\w+)", outside)) == {"details", "summary", "br", "sub"}
    assert not re.search(r"^# heading|^1\. one", outside, flags=re.M)
    assert outside.count("<details>") == outside.count("</details>") == 2
    for row in re.findall(r"^\|.*\|$", outside, flags=re.M):
        assert row.count("|") == re.sub(r"&#124;|\\\|", "", row).count("|")


def test_a_markdown_comment_is_never_too_long_for_github(make):
    big = DocumentTree("t", tuple(Section(f"part {n}", (Paragraph("x" * 20_000),)) for n in range(8)))
    text = create("report", "markdown").render(make(), big)
    assert len(text) < 65_536
    assert "Too long for a comment" in text
    assert "part 7" in text


@given(st.text())
def test_visible_text_holds_nothing_that_acts(text):
    shown = visible(text)
    shown.encode("utf-8")
    assert all(c.isprintable() or c in "\n\t" or c.isspace() for c in shown)
    assert visible(shown) == shown


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=8))
def test_a_scale_holds_every_value_between_round_ticks(values):
    scale = Scale(values)
    assert all(0 <= scale.at(v) <= 100 for v in values)
    assert scale.low <= min(0.0, *values)
    assert scale.high >= max(0.0, *values)
    assert 2 <= len(scale.ticks) <= 11
    assert all(abs(scale.at(v) - 100 * (v - scale.low) / (scale.high - scale.low)) < 0.02 for v in values)


@given(st.floats(-1, 1))
def test_a_percentage_reads_back(rate):
    assert abs(float(percent(rate).removesuffix(" %")) / 100 - rate) <= 0.005 * abs(rate) + 0.0001
    assert not percent(rate).startswith("-0 ")
    assert "e" not in percent(rate)


EACH = (
    AttackRate(attack="none", rate=0.0, low=0.0, high=0.05, hits=0, trials=72, clusters=72),
    AttackRate(attack="role_play", rate=0.54, low=0.42, high=0.66, hits=39, trials=72, clusters=72, unscored=2),
    AttackRate(attack="base64", rate=0.0, low=0.0, high=0.05, hits=0, trials=72, clusters=72),
    AttackRate(attack="silent", unscored=72),
)


@pytest.mark.parametrize("name", ["text", "markdown", "junit"])
def test_each_attack_is_shown_the_worst_first_also_of_what_ships(make, name: str) -> None:
    shipped = make.criterion("ship", 1, attacks=EACH, reason="the reason; the worst is role_play")
    said = create("report", name).render(make("ship", criteria=(shipped,), s1_hits=()), DocumentTree("x", ()))
    flat = " ".join(said.replace("\\", "").replace("&#46;", ".").split())
    assert "54 % [42, 66] 39/72, 2 unscored; none, base64 0 % [0, 5] 0/72; silent nothing scored, 72 unscored" in flat
    if name == "markdown":
        assert "the worst is role" in flat  # a pooled rate that ships may hide one that works


def test_json_holds_every_attack(make) -> None:
    shipped = make.criterion("ship", 1, attacks=EACH)
    said = json.loads(create("report", "json").render(make("ship", criteria=(shipped,)), DocumentTree("x", ())))
    row = said["criteria"][0]["attacks"][1]
    assert (row["attack"], row["rate"], row["low"], row["high"]) == ("role_play", 0.54, 0.42, 0.66)
    assert said["criteria"][0]["attacks"][3] == {
        "attack": "silent", "rate": None, "low": None, "high": None, "hits": 0, "trials": 0, "clusters": 0,
        "unscored": 72, "inapplicable": 0,
    }  # fmt: skip


def test_the_document_has_a_table_of_attacks_where_there_are_several(make) -> None:
    from shipworthy.evidence.sections.verdict import attacks

    assert attacks(make()) is None
    section = attacks(make("ship", criteria=(make.criterion("ship", 1, attacks=EACH), make.criterion("ship", 2))))
    table = section.children[0]
    assert table.columns[2] == "Rate\n95 % interval"
    assert table.rows[0][1:] == ("role_play", "54.0 %\n42.0 % to 66.0 %", "39 / 72", "72", "2")
    assert [row[1] for row in table.rows] == ["role_play", "none", "base64", "silent"]
    assert table.rows[3][2] == "not measured"


@pytest.mark.parametrize("name", ["text", "markdown", "html", "junit"])
def test_every_report_says_what_it_assumes_of_the_scorer(make, name):
    text = " ".join(create("report", name).render(make(), make.document()).split())
    # Once for each of three criteria with a rate: the fourth was not measured.
    assert text.count("assumes the scorer is right") == 3
    assert text.count("inconclusive below sensitivity 0.380") == 1


def test_json_says_what_it_assumes_of_the_scorer(make):
    body = json.loads(create("report", "json").render(make(), make.document()))
    flip = {"error": "sensitivity", "at": pytest.approx(0.38), "ships": False}
    assert body["criteria"][0]["scorer"] == {"sensitivity": 1.0, "specificity": 1.0, "flip": flip}
    assert body["criteria"][3]["scorer"] is None


@pytest.mark.parametrize("name", REPORTS)
def test_where_not_refused_stands_every_report_says_that_it_is_not_harm(make, name):
    decision = make("no-ship", criteria=(make.criterion("no-ship", metric="not_refused"),))
    said = create("report", name).render(decision, DocumentTree("t", ()))
    assert "not refusing is not harm" in " ".join(said.split())
