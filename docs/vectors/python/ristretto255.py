"""The group ristretto255 (RFC 9496).

Elements and scalars are 32 bytes; a point is (X, Y, Z, T), extended Edwards coordinates.
"""
from common import require

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493  # the order of the group
D = -121665 * pow(121666, -1, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)
SQRT_AD_MINUS_ONE = 25063068953384623474111414158702152701244531502492656460079210482610430750235
IDENTITY = bytes(32)
BASE = bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")


def absolute(x):
    return P - x if x & 1 else x


def sqrt_ratio(u, v):
    """RFC 9496, section 4.2: whether u/v is a square, and the root of it or of SQRT_M1*u/v."""
    r = u * v**3 * pow(u * v**7 % P, (P - 5) // 8, P) % P
    check = v * r * r % P
    if check in (-u % P, -u * SQRT_M1 % P):
        r = r * SQRT_M1 % P
    return check in (u % P, -u % P), absolute(r)


INVSQRT_A_MINUS_D = sqrt_ratio(1, -1 - D)[1]


def decode(data):
    """The point of an encoded element, or None (section 4.3.1)."""
    s = int.from_bytes(data, "little")
    if len(data) != 32 or s >= P or s & 1:
        return None
    u1, u2 = 1 - s * s, 1 + s * s
    v = (-D * u1 * u1 - u2 * u2) % P
    was_square, inverse_root = sqrt_ratio(1, v * u2 * u2 % P)
    x = absolute(2 * s * inverse_root * u2 % P)
    y = u1 * inverse_root * inverse_root * u2 * v % P
    t = x * y % P
    return None if not was_square or t & 1 or y == 0 else (x, y, 1, t)


def encode(point):
    """Section 4.3.2."""
    x, y, z, t = point
    u1, u2 = (z + y) * (z - y) % P, x * y % P
    inverse_root = sqrt_ratio(1, u1 * u2 * u2 % P)[1]
    den1, den2 = inverse_root * u1 % P, inverse_root * u2 % P
    z_inverse = den1 * den2 * t % P
    if t * z_inverse % P & 1:
        x, y, den2 = y * SQRT_M1 % P, x * SQRT_M1 % P, den1 * INVSQRT_A_MINUS_D % P
    if x * z_inverse % P & 1:
        y = -y
    return absolute(den2 * (z - y) % P).to_bytes(32, "little")


def add(one, other):
    (x1, y1, z1, t1), (x2, y2, z2, t2) = one, other
    a, b = (y1 - x1) * (y2 - x2), (y1 + x1) * (y2 + x2)
    c, d = 2 * D * t1 * t2, 2 * z1 * z2
    e, f, g, h = (b - a) % P, (d - c) % P, (d + c) % P, (b + a) % P
    return e * f % P, g * h % P, f * g % P, e * h % P


def map_to_point(half):
    """Section 4.3.4, MAP."""
    t = (int.from_bytes(half, "little") & (2**255 - 1)) % P
    r = SQRT_M1 * t * t % P
    u, v = (r + 1) * (1 - D * D) % P, (-1 - r * D) * (r + D) % P
    was_square, s = sqrt_ratio(u, v)
    s, c = (s, -1) if was_square else (-absolute(s * t % P), r)
    n = c * (r - 1) * (D - 1) ** 2 - v
    w0, w1, w2, w3 = 2 * s * v, n * SQRT_AD_MINUS_ONE, 1 - s * s, 1 + s * s
    return w0 * w3 % P, w2 * w1 % P, w1 * w3 % P, w0 * w2 % P


def element_from_hash(digest):
    return encode(add(map_to_point(digest[:32]), map_to_point(digest[32:])))


def power(element, exponent):
    """element^exponent: the group is written as a product."""
    result, point = (0, 1, 1, 0), decode(element)
    for bit in bin(exponent % L)[2:]:
        result = add(result, result)
        if bit == "1":
            result = add(result, point)
    return encode(result)


def product(elements):
    result = (0, 1, 1, 0)
    for element in elements:
        result = add(result, decode(element))
    return encode(result)


def is_element(data):
    return data != IDENTITY and decode(data) is not None


def scalar(data):
    """The number of a scalar in 1..L-1."""
    number = int.from_bytes(data, "little")
    require(0 < number < L and len(data) == 32, "a scalar is 0 or not reduced")
    return number


def scalar_bytes(number):
    return number.to_bytes(32, "little")


def scalar_from_hash(digest):
    return int.from_bytes(digest, "little") % L
