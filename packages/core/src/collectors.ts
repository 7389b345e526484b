import type { CollectOptions } from './collect-options.ts'
import { type CollectorContext, type PatientCollector, RecordCollector } from './collector.ts'
import type { TableState } from './table-state.ts'

/** What all collectors of an engine have in common. */
export type CollectorsContext = Omit<CollectorContext, 'onClose'>

/** The collectors of an engine that are not closed. */
export class Collectors {
  readonly #context: CollectorsContext
  readonly #open = new Set<RecordCollector<object>>()

  constructor(context: CollectorsContext) {
    this.#context = context
  }

  create<T extends object>(table: TableState, options: CollectOptions): PatientCollector<T> {
    const collector: RecordCollector<T> = new RecordCollector<T>(table, options, {
      ...this.#context,
      onClose: () => this.#open.delete(collector as RecordCollector<object>),
    })
    this.#open.add(collector as RecordCollector<object>)
    return collector
  }

  /** Resolves when all that was pushed before the call is settled. */
  async flush(): Promise<void> {
    await Promise.all([...this.#open].map((collector) => collector.flush()))
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((collector) => collector.close()))
  }

  /** Makes them send what they have, as there is no room for more of it. */
  relieve(): void {
    for (const collector of this.#open) collector.relieve()
  }
}
