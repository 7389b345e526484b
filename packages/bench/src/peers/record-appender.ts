import {
  type DuckDBAppender,
  type DuckDBConnection,
  DuckDBInstance,
  DuckDBTimestampValue,
} from '@duckdb/node-api'
import { type Checksum, toChecksum } from '../checksum.ts'
import { WORKLOAD_COLUMNS_SQL, WORKLOAD_TABLE, type WorkloadRecord } from '../workload.ts'

/** node-api's appender as its users write it, value by value; one flush, which is one transaction, a batch. */
export class RecordAppender {
  readonly #instance: DuckDBInstance
  readonly #connection: DuckDBConnection
  readonly #appender: DuckDBAppender

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, appender: DuckDBAppender) {
    this.#instance = instance
    this.#connection = connection
    this.#appender = appender
  }

  static async open(path: string): Promise<RecordAppender> {
    const instance = await DuckDBInstance.create(path)
    const connection = await instance.connect()
    await connection.run(`CREATE TABLE ${WORKLOAD_TABLE} (${WORKLOAD_COLUMNS_SQL})`)
    return new RecordAppender(instance, connection, await connection.createAppender(WORKLOAD_TABLE))
  }

  write(records: readonly WorkloadRecord[]): void {
    const appender = this.#appender
    for (const record of records) {
      appender.appendInteger(record.id)
      appender.appendVarchar(record.name)
      appender.appendInteger(record.age)
      appender.appendVarchar(record.location)
      appender.appendDouble(record.price)
      appender.appendBoolean(record.ok)
      appender.appendTimestamp(new DuckDBTimestampValue(BigInt(record.ts.getTime()) * 1_000n))
      appender.appendVarchar(record.note)
      appender.endRow()
    }
    appender.flushSync()
  }

  async checksum(sql: string): Promise<Checksum> {
    const reader = await this.#connection.runAndReadAll(sql)
    return toChecksum(reader.getRowObjects()[0] ?? {})
  }

  close(): void {
    this.#appender.closeSync()
    this.#connection.closeSync()
    this.#instance.closeSync()
  }
}
