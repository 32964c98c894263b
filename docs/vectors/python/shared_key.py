"""Keys over ristretto255, and the proof that elements are powers of one base with a party's secrets (Chaum and Pedersen)."""
import math
from fractions import Fraction

from common import hmac_sha512, require, sha512, u32
from formulas import check_formula, leaves_of, own_leaves, shown, terms_modulo
from ristretto255 import BASE, L, is_element, power, product, scalar, scalar_bytes, scalar_from_hash


def check_shared_key(key):
    check_formula(key["access"])
    require(len(key["verificationKeys"]) == len(leaves_of(key["access"])), "not one verification key for each leaf")
    require(all(map(is_element, [key["publicKey"], *key["verificationKeys"]])), "not an element of the group")
    same = root_element(key["access"], iter(key["verificationKeys"])) == key["publicKey"]
    require(same, "the verification keys do not belong to the public key")


def root_element(formula, keys):
    """What every qualified set gets out of the leaves' elements `keys`; Invalid when they would not all get the same."""
    if isinstance(formula, int):
        return next(keys)
    values = [root_element(each, keys) for each in formula["of"]]
    threshold, width = formula["threshold"], len(values)
    if threshold == width:
        return product(values)
    known = range(1, threshold + 1)

    def value_at(x):
        """Of the polynomial through the first inputs, in the exponent."""
        others = [[o for o in known if o != i] for i in known]
        lambdas = [math.prod(Fraction(x - o, i - o) for o in rest) for i, rest in zip(known, others)]
        powers = [each.numerator * pow(each.denominator, -1, L) for each in lambdas]
        return product(power(value, exponent) for value, exponent in zip(values, powers))

    require(all(value_at(x) == values[x - 1] for x in range(threshold + 1, width + 1)), "qualified sets differ")
    return value_at(0)


def proof_hash_parts(context, keys, base, elements):
    return [u32(len(context)), *context, u32(len(keys)), *keys, base, *elements]


def prove(domain, context, keys, base, secrets):
    """The share of a party and its proof, with all that leads to it. `secrets`: scalars as bytes."""
    elements = [power(base, scalar(secret)) for secret in secrets]
    parts = proof_hash_parts(context, keys, base, elements)
    nonce_of = lambda j: scalar_from_hash(hmac_sha512(b"".join(secrets), domain + " nonce", u32(j), *parts))
    nonces = [nonce_of(j) for j in range(len(secrets))]
    a, b = [power(BASE, nonce) for nonce in nonces], [power(base, nonce) for nonce in nonces]
    challenge = scalar_from_hash(sha512(domain, *parts, *a, *b))
    responses = [scalar_bytes((nonce + challenge * scalar(x)) % L) for nonce, x in zip(nonces, secrets)]
    share = b"".join([*elements, scalar_bytes(challenge), *responses])
    found = {"elements": elements, "nonces": list(map(scalar_bytes, nonces)), "a": a, "b": b}
    return found | {"challenge": scalar_bytes(challenge), "responses": responses, "share": share}


def check_share(domain, context, keys, base, share):
    count = len(keys)
    require(count > 0 and len(share) == 32 * (2 * count + 1), "the size is wrong")
    parts = [share[i : i + 32] for i in range(0, len(share), 32)]
    elements, scalars = parts[:count], list(map(scalar, parts[count:]))
    require(all(map(is_element, elements)), "not an element of the group")
    challenge, responses = scalars[0], scalars[1:]
    a = [product([power(BASE, z), power(key, -challenge)]) for z, key in zip(responses, keys)]
    b = [product([power(base, z), power(to, -challenge)]) for z, to in zip(responses, elements)]
    expected = scalar_from_hash(sha512(domain, *proof_hash_parts(context, keys, base, elements), *a, *b))
    require(challenge == expected, "the proof does not hold")


def keys_of(key, party):
    return [key["verificationKeys"][leaf] for leaf in own_leaves(key["access"], party)]


def secrets_of(key, party):
    return [key["secrets"][leaf] for leaf in own_leaves(key["access"], party)]


def interpolate(key, parties, shares):
    """base^x from the shares' elements; the terms in the file's form."""
    owners, terms = leaves_of(key["access"]), terms_modulo(key["access"], parties, L)
    piece = lambda leaf: own_leaves(key["access"], owners[leaf]).index(leaf)
    return product(power(shares[owners[leaf]][32 * piece(leaf) :][:32], c) for leaf, c in terms), shown(terms)
