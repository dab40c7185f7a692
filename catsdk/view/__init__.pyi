from catsdk.view.agreement import Labelled, people_and_judges
from catsdk.view.export import export_page
from catsdk.view.labels import Label, add_label, labels_in
from catsdk.view.site.serving import viewing

__all__ = [
    "Label",
    "Labelled",
    "add_label",
    "export_page",
    "labels_in",
    "people_and_judges",
    "viewing",
]
