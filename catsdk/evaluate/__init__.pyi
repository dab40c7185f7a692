from catsdk.evaluate.calibration import Calibration, Setting, calibrate
from catsdk.evaluate.contenders import Contender
from catsdk.evaluate.evaluation import Evaluation
from catsdk.evaluate.experiment import Sweep
from catsdk.evaluate.files import write_report
from catsdk.evaluate.grading import ItemGrader
from catsdk.evaluate.item_files import ItemFiles, read_seen
from catsdk.evaluate.items import Item, item_of
from catsdk.evaluate.observations import Observation, Seen
from catsdk.evaluate.planning import items_needed
from catsdk.evaluate.reading import read_items
from catsdk.evaluate.report import Report
from catsdk.evaluate.statistics import Bootstrap, Estimate

__all__ = [
    "Bootstrap",
    "Calibration",
    "Contender",
    "Estimate",
    "Evaluation",
    "Item",
    "ItemFiles",
    "ItemGrader",
    "Observation",
    "Report",
    "Seen",
    "Setting",
    "Sweep",
    "calibrate",
    "item_of",
    "items_needed",
    "read_items",
    "read_seen",
    "write_report",
]
