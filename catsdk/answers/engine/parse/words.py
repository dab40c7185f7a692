"""The words of mathematics and of units: commands, functions, letters with names."""

from __future__ import annotations

__all__ = [
    "ACCENTS",
    "CONSTANTS",
    "DELIMITERS",
    "FUNCTION_WORDS",
    "GREEK",
    "OPERATORS",
    "RELATIONS",
    "SKIPPED",
    "TEXT_COMMANDS",
]

# Commands that change the looks of what follows, and leave it standing.
_SKIPPED_WORDS = """
displaystyle textstyle scriptstyle limits nolimits left right bigl bigr Bigl Bigr biggl biggr
    Biggl Biggr big Big bigg Bigg middle quad qquad thinspace enspace enskip hspace vspace smallskip
    medskip bigskip noindent hfill nonumber notag boldsymbol bm mathbf mathsf mathcal mathit rm bf
    it tt sf cal boxed fbox underline hline large Large small tiny normalsize mathopen mathclose
    mathord mleft mright mathrel mathbin relax allowbreak nobreak protect ensuremath tag label
"""
SKIPPED = frozenset(_SKIPPED_WORDS.split())
_TEXT_COMMANDS_WORDS = """
text textbf textit textrm textnormal texttt textsf textsc mbox hbox mathrm operatorname emph
    mathop textup
"""
TEXT_COMMANDS = frozenset(_TEXT_COMMANDS_WORDS.split())
ACCENTS = frozenset(["overline", "bar", "vec", "hat", "widehat", "overrightarrow", "tilde", "dot"])
DELIMITERS = {
    "lbrace": "\\{",
    "rbrace": "\\}",
    "lbrack": "[",
    "rbrack": "]",
    "lparen": "(",
    "rparen": ")",
    "langle": "(",
    "rangle": ")",
    "lvert": "|(",
    "rvert": ")|",
    "lVert": "|(",
    "rVert": ")|",
    "vert": "|",
    "Vert": "|",
    "lfloor": "floor(",
    "rfloor": ")floor",
    "lceil": "ceil(",
    "rceil": ")ceil",
}
OPERATORS = {
    "cdot": "*",
    "times": "times",
    "ast": "*",
    "bullet": "*",
    "div": "/",
    "over": "/",
    "colon": ":",
    "mid": "\\mid",
    "pm": "pm",
    "mp": "mp",
    "cup": "cup",
    "bigcup": "cup",
    "cap": "cap",
    "setminus": "setminus",
    "backslash": "setminus",
    "bmod": "mod",
    "mod": "mod",
    "pmod": "pmod",
    "land": "land",
    "wedge": "land",
    "lor": "lor",
    "vee": "lor",
    "ldots": "...",
    "dots": "...",
    "cdots": "...",
    "dotsc": "...",
    "circ": "degree",
    "degree": "degree",
    "prime": "'",
    "pounds": "$",
    "euro": "$",
    "textdollar": "$",
    "and": ",",
}
RELATIONS = {
    "le": "<=",
    "leq": "<=",
    "leqslant": "<=",
    "leqq": "<=",
    "ge": ">=",
    "geq": ">=",
    "geqslant": ">=",
    "geqq": ">=",
    "ne": "!=",
    "neq": "!=",
    "lt": "<",
    "gt": ">",
    "approx": "~",
    "simeq": "~",
    "sim": "~",
    "cong": "cong",
    "thickapprox": "~",
    "doteq": "~",
    "equiv": "==",
    "implies": "=>",
    "Rightarrow": "=>",
    "Longrightarrow": "=>",
    "rightarrow": "->",
    "to": "->",
    "longrightarrow": "->",
    "in": "in",
    "iff": "<=>",
    "Leftrightarrow": "<=>",
    "leftrightarrow": "<=>",
    "Longleftrightarrow": "<=>",
    "coloneqq": "=",
}
CONSTANTS = {
    "pi": "pi",
    "infty": "infinity",
    "infinity": "infinity",
    "inf": "infinity",
    "oo": "infinity",
    "infin": "infinity",
}
_GREEK_WORDS = """
alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi
    rho varrho sigma varsigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi
    Sigma Upsilon Phi Psi Omega ell hbar Re Im aleph partial nabla
"""
GREEK = frozenset(_GREEK_WORDS.split())
# How a function may be written -> what it is called in the tree.
FUNCTION_WORDS = {
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "tg": "tan",
    "cot": "cot",
    "ctg": "cot",
    "sec": "sec",
    "csc": "csc",
    "cosec": "csc",
    "arcsin": "arcsin",
    "asin": "arcsin",
    "arccos": "arccos",
    "acos": "arccos",
    "arctan": "arctan",
    "atan": "arctan",
    "arctg": "arctan",
    "arccot": "arccot",
    "acot": "arccot",
    "arcsec": "arcsec",
    "arccsc": "arccsc",
    "sinh": "sinh",
    "cosh": "cosh",
    "tanh": "tanh",
    "coth": "coth",
    "sech": "sech",
    "csch": "csch",
    "arcsinh": "arcsinh",
    "arsinh": "arcsinh",
    "asinh": "arcsinh",
    "arccosh": "arccosh",
    "arcosh": "arccosh",
    "acosh": "arccosh",
    "arctanh": "arctanh",
    "artanh": "arctanh",
    "atanh": "arctanh",
    "ln": "ln",
    "log": "log",
    "lg": "lg",
    "exp": "exp",
    "sqrt": "sqrt",
    "cbrt": "cbrt",
    "abs": "abs",
    "Abs": "abs",
    "floor": "floor",
    "ceil": "ceil",
    "ceiling": "ceil",
    "gcd": "gcd",
    "lcm": "lcm",
    "min": "min",
    "max": "max",
    "det": "det",
    "frac": "frac",
    "binom": "binom",
    "choose": "choose",
    "sgn": "sign",
    "sign": "sign",
    "arg": "arg",
    "factorial": "factorial",
    "int": "int",
    "sum": "sum",
    "prod": "prod",
    "lim": "lim",
}
