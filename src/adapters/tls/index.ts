/** Mutual TLS 1.3 between pinned keys: the network adapter of replicas and clients. */
export { type ConnectionLimits, Traffic } from "./connection.js";
export { dialTls, type DialLimits, type DialOptions } from "./dialer.js";
export { type TlsIdentity } from "./identity.js";
export { listenTls, type ListenLimits, type ListenOptions, type TlsListener } from "./listener.js";
