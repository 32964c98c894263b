"""Access formulas and secret sharing along them.

A formula is a party, or {"threshold": k, "of": [...]}. Its leaves are numbered from left to right.
"""
import math
from fractions import Fraction

from common import require, u32


def check_formula(formula):
    def visit(node, depth):
        if isinstance(node, int):
            require(0 <= node <= 255, "no such party")
            return
        threshold, inputs = node["threshold"], node["of"]
        require(depth < 8 and 1 <= threshold <= len(inputs), "too deep, or no such threshold")
        for each in inputs:
            visit(each, depth + 1)

    visit(formula, 0)
    leaves = leaves_of(formula)
    require(len(leaves) <= 1024 and all(leaves.count(party) <= 32 for party in set(leaves)), "too many leaves")


def leaves_of(formula):
    """The party of each leaf."""
    return [formula] if isinstance(formula, int) else [party for each in formula["of"] for party in leaves_of(each)]


def own_leaves(formula, party):
    return [leaf for leaf, owner in enumerate(leaves_of(formula)) if owner == party]


def encode_formula(formula):
    if isinstance(formula, int):
        return bytes([0, formula])
    inputs = formula["of"]
    return b"\1" + u32(formula["threshold"]) + u32(len(inputs)) + b"".join(map(encode_formula, inputs))


def delta(gate):
    """m! for a gate of m inputs, but 1 for OR and AND, which need no division."""
    width = len(gate["of"])
    return 1 if gate["threshold"] in (1, width) else math.factorial(width)


def multiplier(formula):
    """D: the product of all gates' deltas."""
    return 1 if isinstance(formula, int) else delta(formula) * math.prod(map(multiplier, formula["of"]))


def integer_terms(formula, parties, first=0):
    """[(leaf, coefficient)] with sum coefficient*share = D*secret, or None for an unqualified set."""
    if isinstance(formula, int):
        return [(first, 1)] if formula in parties else None
    solved = []
    for place, each in enumerate(formula["of"], 1):
        terms = integer_terms(each, parties, first)
        first += len(leaves_of(each))
        if terms is not None:
            solved.append((place, multiplier(each), terms))
    if len(solved) < formula["threshold"]:
        return None
    # The inputs with fewest terms, the first ones among equals (sorting is stable).
    chosen = sorted(solved, key=lambda item: len(item[2]))[: formula["threshold"]]
    places = [place for place, _, _ in chosen]
    result = []
    for place, below, terms in chosen:
        weight = Fraction(multiplier(formula), below)
        if delta(formula) != 1:
            weight *= math.prod(Fraction(other, other - place) for other in places if other != place)
        assert weight.denominator == 1
        result += [(leaf, coefficient * weight.numerator) for leaf, coefficient in terms]
    return result


def terms_modulo(formula, parties, order):
    """[(leaf, coefficient)] with sum coefficient*share = secret modulo the order."""
    divisor = pow(multiplier(formula), -1, order)
    terms = integer_terms(formula, parties)
    return terms and [(leaf, coefficient * divisor % order) for leaf, coefficient in terms]


def deal(formula, secret, modulus, random):
    """Each leaf's share; `random` yields the numbers that the dealer draws, from the root down and from left to right."""
    if isinstance(formula, int):
        return [secret]
    threshold, width = formula["threshold"], len(formula["of"])
    if threshold == 1:
        values = [secret] * width
    elif threshold == width:
        values = [next(random) for _ in range(width - 1)]
        values.append((secret - sum(values)) % modulus)
    else:
        polynomial = [secret] + [next(random) for _ in range(threshold - 1)]
        values = [sum(a * x**i for i, a in enumerate(polynomial)) % modulus for x in range(1, width + 1)]
    return [share for each, value in zip(formula["of"], values) for share in deal(each, value, modulus, random)]


def shown(terms):
    """As the files have them."""
    return [{"leaf": leaf, "coefficient": str(coefficient)} for leaf, coefficient in terms]
