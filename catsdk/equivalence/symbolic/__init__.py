"""The tier of last resort: sympy in processes that can be killed."""
