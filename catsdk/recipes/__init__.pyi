from catsdk.recipes.digest import digest_of
from catsdk.recipes.names import ENTRY_POINTS, is_known_role, known_roles
from catsdk.recipes.reading import from_data, from_yaml
from catsdk.recipes.writing import to_data, to_yaml, written

__all__ = [
    "ENTRY_POINTS",
    "digest_of",
    "from_data",
    "from_yaml",
    "is_known_role",
    "known_roles",
    "to_data",
    "to_yaml",
    "written",
]
