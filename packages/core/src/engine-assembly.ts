import type { EventEmitter } from 'node:events'
import type { SinkError } from '@ducksink/worker'
import type { SinkEngineEvents } from './engine-events.ts'
import { EngineLife } from './engine-life.ts'
import { EngineNews } from './engine-news.ts'
import { EngineParts } from './engine-parts.ts'
import { SinkLog } from './log.ts'
import type { ResolvedOptions } from './resolved-options.ts'
import type { StartedWorker } from './started-worker.ts'
import { TableWrites } from './table-writes.ts'
import { Telemetry } from './telemetry.ts'

/** All that is behind the face of an engine. */
export interface EngineAssembly {
  readonly telemetry: Telemetry
  readonly parts: EngineParts
  readonly life: EngineLife
  readonly writes: TableWrites
}

/** Puts an engine together; this module and all below it load while the worker starts. */
export function assembleEngine(
  emitter: EventEmitter<SinkEngineEvents>,
  options: ResolvedOptions,
  worker: StartedWorker,
): EngineAssembly {
  const telemetry = new Telemetry(new SinkLog(options.logger))
  const news = new EngineNews(emitter, telemetry)
  const events = {
    onSuspend: () => life.suspend(),
    onRestart: (...restart: Parameters<EngineLife['resume']>) => life.resume(...restart),
    onDiskFull: (path: string) => life.degrade(path),
    onFailure: (error: SinkError) => life.fail(error),
  }
  const parts = new EngineParts(options, news, events, worker)
  const life = new EngineLife(parts, news)
  return { telemetry, parts, life, writes: new TableWrites(parts, life, options.deliveryMode) }
}
