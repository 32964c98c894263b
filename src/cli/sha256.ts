export { plainSha256 as sha256 } from "../crypto/hashing.js";
