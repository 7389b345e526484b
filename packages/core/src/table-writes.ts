import { type DeliveryMode, InvalidOptionsError } from '@ducksink/worker'
import { ColumnsSource } from './columns/columns-source.ts'
import { readColumns } from './columns/read-columns.ts'
import type { SinkColumns } from './columns/sink-columns.ts'
import type { FieldRecord } from './encoder/column-encoder.ts'
import type { EngineLife } from './engine-life.ts'
import type { EngineParts } from './engine-parts.ts'
import type { EnteredBatch } from './ledger.ts'
import type { TableName } from './options.ts'
import type { Receipt } from './receipt.ts'
import { RecordsSource } from './records-source.ts'
import { type SinkTable, TableHandle } from './table.ts'
import type { TableState } from './table-state.ts'
import {
  checkWriteColumnsOptions,
  checkWriteOptions,
  type WriteColumnsOptions,
  type WriteOptions,
} from './write-options.ts'

/** Makes batches of what the app writes into tables, for the queue or the ledger. */
export class TableWrites {
  readonly #parts: EngineParts
  readonly #life: EngineLife
  readonly #deliveryMode: DeliveryMode

  constructor(parts: EngineParts, life: EngineLife, deliveryMode: DeliveryMode) {
    this.#parts = parts
    this.#life = life
    this.#deliveryMode = deliveryMode
  }

  handle<T extends object>(name: TableName): SinkTable<T> {
    const state = this.#parts.tables.get(name)
    return new TableHandle<T>({
      write: (records, options) => this.write(name, records, options),
      writeColumns: (columns, options) => this.writeColumns(name, columns, options),
      collect: (options) => {
        this.#life.requireOpen()
        return this.#parts.collectors.create<T>(state, options)
      },
    })
  }

  async write(table: TableName, records: readonly object[], options: WriteOptions = {}): Promise<Receipt> {
    this.#life.requireOpen()
    if (!Array.isArray(records)) {
      throw new InvalidOptionsError('records must be an array', {}, 'INVALID_ARGUMENT')
    }
    checkWriteOptions(options, this.#deliveryMode)
    const state = this.#parts.tables.get(table)
    const list = records as FieldRecord[]
    return this.#write(state, options, {
      rowCount: list.length,
      source: (keyed) =>
        new RecordsSource(state, list, this.#parts.records, {
          hash: keyed?.hasher.begin(state, list),
          beforeDdl: keyed?.beforeDdl,
        }),
    })
  }

  async writeColumns(
    table: TableName,
    columns: SinkColumns,
    options: WriteColumnsOptions = {},
  ): Promise<Receipt> {
    this.#life.requireOpen()
    checkWriteColumnsOptions(options, this.#deliveryMode)
    const state = this.#parts.tables.get(table)
    const batch = readColumns(state.name, columns)
    return this.#write(state, options, {
      rowCount: batch.rowCount,
      source: (keyed) =>
        new ColumnsSource(state, batch, this.#parts.records, {
          ...{ transfer: options.transfer === true, beforeDdl: keyed?.beforeDdl },
          hash: keyed?.hasher.beginColumns(state),
        }),
    })
  }

  #write(table: TableState, options: WriteOptions, batch: EnteredBatch): Promise<Receipt> {
    const { ledger, queue } = this.#parts
    return ledger === undefined ? queue.write(batch.source(), options) : ledger.write(table, batch, options)
  }
}
