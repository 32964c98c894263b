/**
 * Whom an address stands for. Who has one IPv6 address usually has the 2^64 of its network (RFC 6177), so these count as one client. An
 * IPv4 address is the same in either form.
 */
import { isIPv6 } from "node:net";

/** Of a socket's remote address; undefined when the socket is gone. */
export function clientOf(address: string | undefined): string {
  if (address === undefined) return "unknown";
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  return isIPv6(address) ? `${networkOf(address)}::/64` : address;
}

/** The first four groups. */
function networkOf(address: string): string {
  const [head = "", tail] = (address.split("%")[0] ?? "").split("::");
  const first = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  const lastCount = last.reduce((count, group) => count + (group.includes(".") ? 2 : 1), 0);
  const zeros = tail === undefined ? 0 : 8 - first.length - lastCount;
  const groups = [...first, ...Array<string>(zeros).fill("0"), ...last];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":");
}
