import type { Worker, WorkerOptions } from 'node:worker_threads'
import type { DeliveryMode, TableReference } from '@ducksink/worker'
import type { ILogObj, Logger } from 'tslog'
import type { BadRecordsMode } from './bad-records.ts'
import type { StandardSchema } from './standard-schema.ts'

/** A table: one name, dots and all, or its parts. */
export type TableName = string | TableReference

/**
 * What becomes of data that the schema has no place for: the schema follows it (`evolve`), the batch fails (`freeze`),
 * or it is left out and counted in the receipt (`discard-value`).
 */
export type ContractMode = 'evolve' | 'freeze' | 'discard-value'

/** What becomes of data that the schema has no place for, by what is missing. */
export interface SchemaContract {
  /**
   * A table that is absent is made from the first batch (`evolve`), the write fails (`freeze`), or its rows are left
   * out (`discard-value`).
   * @defaultValue 'evolve'
   */
  readonly tables?: ContractMode
  /**
   * A field without a column becomes one (`evolve`), fails the batch (`freeze`), or is left out (`discard-value`).
   * @defaultValue 'freeze'
   */
  readonly columns?: ContractMode
  /**
   * A value that its column's type cannot hold makes the type wider, where it can be without loss (`evolve`), fails
   * the batch (`freeze`), or becomes NULL (`discard-value`).
   * @defaultValue 'freeze'
   */
  readonly types?: ContractMode
}

/** How one table is made and written. */
export interface TableOptions {
  /** Exactly one CREATE statement, run where the table is absent; it is trusted. */
  readonly createTableSql?: string
  /**
   * Column names and DuckDB types, from which the table is made where it is absent. They are all of its columns,
   * unless the contract lets `columns` evolve: then other fields are inferred and added.
   */
  readonly columns?: Readonly<Record<string, string>>
  /** @defaultValue tables evolve, columns and types are frozen */
  readonly schemaContract?: SchemaContract
  /**
   * What becomes of records that cannot be written: they fail their batch, are left out and counted (`skip`), or are
   * written to the table `<name>_dead_letters` in the same transaction.
   * @defaultValue 'fail-batch'
   */
  readonly badRecords?: BadRecordsMode
  /**
   * A validator that each record goes through on the main thread; what it makes of a record is written.
   * @see https://standardschema.dev
   */
  readonly schema?: StandardSchema
}

/** What an engine is opened with. */
export interface SinkEngineOptions {
  /** A file (`events.duckdb`), `:memory:`, or MotherDuck (`md:db`); query parameters become `config`. */
  readonly path: string
  /**
   * DuckDB settings, by name.
   * @see https://duckdb.org/docs/stable/configuration/overview
   */
  readonly config?: Readonly<Record<string, string>>
  /** Tables that are not named here get the defaults. */
  readonly tables?: Readonly<Record<string, TableOptions>>
  /**
   * Encoded bytes that the engine holds at most, but for one part under way.
   * @defaultValue 67_108_864 (64 MiB)
   */
  readonly maxBufferedBytes?: number
  /**
   * Batches that the engine holds at most; waiting writes count.
   * @defaultValue 1_024
   */
  readonly maxBufferedBatches?: number
  /**
   * Whether a write waits while `maxBufferedBytes` are used up, or is refused.
   * @defaultValue 'block'
   */
  readonly whenFull?: 'block' | 'reject'
  /**
   * Whether a batch that is written again appends again (`at-least-once`), or is known by its key, or by its channel
   * and offset, and not written twice (`exactly-once`); the target then has a ledger, the tables `ducksink_ledger` and
   * `ducksink_offsets`.
   * @defaultValue 'at-least-once'
   */
  readonly deliveryMode?: DeliveryMode
  /**
   * Writes that wait share a commit, at most `maxBatches` of them (128), the first waiting at most `maxDelayMs` (0).
   * `false` gives each write a transaction of its own.
   */
  readonly groupCommit?: false | { readonly maxBatches?: number; readonly maxDelayMs?: number }
  /**
   * Whether the engine goes on with another worker where one has died, for which it starts at most `maxAttempts` threads
   * within a minute; a database in memory is gone with its worker.
   * @defaultValue { maxAttempts: 5 }
   */
  readonly restart?: false | { readonly maxAttempts?: number }
  /**
   * Milliseconds without any progress after which the writes under way have an unknown outcome and the engine has failed:
   * a call of DuckDB that hangs ends only with the process. What `groupCommit.maxDelayMs` says comes on top. 0: it may
   * take as long as it likes.
   * @defaultValue 60_000
   */
  readonly hangTimeoutMs?: number
  /**
   * Whether SIGTERM and SIGINT close the engine, within `timeoutMs` (5,000). Where nothing else listens for the signal,
   * it then ends the process as it would have; a second one does so at once. Only on the main thread, as no signal
   * reaches another.
   * @defaultValue false
   */
  readonly handleSignals?: boolean | { readonly timeoutMs?: number }
  /**
   * Bytes of the write-ahead log of a file from which on the engine checkpoints it, however high DuckDB's own
   * `checkpoint_threshold` is, which the engine sets to 64 MiB where `config` does not; not while a query is in the way.
   * @defaultValue 67_108_864 (64 MiB)
   */
  readonly checkpointBytes?: number
  /**
   * Whether a file is repaired whose last checkpoint was torn by a kill. Without it such a file is refused with
   * `TARGET_TORN`. What is repaired is the checksum of one block of metadata, where everything says that nothing else is
   * wrong with it; the block as it was is kept in `<file>.torn-block-<number>`, the file is put back as it was where
   * DuckDB then does not read all of its metadata, and the logger has a warning.
   * @defaultValue false
   * @see https://duckdb.org/docs/stable/internals/storage
   */
  readonly repairTornCheckpoint?: boolean
  /**
   * How long a write may wait, in milliseconds, while the disk is full.
   * @defaultValue 30_000
   */
  readonly degradedTimeoutMs?: number
  /** Where the engine logs to; nothing is logged without it. */
  readonly logger?: Logger<ILogObj>
  /** Starts the worker where a bundler has moved its files. */
  readonly createWorker?: (options: WorkerOptions) => Worker
}
