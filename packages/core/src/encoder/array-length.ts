/** Why an array is refused whose length is none. */
export const NO_LENGTH = 'its length is not one that an array can have'

/** True for a length that an array can have: that of a Proxy, or one that an object was given, may be anything. */
export function isLength(length: unknown): length is number {
  return typeof length === 'number' && length >>> 0 === length
}
