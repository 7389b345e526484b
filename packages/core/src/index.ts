export {
  BackpressureError,
  type ChannelOffset,
  ClosedError,
  ConstraintError,
  type DeliveryMode,
  InvalidOptionsError,
  KeyConflictError,
  MOTHERDUCK_SCHEME,
  OutcomeUnknownError,
  PrecedingBatchFailedError,
  type RecordFailure,
  SchemaError,
  SinkError,
  type SinkErrorCode,
  StatementError,
  type TableReference,
  TargetUnavailableError,
  ValueError,
  WorkerDiedError,
} from '@ducksink/worker'
export type { BadRecordsMode } from './bad-records.ts'
export { DuckDBSink, DuckDBSinkPartition, type OutputOptions, type OutputSummary, output } from './bytewax.ts'
export type { CollectOptions, FlushReason, SinkRecord } from './collect-options.ts'
export type { Collector } from './collector.ts'
export type {
  ArrowBatch,
  ArrowTable,
  NumericArray,
  PackedColumn,
  SinkColumn,
  SinkColumns,
  UnitType,
  ValuesColumn,
} from './columns/sink-columns.ts'
export type { DeadLetter, DeadLetterOptions, ReplayOptions, ReplaySummary } from './dead-letters.ts'
export { SinkEngine } from './engine.ts'
export type { DeadLetterEvent, DegradedEvent, SinkEngineEvents } from './engine-events.ts'
export type { SinkEngineState } from './engine-life.ts'
export type { FailureResolution, PruneOptions, PruneSummary } from './ledger.ts'
export type { ContractMode, SchemaContract, SinkEngineOptions, TableName, TableOptions } from './options.ts'
export type { QueryOptions, QueryParameters } from './queries.ts'
export type { Receipt } from './receipt.ts'
export type { RestartEvent } from './recovery.ts'
export { inferColumns } from './schema/inference.ts'
export type { StandardSchema } from './standard-schema.ts'
export type { SinkTable } from './table.ts'
export type { SinkStats } from './telemetry.ts'
export type { WriteFromOptions, WriteSummary } from './write-from.ts'
export type { WriteColumnsOptions, WriteOptions } from './write-options.ts'
