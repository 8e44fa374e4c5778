"""Ranking of pilot counties from hand-made batch tables."""

import json
from pathlib import Path

import pandas as pd
import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from geodata.errors import InputError, UsageError
from scenarios.batch.query import TABLES, write_table
from scenarios.cli.app import app
from scenarios.pilot.answer import rank_counties
from scenarios.pilot.outputs import write_ranking
from scenarios.pilot.spec import read_rank_file
from scenarios.spec import ScenarioError

RANK = """
uncertain = ["high"]
draws = 500
[indicators.reach]
kpi = "K1"
better = "more"
weight = 0.75
name_en = "Reach"
name_zh = "通达率"
[indicators.cost]
kpi = "K13"
better = "less"
weight = 0.25
name_zh = "单票成本"
"""
QUEUE = """
[queue]
years = [2027, 2028]
budget_cny = [100, 100]
"""
#: County → scenario → (K1, K13).
FIGURES = {
    "a": {"baseline": (0.9, 4.0), "high": (0.6, 4.0)},
    "b": {"baseline": (0.8, 2.0), "high": (0.8, 2.0)},
    "c": {"baseline": (0.5, 5.0), "high": (0.5, 5.0)},
}


@pytest.fixture
def batch(tmp_path) -> Path:
    runs, kpis = [], []
    for county, scenarios in FIGURES.items():
        for scenario, (reach, cost) in scenarios.items():
            where = {"county": county, "scenario": scenario}
            runs.append({**where, "status": "ok", "county_name": f"县{county}", "villages": 10, "investment_cny": 60.0})
            for kpi_id, value in (("K1", reach), ("K13", cost)):
                kpis.append({**where, "kpi_id": kpi_id, "part": "total", "value": value})
    runs.append({"county": "d", "scenario": "baseline", "status": "failed", "reason_en": "none", "reason_zh": "无方案"})
    rows = {"runs": runs, "kpis": kpis}
    folder = tmp_path / "batch"
    folder.mkdir()
    for name, columns in TABLES.items():
        write_table(folder, name, pd.DataFrame(rows.get(name, []), columns=list(columns)))
    return folder


def rank_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "rank.toml"
    path.write_text(text, encoding="utf-8")
    return path


def ranked(batch: Path, tmp_path: Path, text: str):
    return rank_counties(batch, read_rank_file(rank_file(tmp_path, text)), tmp_path)


def test_order_certainty_and_reasons(batch, tmp_path):
    found = ranked(batch, tmp_path, RANK + QUEUE)
    assert found.counties == ("a", "b", "c")
    assert found.rank[2] == 3, "c is worst in everything"
    assert set(found.dominated_by) == {"c"}
    assert found.excluded["d"].key == "rank_no_plan"
    assert found.probabilities.share.sum(axis=1) == pytest.approx([1.0, 1.0, 1.0])
    assert found.cases == ("baseline", "high")
    first = found.counties[found.rank.index(1)]
    assert set(found.flips_by_scenario.values()) <= {"a", "b"} - {first}
    assert found.portfolio is not None
    years = [place.year for place in found.portfolio.places]
    assert sorted(y for y in years if y) == [1, 2]
    assert years[2] is None


def test_gates_exclude_and_never_weigh(batch, tmp_path):
    (tmp_path / "facts.csv").write_text("county,complaints\na,9\nb,1\nc,2\nd,0\n", encoding="utf-8")
    gate = '[gates.complaints]\ntable = "facts.csv"\ncolumn = "complaints"\nmost = 5\n'
    with_gate = ranked(batch, tmp_path, RANK + gate)
    assert with_gate.counties == ("b", "c")
    assert with_gate.excluded["a"].key == "rank_gate"
    (tmp_path / "facts.csv").write_text("county,complaints\na,0\nb,5\nc,2\nd,0\n", encoding="utf-8")
    passed = ranked(batch, tmp_path, RANK + gate)
    assert passed.scores == pytest.approx(ranked(batch, tmp_path, RANK).scores)


def test_weights_of_every_kind(batch, tmp_path):
    for kind in ("equal", "entropy"):
        assert ranked(batch, tmp_path, f'weights = "{kind}"\n' + RANK).weights.sum() == pytest.approx(1.0)
    ahp = ranked(batch, tmp_path, 'weights = "ahp"\n' + RANK + "[ahp.reach]\ncost = 3.0\n")
    assert ahp.weights == pytest.approx([0.75, 0.25])
    assert ahp.consistency_ratio == 0.0


def test_files_are_written_the_same_twice_in_both_languages(batch, tmp_path):
    found = ranked(batch, tmp_path, RANK + QUEUE)
    square = [[(109.0, 27.0), (109.1, 27.0), (109.1, 27.1), (109.0, 27.1)]]
    for lang, words in (("en", "Pilot counties"), ("zh", "试点县排序")):
        folders = [tmp_path / f"{lang}{n}" for n in (1, 2)]
        for folder in folders:
            folder.mkdir()
            write_ranking(found, folder, lang, {"a": square, "b": []})
        page = (folders[0] / "ranking.html").read_text(encoding="utf-8")
        assert words in page
        assert "<polygon" in page
        assert "http" not in page.replace("http-equiv", "")
        for name in ("ranking.html", "ranking.json"):
            assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()
        assert len(load_workbook(folders[0] / "ranking.xlsx").sheetnames) == 4
    document = json.loads((tmp_path / "en1" / "ranking.json").read_text(encoding="utf-8"))
    assert [row["county"] for row in document["counties"]] == ["a", "b", "c"]
    assert document["excluded"]["d"]["key"] == "rank_no_plan"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (RANK.replace('"K1"', '"K99"'), UsageError),
        (RANK.replace('["high"]', '["nothing"]'), UsageError),
        (RANK + '[gates.g]\ncolumn = "moon"\nmost = 1\n', UsageError),
        (RANK + '[gates.g]\ntable = "none.csv"\ncolumn = "x"\nmost = 1\n', InputError),
        (RANK + '[gates.g]\ncolumn = "villages"\nleast = 99\n', InputError),
        (RANK + QUEUE + '[queue.before]\nx = ["a"]\n', UsageError),
        ('weights = "ahp"\n' + RANK + '[indicators.size]\ncolumn = "villages"\nbetter = "more"\n[ahp.reach]\ncost = 9\nsize = 0.1\n[ahp.cost]\nsize = 9\n', UsageError),
    ],
)  # fmt: skip
def test_what_is_not_there_is_named(batch, tmp_path, text, error):
    with pytest.raises(error) as caught:
        ranked(batch, tmp_path, text)
    assert caught.value.text("zh")
    assert caught.value.text("en")


@pytest.mark.parametrize(
    "text",
    [
        "",
        RANK.replace('"more"', '"bigger"'),
        RANK.replace('kpi = "K1"', 'kpi = "K1"\ncolumn = "villages"'),
        RANK.replace("0.75", "0").replace("0.25", "0"),
        RANK + "[ahp.nobody]\nreach = 2\n",
        RANK + "[queue]\nyears = [2027, 2028]\nbudget_cny = [1]\n",
        RANK + '[gates.g]\ncolumn = "villages"\n',
    ],
)
def test_a_wrong_ranking_file_is_refused(tmp_path, text):
    with pytest.raises(ScenarioError) as caught:
        read_rank_file(rank_file(tmp_path, text))
    assert all(problem.text(lang) for problem in caught.value.problems for lang in ("en", "zh"))


def test_the_command(batch, tmp_path):
    path = rank_file(tmp_path, RANK)
    done = CliRunner().invoke(app, ["rank", str(batch), str(path), "--out", str(tmp_path / "r"), "--json"])
    assert done.exit_code == 0, done.output
    assert [row["rank"] for row in json.loads(done.stdout)["ranking"]] == [1, 2, 3]
    again = CliRunner().invoke(app, ["rank", str(tmp_path), str(path), "--out", str(tmp_path / "r2"), "--lang", "en"])
    assert again.exit_code == 3
