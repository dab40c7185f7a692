from catsdk.view.export import export_page
from catsdk.view.site.serving import viewing

__all__ = ["export_page", "viewing"]
