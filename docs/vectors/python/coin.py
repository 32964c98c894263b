"""The coin of Cachin, Kursawe and Shoup (PODC 2000, section 4.3)."""
from common import sha512, shake256, u32
from ristretto255 import element_from_hash
from shared_key import check_share, interpolate, keys_of, prove, secrets_of

DOMAIN = "abcast/1 coin share proof"


def base_of(label, coin):
    return element_from_hash(sha512("abcast/1 coin base", label, coin))


def make_share(key, label, coin, party):
    context = [label, u32(party), coin]
    return prove(DOMAIN, context, keys_of(key, party), base_of(label, coin), secrets_of(key, party))


def check_coin_share(key, label, coin, party, share):
    check_share(DOMAIN, [label, u32(party), coin], keys_of(key, party), base_of(label, coin), share)


def value_of(bits, label, coin, element):
    """`bits` bits in as few bytes as they need; the unused high bits of the last byte are 0."""
    value = bytearray(shake256((bits + 7) // 8, "abcast/1 coin value", label, u32(bits), coin, element))
    value[-1] &= 0xFF >> (-bits % 8)
    return bytes(value)
