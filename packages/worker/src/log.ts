import type { LogLine } from './protocol/messages.ts'

// tslog's numbers of the levels
const LEVELS = { info: 3, warn: 4 } as const satisfies Record<LogLine['level'], number>

/** The worker's log, which the app's logger on the main thread writes. */
export class WorkerLog {
  readonly #minLevel: number
  readonly #post: (line: LogLine) => void

  /** @param minLevel - the lowest level that is posted, as in tslog */
  constructor(minLevel: number, post: (line: LogLine) => void) {
    this.#minLevel = minLevel
    this.#post = post
  }

  info(message: string, fields: LogLine['fields']): void {
    this.#write({ level: 'info', message, fields })
  }

  warn(message: string, fields: LogLine['fields']): void {
    this.#write({ level: 'warn', message, fields })
  }

  #write(line: LogLine): void {
    if (LEVELS[line.level] >= this.#minLevel) this.#post(line)
  }
}
