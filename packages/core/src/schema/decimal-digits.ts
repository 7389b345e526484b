import { plainValue } from '../encoder/plain-value.ts'

const DECIMAL_TEXT = /^[+-]?(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?$/

/** How many digits a number needs before and after the point; a JS number means the shortest decimal it prints as. */
export function decimalDigits(
  given: unknown,
): { readonly whole: number; readonly fraction: number } | undefined {
  const value = plainValue('DECIMAL', given)
  if (typeof value !== 'number' && typeof value !== 'bigint' && typeof value !== 'string') return undefined
  const match = DECIMAL_TEXT.exec(String(value))
  if (match === null) return undefined
  const [, before = '', after = '', exponent = '0'] = match
  const written = before + after
  const significant = written.replace(/^0+/, '')
  const kept = significant.replace(/0+$/, '')
  if (kept === '') return { whole: 0, fraction: 0 }
  const whole = before.length + Number(exponent) - (written.length - significant.length)
  return { whole: Math.max(0, whole), fraction: Math.max(0, kept.length - whole) }
}
