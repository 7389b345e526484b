import { DuckDBDecimalValue } from '@duckdb/node-api'
import type { TypeSamples } from './kinds.ts'

const decimal = (value: bigint, scale: number): DuckDBDecimalValue => new DuckDBDecimalValue(value, 38, scale)

function integer(type: string, min: bigint, max: bigint): TypeSamples {
  const isExact = (value: bigint): boolean => BigInt(Number(value)) === value
  const beyond = [min - 1n, max + 1n]
  return {
    type,
    cells: {
      number: {
        takes: [
          [0, '0'],
          [-0, '0'],
          [7, '7'],
          ...[min, max].filter(isExact).map((n) => [Number(n), `${n}`] as const),
        ],
        refuses: [0.5, 7.000001, Number.NaN, Infinity, ...beyond.filter(isExact).map(Number)],
      },
      bigint: { takes: [[7n, '7'], ...[min, max].map((n) => [n, `${n}`] as const)], refuses: beyond },
      string: {
        takes: [
          ...[min, max].map((n) => [`${n}`, `${n}`] as const),
          ...['+7', '007', ' 7 ', '7.', '7.0', '70e-1', '.7E1'].map((text) => [text, '7'] as const),
        ],
        refuses: [
          '',
          ' ',
          '.',
          'e1',
          '7.5',
          '75e-1',
          '0x7',
          '1_0',
          '7n',
          'NaN',
          'inf',
          ...beyond.map(String),
        ],
      },
      DuckDBDecimalValue: {
        takes: [
          [decimal(700n, 2), '7'],
          [decimal(0n, 3), '0'],
        ],
        refuses: [decimal(705n, 2), decimal(max + 1n, 0)],
      },
    },
  }
}

export const NUMBER_SAMPLES: Readonly<
  Record<
    | 'BOOLEAN'
    | 'TINYINT'
    | 'SMALLINT'
    | 'INTEGER'
    | 'BIGINT'
    | 'HUGEINT'
    | 'UTINYINT'
    | 'USMALLINT'
    | 'UINTEGER'
    | 'UBIGINT'
    | 'UHUGEINT'
    | 'BIGNUM'
    | 'FLOAT'
    | 'DOUBLE'
    | 'DECIMAL',
    TypeSamples
  >
> = {
  BOOLEAN: {
    type: 'BOOLEAN',
    cells: {
      boolean: {
        takes: [
          [true, 'true'],
          [false, 'false'],
        ],
      },
      string: {
        takes: [
          ...['true', 'T', 'yes', 'Y', '1'].map((text) => [text, 'true'] as const),
          ...['FALSE', 'f', 'No', 'n', '0'].map((text) => [text, 'false'] as const),
        ],
        refuses: ['', 'on', 'off', 'tru', ' true', '2', '01'],
      },
    },
  },
  TINYINT: integer('TINYINT', -(2n ** 7n), 2n ** 7n - 1n),
  SMALLINT: integer('SMALLINT', -(2n ** 15n), 2n ** 15n - 1n),
  INTEGER: integer('INTEGER', -(2n ** 31n), 2n ** 31n - 1n),
  BIGINT: integer('BIGINT', -(2n ** 63n), 2n ** 63n - 1n),
  HUGEINT: integer('HUGEINT', -(2n ** 127n), 2n ** 127n - 1n),
  UTINYINT: integer('UTINYINT', 0n, 2n ** 8n - 1n),
  USMALLINT: integer('USMALLINT', 0n, 2n ** 16n - 1n),
  UINTEGER: integer('UINTEGER', 0n, 2n ** 32n - 1n),
  UBIGINT: integer('UBIGINT', 0n, 2n ** 64n - 1n),
  UHUGEINT: integer('UHUGEINT', 0n, 2n ** 128n - 1n),
  BIGNUM: {
    type: 'BIGNUM',
    cells: {
      number: {
        takes: [
          [7, '7'],
          [2 ** 70, `${2n ** 70n}`],
        ],
        refuses: [0.5, Number.NaN, -Infinity],
      },
      bigint: {
        takes: [
          [-(10n ** 60n), `-1${'0'.repeat(60)}`],
          [0n, '0'],
        ],
      },
      string: {
        takes: [
          ['-1e60', `-1${'0'.repeat(60)}`],
          [' 7.0', '7'],
        ],
        refuses: ['7.5', '', 'x', '1e999999'],
      },
      DuckDBDecimalValue: { takes: [[decimal(70n, 1), '7']], refuses: [decimal(75n, 1)] },
    },
  },
  FLOAT: {
    type: 'FLOAT',
    cells: {
      number: {
        takes: [
          [0.5, '0.5'],
          [-0, '-0.0'],
          [Math.fround(0.1), '0.1'],
          [Number.NaN, 'nan'],
          [-Infinity, '-inf'],
        ],
        refuses: [0.1, 2 ** 24 + 1, 1e39, 5e-324],
      },
      bigint: { takes: [[2n ** 24n, '16777216.0']], refuses: [2n ** 24n + 1n, 2n ** 2_000n] },
      string: {
        takes: [
          ['0.1', '0.1'],
          ['-0', '-0.0'],
          [' 1e3 ', '1000.0'],
          ['NaN', 'nan'],
          ['-Infinity', '-inf'],
          ['inf', 'inf'],
        ],
        refuses: ['', 'x', '1e39', '1,5', '0x1', '16777217'],
      },
    },
  },
  DOUBLE: {
    type: 'DOUBLE',
    cells: {
      number: {
        takes: [
          [0.1, '0.1'],
          [-0, '-0.0'],
          [5e-324, '5e-324'],
          [Number.NaN, 'nan'],
          [Infinity, 'inf'],
          [2 ** 53, '9007199254740992.0'],
        ],
      },
      bigint: { takes: [[2n ** 53n, '9007199254740992.0']], refuses: [2n ** 53n + 1n, 2n ** 2_000n] },
      string: {
        takes: [
          ['0.1', '0.1'],
          ['-0', '-0.0'],
          ['.5', '0.5'],
          ['1e-7', '1e-07'],
          ['+INFINITY', 'inf'],
          ['nan', 'nan'],
        ],
        refuses: ['', 'x', '1e309', '1,5', '0x1', '-nan'],
      },
    },
  },
  DECIMAL: {
    type: 'DECIMAL(9,3)',
    cells: {
      number: {
        takes: [
          [0.1, '0.100'],
          [-0, '0.000'],
          [-123456.789, '-123456.789'],
          [1e-3, '0.001'],
        ],
        refuses: [0.0001, 1.0005, 1e6, Number.NaN, Infinity],
      },
      bigint: { takes: [[-5n, '-5.000']], refuses: [1_000_000n] },
      string: {
        takes: [
          ['1.5000', '1.500'],
          ['15e-1', '1.500'],
          [' +7', '7.000'],
          ['-.5', '-0.500'],
        ],
        refuses: ['', 'x', '1.0005', '1e6', 'nan', '1e'],
      },
      DuckDBDecimalValue: {
        takes: [
          [decimal(-15n, 1), '-1.500'],
          [decimal(123_000n, 5), '1.230'],
        ],
        refuses: [decimal(1n, 4), decimal(10n ** 9n, 0)],
      },
    },
  },
}
