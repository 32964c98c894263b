/**
 * Tags name protocol instances: paths such as `abc/7/mvba/aba/1/2`. One tag routes a message, is bound
 * into everything signed for the instance and into the name of its coins, so that nothing said in one
 * instance means anything in another (the source: "Every instance of a protocol is associated with such
 * a transaction-identifier").
 *
 * A segment is a name (`[a-z][a-z0-9-]*`) or a whole number without leading zeros; each path has thus
 * one spelling.
 */
import { type Codec, refine, text } from "./codec.js";

export type Tag = string;

const MAX_TAG_BYTES = 160;
const SEGMENT = "(?:[a-z][a-z0-9-]*|0|[1-9][0-9]{0,15})";
const PATH = new RegExp(`^${SEGMENT}(?:/${SEGMENT})*$`);

export function isTag(tag: string): boolean {
  return tag.length <= MAX_TAG_BYTES && PATH.test(tag);
}

export const tagCodec: Codec<Tag> = refine(text(MAX_TAG_BYTES), (tag) => (isTag(tag) ? undefined : "not a tag"));

/** Whether `tag` is `ancestor` or below it. */
export function isWithin(tag: Tag, ancestor: Tag): boolean {
  return tag.startsWith(ancestor) && (tag.length === ancestor.length || tag[ancestor.length] === "/");
}
