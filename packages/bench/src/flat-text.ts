/**
 * The same text in one piece: V8 keeps what is put together of others as a rope until something reads it, and sources
 * such as sockets and files give flat strings. To be called outside of what is timed.
 */
export function flatText(text: string): string {
  // Number() flattens without a copy of our own; V8 would drop a call whose result nobody uses.
  if (Number(text) === Number.NEGATIVE_INFINITY) throw new RangeError('no text ends there')
  return text
}
