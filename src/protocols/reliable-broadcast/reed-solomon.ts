/**
 * Reed–Solomon erasure code over GF(2^8), systematic: of `total` fragments the first `needed` are the data, and any
 * `needed` give all of them.
 *
 * At each byte position the data are the values of a polynomial of degree below `needed` at the points 0..needed-1, and
 * fragment i is its value at the point i: at most 256 fragments. The field is that of x^8+x^4+x^3+x^2+1.
 *
 * Source: Reed and Solomon, "Polynomial codes over certain finite fields", 1960; Rabin, "Efficient dispersal of information
 * for security, load balancing, and fault tolerance", Journal of the ACM 36, 1989. Same bytes as Backblaze's JavaReedSolomon.
 */

export const MAX_FRAGMENTS = 256;

/** A fragment at its point. */
export type Fragments = ReadonlyMap<number, Uint8Array>;

const POLYNOMIAL = 0x11d;
const ORDER = 255;

/** Powers of the generator x, twice, so that a sum of two logarithms needs no reduction. */
const EXP = new Uint8Array(2 * ORDER);
const LOG = new Uint8Array(ORDER + 1);
/** The product of a and b at 256·a + b. */
const PRODUCTS = new Uint8Array(256 * 256);

for (let power = 0, value = 1; power < ORDER; power++) {
  EXP[power] = EXP[power + ORDER] = value;
  LOG[value] = power;
  value = value < 128 ? value << 1 : (value << 1) ^ POLYNOMIAL;
}
for (let a = 1; a < 256; a++)
  for (let b = 1; b < 256; b++) PRODUCTS[256 * a + b] = EXP[(LOG[a] ?? 0) + (LOG[b] ?? 0)] ?? 0;

/**
 * All `total` fragments for the data fragments, which are themselves the first.
 * @throws RangeError unless there are 1..total of them, of one length, and at most MAX_FRAGMENTS in all.
 */
export function encodeFragments(data: readonly Uint8Array[], total: number): Uint8Array[] {
  if (total < data.length || total > MAX_FRAGMENTS) throw new RangeError(`${data.length} of ${total} fragments`);
  const interpolate = interpolation(new Map(data.entries()));
  return Array.from({ length: total }, (_, point) => interpolate(point));
}

/**
 * The data fragments from any others of the same codeword, as many as there are data fragments. From fragments that are of
 * no one codeword, some data.
 * @throws RangeError unless there are some, of one length, at points below MAX_FRAGMENTS.
 */
export function decodeFragments(fragments: Fragments): Uint8Array[] {
  const interpolate = interpolation(fragments);
  return Array.from({ length: fragments.size }, (_, point) => interpolate(point));
}

/**
 * The values at any point of the polynomials of least degree through `fragments` (Lagrange). With w_j = Π(x_j - x_m) over
 * m ≠ j, the factor of fragment j at x is Π(x - x_m) over m ≠ j, divided by w_j; all in logarithms.
 */
function interpolation(fragments: Fragments): (point: number) => Uint8Array {
  const points = [...fragments.keys()];
  const sizeBytes = sizeOf(fragments);
  const weights = points.map((point) => logOfDifferences(point, points));
  return (point) => {
    const known = fragments.get(point);
    if (known !== undefined) return known;
    const sum = new Uint8Array(sizeBytes);
    const numerator = logOfDifferences(point, points);
    [...fragments].forEach(([other, fragment], index) => {
      const log = numerator - (LOG[point ^ other] ?? 0) - (weights[index] ?? 0) + 2 * ORDER;
      addProduct(sum, fragment, EXP[log % ORDER] ?? 0);
    });
    return sum;
  };
}

/** The logarithm of the product of `point` - x over all x of `points` but itself; subtraction is XOR. */
function logOfDifferences(point: number, points: readonly number[]): number {
  return points.reduce((log, other) => (other === point ? log : (log + (LOG[point ^ other] ?? 0)) % ORDER), 0);
}

function sizeOf(fragments: Fragments): number {
  const sizes = new Set([...fragments.values()].map(({ length }) => length));
  const [sizeBytes] = sizes;
  if (sizeBytes === undefined || sizes.size > 1) throw new RangeError(`fragments of ${sizes.size} lengths`);
  for (const point of fragments.keys())
    if (!Number.isInteger(point) || point < 0 || point >= MAX_FRAGMENTS) throw new RangeError(`fragment ${point}`);
  return sizeBytes;
}

/** Adds `factor` times `bytes` to `sum`. */
function addProduct(sum: Uint8Array, bytes: Uint8Array, factor: number): void {
  const multiples = PRODUCTS.subarray(256 * factor, 256 * (factor + 1));
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) ^ (multiples[bytes[i] ?? 0] ?? 0);
}
