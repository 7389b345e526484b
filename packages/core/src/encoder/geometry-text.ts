const SHAPE = /^\s*[a-z]+\s*(?:(?:z|m|zm)\s*)?(?:\(|empty\s*$)/i
const WORD = /^[a-z]+$/i
const NUMBER = /^-?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i

/**
 * True for well-known text that DuckDB reads to its end, or refuses itself.
 *
 * DuckDB 1.5.5 stops at the bracket that closes the first geometry, drops an SRID and underscores, and makes infinity
 * of numbers that are too large.
 */
export function isGeometryText(text: string): boolean {
  if (!SHAPE.test(text) || !isClosedAtEnd(text)) return false
  return text
    .split(/[\s(),]+/)
    .every(
      (token) => token === '' || WORD.test(token) || (NUMBER.test(token) && Number.isFinite(Number(token))),
    )
}

/** True where brackets match, and nothing follows the one that closes the first. */
function isClosedAtEnd(text: string): boolean {
  let depth = 0
  let isClosed = false
  for (const character of text) {
    if (isClosed && character.trim() !== '') return false
    if (character === '(') depth++
    else if (character === ')') isClosed = --depth === 0
  }
  return depth === 0
}
