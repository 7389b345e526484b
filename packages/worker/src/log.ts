import { type ILogObj, Logger } from 'tslog'

/** The worker's logger: its lines go to the app's, as JSON because a record may hold what cannot be cloned. */
export function createLog(minLevel: number, post: (line: string) => void): Logger<ILogObj> {
  const log = new Logger<ILogObj>({ type: 'hidden', name: 'ducksink', minLevel, stack: { capture: 'off' } })
  log.attachTransport({ format: 'json', write: (_record, line) => post(line) })
  return log
}
