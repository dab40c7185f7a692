"""The page of the nightly run: each part is a target of the Makefile, rows outlive other runs."""

import re
import sys
from pathlib import Path

from docs import nightly

ROOT = Path(__file__).resolve().parent.parent


def test_each_part_is_a_target_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))
    assert set(nightly.PARTS) <= targets


def test_every_part_has_a_row_on_the_page() -> None:
    page = nightly.PAGE.read_text(encoding="utf-8")
    assert nightly.rewritten(page, {}) == page


def test_a_new_outcome_takes_the_place_of_the_old_one_and_of_no_other() -> None:
    empty = f"before{nightly.BEGIN}{nightly.HEAD}{nightly.END}after"
    first = nightly.Outcome("passed", 61.04, "2026-01-02", "abc1234")
    second = nightly.Outcome("failed (2)", 3.0, "2026-01-03", "def5678+")
    page = nightly.rewritten(empty, {"soak": first})
    assert page.startswith("before") and page.endswith("after")
    assert page.count("not run yet") == len(nightly.PARTS) - 1
    page = nightly.rewritten(page, {"test-servers": second})
    soak, servers = nightly.PARTS["soak"], nightly.PARTS["test-servers"]
    assert f"| `soak` | {soak} | passed | 61.0 | 2026-01-02 | abc1234 |" in page
    assert f"| `test-servers` | {servers} | failed (2) | 3.0 | 2026-01-03 | def5678+ |" in page
    page = nightly.rewritten(page, {"soak": second})
    assert "61.0" not in page
    assert page.count("| `soak` |") == 1


def test_a_part_that_fails_is_written_down_as_failed(tmp_path: Path) -> None:
    code = "import sys; print('said'); sys.exit(3)"
    outcome = nightly.run("soak", "abc", [sys.executable, "-c", code], tmp_path)
    assert (outcome.how, outcome.commit) == ("failed (3)", "abc")
    assert (tmp_path / "soak.log").read_text(encoding="utf-8") == "said\n"
