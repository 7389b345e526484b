import { InvalidOptionsError } from '@ducksink/worker'
import type { ILogObj, Logger } from 'tslog'

/** Gathers the problems of options, so that all are told at once. */
export class OptionsCheck {
  readonly #problems: string[] = []

  problem(text: string): void {
    this.#problems.push(text)
  }

  /** @throws {@link InvalidOptionsError} where there was a problem. */
  done(what: string): void {
    if (this.#problems.length === 0) return
    throw new InvalidOptionsError(`${what}: ${this.#problems.join('; ')}`, { problems: this.#problems })
  }

  /** An object, which may have only these fields where they are given. */
  object(path: string, value: unknown, fields?: readonly string[]): Readonly<Record<string, unknown>> {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.problem(`${path} must be an object`)
      return {}
    }
    if (fields !== undefined) {
      for (const field of Object.keys(value)) {
        if (!fields.includes(field)) this.problem(`${path} has no option "${field}"`)
      }
    }
    return value as Readonly<Record<string, unknown>>
  }

  text(path: string, value: unknown): string | undefined {
    if (typeof value === 'string' && value.trim() !== '') return value
    this.problem(`${path} must be a string that is not empty`)
    return undefined
  }

  texts(path: string, value: unknown): Readonly<Record<string, string>> | undefined {
    if (value === undefined) return undefined
    const given = this.object(path, value)
    for (const [name, text] of Object.entries(given)) {
      if (typeof text !== 'string' || text === '')
        this.problem(`${path}["${name}"] must be a string that is not empty`)
    }
    return given as Readonly<Record<string, string>>
  }

  count(path: string, value: unknown, defaultValue: number): number {
    if (value === undefined) return defaultValue
    if (Number.isSafeInteger(value) && (value as number) > 0) return value as number
    this.problem(`${path} must be a whole number above 0`)
    return defaultValue
  }

  duration(path: string, value: unknown, defaultValue: number): number {
    if (value === undefined) return defaultValue
    if (typeof value === 'number' && value >= 0 && value <= 2 ** 31 - 1) return value
    this.problem(`${path} must be a number of milliseconds, 0 or more`)
    return defaultValue
  }

  oneOf<T extends string>(path: string, value: unknown, allowed: readonly T[], defaultValue: T): T {
    if (value === undefined) return defaultValue
    if (allowed.includes(value as T)) return value as T
    this.problem(`${path} must be one of ${allowed.map((text) => `'${text}'`).join(', ')}`)
    return defaultValue
  }

  flag(path: string, value: unknown): boolean {
    if (value === undefined || typeof value === 'boolean') return value === true
    this.problem(`${path} must be true or false`)
    return false
  }

  fn(path: string, value: unknown): ((...parameters: never[]) => unknown) | undefined {
    if (value === undefined || typeof value === 'function') return value as never
    this.problem(`${path} must be a function`)
    return undefined
  }

  logger(value: unknown): Logger<ILogObj> | undefined {
    if (value === undefined) return undefined
    const logger = value as Partial<Logger<ILogObj>>
    if (typeof logger?.info === 'function' && typeof logger.settings?.minLevel === 'number') {
      return value as Logger<ILogObj>
    }
    this.problem('logger must be a tslog Logger')
    return undefined
  }
}
