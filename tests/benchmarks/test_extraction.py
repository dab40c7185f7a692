"""The benchmark of extraction counts agreement as it says, with the marks and without them."""

import gzip
import json
from pathlib import Path

from benchmarks.extraction import measure, without_mark


def test_marks_are_removed_and_what_they_held_stays() -> None:
    assert without_mark("So it is \\boxed{\\frac{1}{2}}.") == "So it is \\frac{1}{2}."
    assert without_mark("2 * 9 = 18\nA: 18\n") == "2 * 9 = 18"
    assert without_mark("\\boxed{1} and \\boxed{2") == "1 and \\boxed{2"


def test_agreement_is_with_the_grade_and_without_marks_with_the_answer(tmp_path: Path) -> None:
    samples = [
        {"completion": "So it is \\boxed{18}.", "graded": True, "extracted": "18"},
        {"completion": "2 * 9 = 19\nA: 19", "graded": False, "extracted": "19"},
        {"completion": "Hmm, perhaps 18.\nA: 18", "graded": True, "extracted": "18"},
        {"completion": "I do not know.", "graded": False, "extracted": None},
    ]
    path = tmp_path / "a.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write(json.dumps({"gold": "18", "samples": samples}))
    marked, prose, cut = measure(path)
    assert (marked.agreed, marked.count, marked.silent) == (4, 4, 1)
    assert (prose.agreed, prose.count, prose.silent) == (2, 3, 1)
    assert (cut.agreed, cut.count, cut.silent) == (4, 4, 4)
    assert marked.rules == {"boxed": 1, "said": 2, "none": 1}
    assert "1.0000 | 0.2500" in marked.line("a")
