"""The dashboard and the alert rules: whole, and about metrics that there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from syncd.web.metrics import FAMILIES, OUTCOMES, Measures

ROOT = Path(__file__).parents[2]
RULES = ROOT / "monitoring" / "alerts.yaml"
BOARD = json.loads((ROOT / "monitoring" / "grafana-dashboard.json").read_text("utf-8"))
OPERATIONS = (ROOT / "docs" / "operations.md").read_text("utf-8")


def rules() -> list[dict[str, Any]]:
    told = YAML(typ="safe").load(RULES.read_text("utf-8"))
    return [rule for group in told["groups"] for rule in group["rules"]]


def named(expression: str) -> set[str]:
    """The metrics of ours in an expression; a histogram's parts count as it."""
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"\bsyncd_[a-z0-9_]+", expression)}


def test_every_metric_that_an_alert_or_a_panel_names_is_told() -> None:
    expressions = [rule["expr"] for rule in rules()]
    expressions += [target["expr"] for panel in BOARD["panels"] for target in panel["targets"]]
    assert set().union(*map(named, expressions)) <= set(FAMILIES)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_and_where_its_answer_stands(rule: dict[str, Any]) -> None:
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"[A-Z][A-Za-z]+", rule["alert"])
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert re.fullmatch(r"\d+[smhd]", rule.get("for", "1m"))
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
    assert re.search(rf"^### {rule['alert']}$", OPERATIONS, re.MULTILINE), "what it means and what to do"
    assert rule["expr"].count("(") == rule["expr"].count(")")


def test_alerts_have_names_of_their_own() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))


def test_the_dashboard_takes_any_prometheus_and_its_panels_do_not_lie_on_each_other() -> None:
    assert {panel["datasource"]["uid"] for panel in BOARD["panels"]} == {"${datasource}"}
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        assert all(target["expr"] for target in panel["targets"])
        taken |= cells


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_accepts_the_rules() -> None:
    subprocess.run(["promtool", "check", "rules", str(RULES)], check=True, capture_output=True)


D = 'destination="pager"'
FIRES = {  # a series in which it is not, and comes true: each alert needs one
    "SyncdDown": ('up{job="syncd"}', "1x5 0x20"),
    "SyncdStuck": ("syncd_up", "1x5 0x20"),
    "SyncdStoreUnwritable": ("syncd_store_writable", "1x5 0x20"),
    "SyncdDestinationError": (f'syncd_destination_status{{{D},status="Error"}}', "0x5 1x20"),
    "SyncdDestinationStale": (f"syncd_destination_cycle_age_seconds{{{D}}}", "10x5 661x20"),
    "SyncdUncoveredShift": ('syncd_schedule_next_gap_timestamp_seconds{schedule="payments"}', "90000x5 70000x20"),
    "SyncdNoticesLate": ("syncd_notices_oldest_seconds", "0x5 901x20"),
    "SyncdDestinationWarning": (f'syncd_destination_status{{{D},status="Warning"}}', "0x5 1x20"),
    "SyncdCycleHangs": (f'syncd_cycles_total{{{D},outcome="hung"}}', "0x5 1x20"),
    "SyncdHold": (f"syncd_destination_holds{{{D}}}", "0x5 1x60"),
    "SyncdIntentsOpen": (f"syncd_destination_intents_open{{{D}}}", "0x5 1x90"),
    "SyncdConfigurationRefused": ("syncd_configuration_refused", "0x5 1x20"),
    "SyncdConnectorBug": (f'syncd_cycles_total{{{D},outcome="bug"}}', "0x5 1x20"),
}


def test_each_alert_is_silent_before_and_fires_after(tmp_path: Path) -> None:
    """Asked of Prometheus' own rules engine, a sample a minute; another destination that is well never fires."""
    assert set(FIRES) == {rule["alert"] for rule in rules()}
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    well = [
        {"series": 'syncd_destination_status{destination="well",status="Error"}', "values": "0x200"},
        {"series": 'syncd_destination_cycle_age_seconds{destination="well"}', "values": "10x200"},
        {"series": 'syncd_destination_refresh_seconds{destination="well"}', "values": "300x200"},
        {"series": f"syncd_destination_refresh_seconds{{{D}}}", "values": "300x200"},
    ]
    tests = []
    for rule in rules():
        series, values = FIRES[rule["alert"]]
        up = [{"series": 'up{job="syncd"}', "values": "1x200"}] if rule["alert"] != "SyncdDown" else []
        shown = "destination|schedule|status|job" + ("" if "without (outcome)" in rule["expr"] else "|outcome")
        labels = dict(re.findall(rf'({shown})="(\w+)"', series)) | rule["labels"]
        late = 6 + int(values.rpartition("x")[2])
        tests.append(
            {
                "interval": "1m",
                "input_series": [*well, *up, {"series": series, "values": values}],
                "alert_rule_test": [
                    {"eval_time": "4m", "alertname": rule["alert"], "exp_alerts": []},
                    {"eval_time": f"{late}m", "alertname": rule["alert"], "exp_alerts": [{"exp_labels": labels}]},
                ],
            }
        )
    told = tmp_path / "tests.yaml"
    bare = tmp_path / "alerts.yaml"  # what an annotation says of a value is not what this is about
    bare.write_text(re.sub(r"^ +annotations: .*\n", "", RULES.read_text("utf-8"), flags=re.MULTILINE))
    told.write_text(json.dumps({"rule_files": [str(bare)], "tests": tests}))
    done = subprocess.run(["promtool", "test", "rules", str(told)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_has_not_happened_yet_is_counted_from_nothing() -> None:
    """A counter that begins with 1 shows no increase: the first bug of all would alert nobody."""
    text = Measures().own(
        alive=True, ready=True, refused=False, writable=True, since=0, running={}, hanging={}, destinations=["pager"]
    )
    for outcome in OUTCOMES:
        assert f'syncd_cycles_total{{destination="pager",outcome="{outcome}"}} 0\n' in text
    counted = {name for rule in rules() for name in re.findall(r'outcome="(\w+)"', rule["expr"])}
    assert counted <= set(OUTCOMES)


def test_the_alerts_are_answered_in_their_order() -> None:
    assert re.findall(r"^### (Syncd\w+)$", OPERATIONS, re.MULTILINE) == [rule["alert"] for rule in rules()]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_metric_is_named_by_convention(family: str) -> None:
    kind, meaning = FAMILIES[family]
    assert re.fullmatch(r"syncd(_[a-z0-9]+)+", family)
    assert family.endswith("_total") == (kind == "counter")
    assert meaning.endswith(".")
