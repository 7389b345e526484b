import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'

/** Where figures were taken. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly system: string
  /** The load before the bench began; much above 0 means that something else ran. */
  readonly loadBefore: number
}

/** Describes this machine, without naming it. */
export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()} ${process.arch}`,
    loadBefore: loadavg()[0] ?? 0,
  }
}
