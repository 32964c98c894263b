/** The digest of a document, with its algorithm named so that another can be added without ambiguity. */
import { type Codec, EncodeError } from "../../core/codec.js";

export const SHA256_BYTES = 32;

export interface DocumentDigest {
  readonly algorithm: "sha256";
  /** 32 bytes. */
  readonly value: Uint8Array;
}

const SHA256_CODE = 1;

/** One byte that names the algorithm (1 = SHA-256), then the 32 bytes. */
export const documentDigestCodec: Codec<DocumentDigest> = {
  write(writer, { algorithm, value }) {
    if (algorithm !== "sha256") throw new EncodeError(`no digest algorithm ${String(algorithm)}`);
    if (value.length !== SHA256_BYTES) throw new EncodeError(`a SHA-256 digest of ${value.length} bytes`);
    writer.u8(SHA256_CODE);
    writer.raw(value);
  },
  read(reader) {
    const code = reader.u8();
    if (code !== SHA256_CODE) return reader.fail(`no digest algorithm ${code}`);
    return { algorithm: "sha256", value: reader.raw(SHA256_BYTES) };
  },
};
