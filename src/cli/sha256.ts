export { plainSha256 as sha256, plainSha256Twice as sha256Twice } from "../crypto/hashing.js";
