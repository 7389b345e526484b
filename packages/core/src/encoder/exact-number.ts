import { Refusal, type TextForm } from './refusal.ts'

// BigInt() takes quadratic time
const MAX_INTEGER_CHARACTERS = 100_000
const INTEGER_TEXT = /^[+-]?\d+$/
const NUMBER_TEXT = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/
const DECIMAL_TEXT = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?$/

/** A bigint, a whole number, or the decimal text of one; anything else is undefined. */
export function toInteger(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : undefined
  const isText = typeof value === 'string' && value.length <= MAX_INTEGER_CHARACTERS
  return isText && INTEGER_TEXT.test(value) ? BigInt(value.replace('+', '')) : undefined
}

/** A number, a bigint that a double holds exactly, or decimal text, which means the nearest double. */
export function toNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') {
    const number = Number(value)
    return Number.isFinite(number) && BigInt(number) === value ? number : undefined
  }
  if (typeof value !== 'string' || !NUMBER_TEXT.test(value)) return undefined
  const number = Number(value)
  return Number.isFinite(number) ? number : undefined
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
    const isText = typeof value === 'string' || typeof value === 'bigint' || Number.isFinite(value)
    const match = isText ? DECIMAL_TEXT.exec(String(value)) : null
    if (match === null) return new Refusal('it is not a decimal number')
    const [, sign, whole = '', fraction = '', exponent = '0'] = match
    const written = whole + fraction
    if (written === '') return new Refusal('it is not a decimal number')
    const digits = written.replace(/^0+/, '')
    const significant = digits.replace(/0+$/, '')
    if (significant === '') return '0'
    // 0.SIGNIFICANT times ten to this power
    const power = whole.length + Number(exponent) - (written.length - digits.length)
    if (power > width - scale) return tooLarge
    if (significant.length - power > scale) return tooFine
    return `${sign === '-' ? '-' : ''}${plainDecimal(significant, power)}`
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
  return Number.isNaN(value) ? 'NaN is not an integer' : 'it is not an integer'
}
