import { type ILogObj, Logger } from 'tslog'

/** A line of a log as its JSON says it. */
export interface LogLine extends Readonly<Record<string, unknown>> {
  readonly message: string
  readonly level: string
}

/** A logger that prints nothing, and what it was given; `minLevel` as in tslog, 0 for everything. */
export function collectLog(minLevel = 0): { logger: Logger<ILogObj>; lines: LogLine[] } {
  const lines: LogLine[] = []
  const logger = new Logger<ILogObj>({ type: 'hidden', minLevel, stack: { capture: 'off' } })
  logger.attachTransport({ format: 'json', write: (_record, line) => void lines.push(JSON.parse(line)) })
  return { logger, lines }
}
