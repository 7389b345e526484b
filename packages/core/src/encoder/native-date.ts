import { types } from 'node:util'

/** True for a Date, also one of another realm, which is no instance of this realm's class. */
export function isDate(value: unknown): value is Date {
  return value instanceof Date || (typeof value === 'object' && value !== null && types.isDate(value))
}
