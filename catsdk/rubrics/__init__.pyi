from catsdk.rubrics.bias import position_bias
from catsdk.rubrics.files import dumps, load, loads, save
from catsdk.rubrics.healthbench import read_healthbench
from catsdk.rubrics.judge import Judge, Judging
from catsdk.rubrics.judged import Judged
from catsdk.rubrics.kappa import Agreement, agreement
from catsdk.rubrics.page import html_report
from catsdk.rubrics.panel import Panel
from catsdk.rubrics.proposer import RubricProposer
from catsdk.rubrics.quality import Filters, filtered
from catsdk.rubrics.scoring import Missing

__all__ = [
    "Agreement",
    "Filters",
    "Judge",
    "Judged",
    "Judging",
    "Missing",
    "Panel",
    "RubricProposer",
    "agreement",
    "dumps",
    "filtered",
    "html_report",
    "load",
    "loads",
    "position_bias",
    "read_healthbench",
    "save",
]
