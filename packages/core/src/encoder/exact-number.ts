import { Refusal, type TextForm } from './refusal.ts'

// BigInt() takes quadratic time
const MAX_DIGITS = 100_000
// As DuckDB reads them, with space around. It also reads underscores between digits, and hexadecimal integers.
const NUMBER_TEXT = /^[\t-\r ]*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?[\t-\r ]*$/
const DECIMAL_TEXT = /^[\t-\r ]*([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?[\t-\r ]*$/
const NOT_FINITE_TEXT = /^[\t-\r ]*(?:nan|([+-]?)inf(?:inity)?)[\t-\r ]*$/i

/** A decimal number: `0.DIGITS` times ten to the power, without zeros at either end of its digits. */
interface DecimalNumber {
  readonly sign: string
  readonly digits: string
  readonly power: number
}

/** A bigint, a whole number, or the decimal text of one; anything else is undefined. */
export function toInteger(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : undefined
  const decimal = typeof value === 'string' ? parseDecimal(value) : undefined
  if (decimal === undefined) return undefined
  const { sign, digits, power } = decimal
  if (digits.length > power || power > MAX_DIGITS) return undefined
  const integer = BigInt(digits.padEnd(power, '0'))
  return sign === '-' ? -integer : integer
}

function parseDecimal(text: string): DecimalNumber | undefined {
  const match = text.length <= MAX_DIGITS ? DECIMAL_TEXT.exec(text) : null
  if (match === null) return undefined
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match
  const written = whole + fraction
  if (written === '') return undefined
  let start = 0
  let end = written.length
  while (start < end && written[start] === '0') start++
  while (start < end && written[end - 1] === '0') end--
  const power = start === end ? 0 : whole.length + Number(exponent) - start
  return { sign, digits: written.slice(start, end), power }
}

/** A number, a bigint that a double holds exactly, or decimal text, which means the nearest double. */
export function toNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') {
    const number = Number(value)
    return Number.isFinite(number) && BigInt(number) === value ? number : undefined
  }
  if (typeof value !== 'string') return undefined
  if (!NUMBER_TEXT.test(value)) return notFiniteOf(value)
  const number = Number(value)
  return Number.isFinite(number) ? number : undefined
}

function notFiniteOf(text: string): number | undefined {
  const match = NOT_FINITE_TEXT.exec(text)
  if (match === null) return undefined
  if (match[1] === undefined) return Number.NaN
  return match[1] === '-' ? -Infinity : Infinity
}

/**
 * The single that a number is exactly, or that decimal text is nearest to; anything else is undefined.
 *
 * Text that reads as a double halfway between two singles is refused: which is nearer shows in its later digits.
 */
export function toSingle(value: unknown): number | undefined {
  const number = toNumber(value)
  if (number === undefined) return undefined
  const single = Math.fround(number)
  if (Object.is(single, number)) return single
  const other = 2 * number - single
  const isNear = typeof value === 'string' && Number.isFinite(single) && Math.fround(other) !== other
  return isNear ? single : undefined
}

/**
 * Compiles the text of a DECIMAL, from a bigint, decimal text, or a number.
 *
 * A number means the shortest decimal that reads back as it, which is what JS prints: 0.1 is 0.1.
 */
export function decimalText(width: number, scale: number): TextForm {
  const tooLarge = new Refusal(`it has more than ${width - scale} digits before the point`)
  const tooFine = new Refusal(`it has more than ${scale} digits after the point, and is not rounded`)
  return (value) => {
    const isNumeric = typeof value === 'string' || typeof value === 'bigint' || Number.isFinite(value)
    const decimal = isNumeric ? parseDecimal(String(value)) : undefined
    if (decimal === undefined) return new Refusal('it is not a decimal number')
    const { sign, digits, power } = decimal
    if (digits === '') return '0'
    if (power > width - scale) return tooLarge
    if (digits.length - power > scale) return tooFine
    return `${sign === '-' ? '-' : ''}${plainDecimal(digits, power)}`
  }
}

function plainDecimal(significant: string, power: number): string {
  if (power <= 0) return `0.${'0'.repeat(-power)}${significant}`
  if (power >= significant.length) return significant.padEnd(power, '0')
  return `${significant.slice(0, power)}.${significant.slice(power)}`
}

/** Why {@link toInteger} finds no integer in a value. */
export function notAnInteger(value: unknown): string {
  if (Number.isFinite(value)) return 'it has a fraction, and is not rounded'
  if (typeof value === 'string') return 'it is not the text of a whole number'
  return Number.isNaN(value) ? 'NaN is not an integer' : 'it is not an integer'
}
