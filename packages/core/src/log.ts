import type { LogLine } from '@ducksink/worker'
import type { ILogObj, Logger } from 'tslog'

/** tslog's highest level, fatal, at which ducksink logs nothing. */
const NOTHING = 6
// tslog's numbers of the levels that are used here
const DEBUG = 2
const WARN = 4
const ERROR = 5

/** The app's logger, or none. */
export class SinkLog {
  readonly #logger: Logger<ILogObj> | undefined

  constructor(logger: Logger<ILogObj> | undefined) {
    this.#logger = logger
  }

  // an app may change it
  get #minLevel(): number {
    return minLevelOf(this.#logger)
  }

  debug(message: string, fields: Record<string, unknown>): void {
    if (this.#minLevel <= DEBUG) this.#logger?.debug(known(fields), message)
  }

  warn(message: string, fields: Record<string, unknown>): void {
    if (this.#minLevel <= WARN) this.#logger?.warn(known(fields), message)
  }

  error(message: string, fields: Record<string, unknown>): void {
    if (this.#minLevel <= ERROR) this.#logger?.error(known(fields), message)
  }

  /** Passes on a line that the worker logged. */
  forward({ level, message, fields }: LogLine): void {
    this.#logger?.[level]({ ...fields }, message)
  }
}

/** The lowest level that a logger writes, which the worker gets so that filtered lines cost nothing there. */
export function minLevelOf(logger: Logger<ILogObj> | undefined): number {
  return logger?.settings.minLevel ?? NOTHING
}

// tslog writes a field that is undefined as the text "[undefined]"
function known(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
