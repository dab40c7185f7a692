"""How values are shown in notebooks and by rich: small tables, whose texts can do nothing there."""
