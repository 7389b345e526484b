import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { availableParallelism, release, type } from 'node:os'

/** When, where and with what the suite was run. */
export interface Circumstances {
  /** ISO 8601, the day alone. */
  readonly date: string
  readonly seed: number
  readonly durationS: number
  readonly node: string
  readonly duckdb: string
  readonly ducksink: string
  readonly system: string
  readonly cores: number
}

/** Describes a run that ends now. */
export function describeCircumstances(seed: number, durationS: number): Circumstances {
  return {
    ...{ date: new Date().toISOString().slice(0, 10), seed, durationS, node: process.versions.node },
    duckdb: versionOf('@duckdb/node-api').replace(/-r\..*/, ''),
    ducksink: versionOf('@ducksink/core'),
    system: `${type()} ${release()} ${process.arch}`,
    cores: availableParallelism(),
  }
}

function versionOf(name: string): string {
  const path = findPackageJSON(name, import.meta.url)
  if (path === undefined) throw new Error(`${name} is not there`)
  return (JSON.parse(readFileSync(path, 'utf8')) as { readonly version: string }).version
}
