"""Shoup's threshold RSA (EUROCRYPT 2000) along formulas. Numbers are big-endian, those modulo N as long as N."""
import hashlib
import math

from common import hmac_sha512, require, sha256, shake256, u32
from formulas import check_formula, encode_formula, integer_terms, leaves_of, multiplier, own_leaves, shown

SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")  # RFC 8017, section 9.2, note 1
CHALLENGE_BYTES = 16


def number(data):
    return int.from_bytes(data, "big")


def jacobi(a, n):
    a, sign = a % n, 1
    while a:
        while a % 2 == 0:
            a //= 2
            sign = -sign if n % 8 in (3, 5) else sign
        a, n = n, a
        sign = -sign if a % 4 == n % 4 == 3 else sign
        a %= n
    return sign if n == 1 else 0


def bezout(a, b):
    """(x, y) with x*a + y*b = gcd(a, b), as Euclid's algorithm finds them."""
    x0, x1, y0, y1 = 1, 0, 0, 1
    while b:
        quotient = a // b
        a, b, x0, x1, y0, y1 = b, a - quotient * b, x1, x0 - quotient * x1, y1, y0 - quotient * y1
    return x0, y0


# ---- How long a leaf's secret is. A share of several gates is an integer, not a number modulo m (docs/vectors.md).


def secret_bytes(formula, modulus):
    order = 2 ** (modulus.bit_length() - 2)  # above m = p'q'
    return (hidden_bound(formula, order).bit_length() + 1 + 7) // 8  # one bit more for the sign


def hidden_bound(formula, order):
    """For a node that no unqualified set satisfies: the root, and the inputs of such an OR."""
    if isinstance(formula, int):
        return order
    if formula["threshold"] == 1:
        return max(hidden_bound(each, order) for each in formula["of"])
    return max(open_bound(each, multiplier(each) * order) for each in formula["of"])


def open_bound(formula, bound):
    """For any other node, with a value of at most `bound`."""
    if isinstance(formula, int):
        return bound
    threshold, width = formula["threshold"], len(formula["of"])
    if threshold > 1:
        below = math.lcm(*map(multiplier, formula["of"]))
        random = 2 * threshold * (bound // below + 1) * 2**128
        growth = width if threshold == width else sum(width**degree for degree in range(1, threshold))
        bound += below * random * growth
    return max(open_bound(each, bound) for each in formula["of"])


def signed(secret):
    """A secret on file: a sign bit, then the magnitude."""
    magnitude = number(secret) & ~(1 << 8 * len(secret) - 1)
    return -magnitude if secret[0] & 0x80 else magnitude


# ---- Keys


class Key:
    def __init__(self, fields):
        """Of the fields that a file has for a key; the secret ones may be missing."""
        self.modulus, self.size = number(fields["modulus"]), len(fields["modulus"])
        self.exponent, self.access = fields["exponent"], fields["access"]
        self.v, self.keys = number(fields["verificationBase"]), list(map(number, fields["verificationKeys"]))
        self.u = number(fields["nonResidue"]) if fields["nonResidue"] else None
        self.secrets = fields["secrets"]
        self.multiplier = multiplier(self.access)
        self.secret_bytes = secret_bytes(self.access, self.modulus)
        head = [fields["modulus"], self.exponent.to_bytes(8, "big"), encode_formula(self.access)]
        parts = [*head, fields["verificationBase"], fields["nonResidue"], *fields["verificationKeys"]]
        self.digest = sha256("abcast/1 rsa public key", *parts)
        # x_j = x^(factor*s_j)
        self.factor = 2 * self.multiplier if self.u is None else 2

    def format(self, value):
        return value.to_bytes(self.size, "big")

    def leaves_of(self, party):
        return own_leaves(self.access, party)


def check_key(fields):
    modulus, size = number(fields["modulus"]), len(fields["modulus"])
    require(2048 <= modulus.bit_length() <= 4096 and fields["modulus"][0] != 0 and modulus % 2 == 1, "no such modulus")
    check_formula(fields["access"])
    exponent = fields["exponent"]
    require(3 <= exponent <= 2**32 and all(exponent % i for i in range(2, math.isqrt(exponent) + 1)), "e is no prime")
    require(exponent > greatest_width(fields["access"]), "e is not above the width of all gates")
    require(len(fields["verificationKeys"]) == len(leaves_of(fields["access"])), "not one key for each leaf")
    for value in (fields["verificationBase"], *fields["verificationKeys"]):
        require(len(value) == size and number(value) < modulus, "not a number modulo N")
        require(looks_like_square(number(value), modulus), "no square modulo N")
    u = fields["nonResidue"]
    right_u = len(u) == size and number(u) < modulus and jacobi(number(u), modulus) == -1
    require(u == b"" or right_u, "u has no Jacobi symbol of -1")


def greatest_width(formula):
    return 1 if isinstance(formula, int) else max(len(formula["of"]), *map(greatest_width, formula["of"]))


def looks_like_square(value, modulus):
    return value not in (1, modulus - 1) and jacobi(value, modulus) == 1


# ---- Shares and their proofs


def pad(message, size):
    """EMSA-PKCS1-v1_5 with SHA-256 (RFC 8017, section 9.2)."""
    tail = b"\x00" + SHA256_PREFIX + hashlib.sha256(message).digest()
    return b"\x00\x01" + b"\xff" * (size - 2 - len(tail)) + tail


def representative(key, message):
    """(x, whether u^e was multiplied in)."""
    x = number(pad(message, key.size))
    if key.u is None or jacobi(x, key.modulus) != -1:
        return x, False
    return x * pow(key.u, key.exponent, key.modulus) % key.modulus, True


def base_of(key, message):
    """x~, of which x_j^2 is the s_j-th power."""
    return pow(representative(key, message)[0], 2 * key.factor, key.modulus)


def prove(key, message, party):
    """A party's share and its proof, with all that leads to it."""
    n, base, secrets = key.modulus, base_of(key, message), [key.secrets[leaf] for leaf in key.leaves_of(party)]
    x = representative(key, message)[0]
    pieces = [key.format(pow(x, key.factor * signed(secret), n)) for secret in secrets]
    bound = [key.digest, u32(party), key.format(base), *pieces]
    nonce_key = hmac_sha512(b"".join(secrets), "abcast/1 rsa nonce key", key.digest)
    seed = hmac_sha512(nonce_key, "abcast/1 rsa share nonce", *bound)
    size = key.secret_bytes + 32
    nonces = [shake256(size, "abcast/1 rsa share nonce expansion", seed, u32(i)) for i in range(len(pieces))]
    commitments = [key.format(pow(to, number(nonce), n)) for nonce in nonces for to in (key.v, base)]
    challenge = sha256("abcast/1 rsa share proof", *bound, *commitments)[:CHALLENGE_BYTES]
    responses = [signed(s) * number(challenge) + number(nonce) for s, nonce in zip(secrets, nonces)]
    responses = [response.to_bytes(size + 1, "big") for response in responses]
    found = {"nonceKey": nonce_key, "seed": seed, "nonces": nonces, "commitments": commitments}
    found |= {"challenge": challenge, "responses": responses}
    return found | {"share": b"".join(pieces), "proof": challenge + b"".join(responses)}


class Unproven(Exception):
    """A share that came without its proof."""


def check_share(key, message, party, share):
    leaves, n = key.leaves_of(party), key.modulus
    share_bytes, response_bytes = len(leaves) * key.size, key.secret_bytes + 33
    sizes = (share_bytes, share_bytes + CHALLENGE_BYTES + len(leaves) * response_bytes)
    require(leaves and len(share) in sizes, "the size is wrong")
    pieces = [share[i : i + key.size] for i in range(0, share_bytes, key.size)]
    require(all(0 < number(piece) < n for piece in pieces), "a piece is not in 1..N-1")
    require(all(looks_like_square(number(piece), n) for piece in pieces), "a piece is no square modulo N")
    if len(share) == share_bytes:
        raise Unproven
    base, proof = base_of(key, message), share[share_bytes:]
    challenge, rest = proof[:CHALLENGE_BYTES], proof[CHALLENGE_BYTES:]
    c, commitments = number(challenge), []
    for i, (leaf, piece) in enumerate(zip(leaves, pieces)):
        z = number(rest[i * response_bytes : (i + 1) * response_bytes])
        commitments.append(pow(key.v, z, n) * pow(key.keys[leaf], -c, n) % n)
        commitments.append(pow(base, z, n) * pow(number(piece), -2 * c, n) % n)
    bound = [key.digest, u32(party), key.format(base), *pieces]
    expected = sha256("abcast/1 rsa share proof", *bound, *map(key.format, commitments))
    require(challenge == expected[:CHALLENGE_BYTES], "the proof does not hold")


# ---- Signatures


def combine(key, message, parties, shares):
    """The signature from the shares of a qualified set, with all that leads to it."""
    n, owners, terms = key.modulus, leaves_of(key.access), integer_terms(key.access, parties)
    x, shifted = representative(key, message)
    gcd = math.gcd(*(coefficient for _, coefficient in terms))
    root = 1
    for leaf, coefficient in terms:
        piece = key.leaves_of(owners[leaf]).index(leaf)
        value = number(shares[owners[leaf]][piece * key.size : (piece + 1) * key.size])
        root = root * pow(value, 2 * coefficient // gcd, n) % n
    # root^e = x^(4D^2/gcd) in Protocol 1; (root^gcd)^e = x^4 in Protocol 2.
    root_exponent, restoring = (4 * key.multiplier**2 // gcd, 1) if key.u is None else (4, gcd)
    a, b = bezout(root_exponent, key.exponent)
    y = pow(root, restoring * a, n) * pow(x, b, n) % n
    if shifted:
        y = y * pow(key.u, -1, n) % n
    found = {"parties": parties, "terms": shown(terms), "gcd": str(gcd), "root": key.format(root)}
    found |= {"rootExponent": str(root_exponent), "a": str(a), "b": str(b)}
    return found, key.format(y)


def check_signature(key, message, signature):
    """RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2.2)."""
    require(len(signature) == key.size and number(signature) < key.modulus, "the signature does not fit the key")
    opened = pow(number(signature), key.exponent, key.modulus)
    require(key.format(opened) == pad(message, key.size), "not a signature of this message")
