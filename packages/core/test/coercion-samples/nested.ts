import {
  DuckDBArrayValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBUnionValue,
} from '@duckdb/node-api'
import { Instance, type TypeSamples } from './kinds.ts'

const cyclic: unknown[] = []
cyclic.push(cyclic)

export const NESTED_SAMPLES: Readonly<Record<'LIST' | 'ARRAY' | 'STRUCT' | 'MAP' | 'UNION', TypeSamples>> = {
  LIST: {
    type: 'INTEGER[]',
    cells: {
      array: {
        takes: [
          [[], '[]'],
          [[1, '2', 3n, null], '[1, 2, 3, NULL]'],
        ],
        refuses: [[1.5], [[1]], [undefined], new Array(1), [1, 'x'], [1, new Instance()], cyclic],
      },
      Set: {
        takes: [
          [new Set([2, 1]), '[2, 1]'],
          [new Set(), '[]'],
        ],
        refuses: [new Set([1.5]), new Set([undefined])],
      },
      Uint8Array: { takes: [[Uint8Array.of(1, 255), '[1, 255]']] },
      'typed array': {
        takes: [
          [Int16Array.of(-1, 1), '[-1, 1]'],
          [BigInt64Array.of(5n), '[5]'],
        ],
        refuses: [Float64Array.of(0.5), Float64Array.of(Number.NaN), BigInt64Array.of(2n ** 31n)],
      },
      string: {
        takes: [
          ['[]', '[]'],
          [' [ 1 , NULL,null, "3" ] ', '[1, NULL, NULL, 3]'],
        ],
        refuses: ['', '1', '[', '[1', '1]', '[1,]', '[,]', '[1] 2', '[1.5]', '[[1]]', '[1 2]', '{1}', "['1]"],
      },
      DuckDBListValue: {
        takes: [[new DuckDBListValue([1, null]), '[1, NULL]']],
        refuses: [new DuckDBListValue(['x'])],
      },
      DuckDBArrayValue: {
        takes: [[new DuckDBArrayValue([1, 2]), '[1, 2]']],
        refuses: [new DuckDBArrayValue([1.5])],
      },
    },
  },
  ARRAY: {
    type: 'INTEGER[2]',
    cells: {
      array: { takes: [[[1, null], '[1, NULL]']], refuses: [[], [1], [1, 2, 3], [1, 'x'], new Array(2)] },
      Set: { takes: [[new Set([2, 1]), '[2, 1]']], refuses: [new Set([1])] },
      Uint8Array: { takes: [[Uint8Array.of(1, 2), '[1, 2]']], refuses: [Uint8Array.of(1)] },
      'typed array': {
        takes: [[Float32Array.of(1, 2), '[1, 2]']],
        refuses: [Float32Array.of(1), Float32Array.of(1, 0.5)],
      },
      string: { takes: [['[1, NULL]', '[1, NULL]']], refuses: ['', '[1]', '[1, 2, 3]', '[1, x]'] },
      DuckDBListValue: {
        takes: [[new DuckDBListValue([1, 2]), '[1, 2]']],
        refuses: [new DuckDBListValue([1])],
      },
      DuckDBArrayValue: {
        takes: [[new DuckDBArrayValue([1, null]), '[1, NULL]']],
        refuses: [new DuckDBArrayValue([1])],
      },
    },
  },
  STRUCT: {
    type: 'STRUCT(a INTEGER, b VARCHAR)',
    cells: {
      object: {
        takes: [
          [{ a: 1, b: 'x' }, `{'a': 1, 'b': x}`],
          [{ B: 'x', other: null }, `{'a': NULL, 'b': x}`],
          [{ a: undefined }, `{'a': NULL, 'b': NULL}`],
        ],
        refuses: [{ a: 1.5 }, { c: 1 }, { a: 1, A: 1 }, { b: 1 }],
      },
      Map: {
        takes: [
          [
            new Map<string, unknown>([
              ['a', 1],
              ['B', 'x'],
            ]),
            `{'a': 1, 'b': x}`,
          ],
          [new Map(), `{'a': NULL, 'b': NULL}`],
        ],
        refuses: [
          new Map([[1, 1]]),
          new Map([[null, 1]]),
          new Map([['c', 1]]),
          new Map([
            ['a', 1],
            ['A', 1],
          ]),
        ],
      },
      string: {
        takes: [
          [`{'a': 1, 'b': x}`, `{'a': 1, 'b': x}`],
          [`{b: "it's"}`, `{'a': NULL, 'b': 'it\\'s'}`],
          ['{}', `{'a': NULL, 'b': NULL}`],
        ],
        refuses: [
          '',
          'a',
          '{',
          '{a}',
          '{a: 1',
          '{a: 1, a: 2}',
          '{a: 1.5}',
          '{c: 1}',
          '{a: 1}}',
          '(1, x)',
          '{a=1}',
        ],
      },
      DuckDBStructValue: {
        takes: [[new DuckDBStructValue({ a: 1, b: null }), `{'a': 1, 'b': NULL}`]],
        refuses: [new DuckDBStructValue({ a: 'x' })],
      },
    },
  },
  MAP: {
    type: 'MAP(VARCHAR, INTEGER)',
    cells: {
      Map: {
        takes: [
          [new Map([['a', 1]]), '{a=1}'],
          [new Map(), '{}'],
        ],
        refuses: [new Map([[1, 1]]), new Map([[null, 1]]), new Map([['a', 'x']])],
      },
      array: {
        takes: [
          [
            [
              ['a', 1],
              ['b', null],
            ],
            '{a=1, b=NULL}',
          ],
          [[], '{}'],
        ],
        refuses: [
          [['a']],
          ['ab'],
          [
            ['a', 1],
            ['a', 2],
          ],
          [[null, 1]],
          new Array(1),
        ],
      },
      object: { takes: [[{ a: 1, b: null }, '{a=1, b=NULL}']], refuses: [{ a: 'x' }] },
      string: {
        takes: [
          ['{a=1, "b c"=NULL}', '{a=1, b c=NULL}'],
          ['{}', '{}'],
        ],
        refuses: ['', '{', '{a}', '{a=1', '{a=x}', '{a=1, a=2}', '{NULL=1}', '{a: 1}', '[a]'],
      },
      DuckDBMapValue: {
        takes: [[new DuckDBMapValue([{ key: 'a', value: 1 }]), '{a=1}']],
        refuses: [new DuckDBMapValue([{ key: 'a', value: 'x' }])],
      },
    },
  },
  UNION: {
    type: 'UNION(n INTEGER, s VARCHAR)',
    printed: `union_tag(value)::VARCHAR || ' ' || value::VARCHAR`,
    cells: {
      object: {
        takes: [
          [{ tag: 'n', value: 5 }, 'n 5'],
          [{ s: '5' }, 's 5'],
        ],
        refuses: [{}, { x: 1 }, { n: 'x' }, { n: 1, s: 'a' }, { tag: 'x', value: 1 }],
      },
      DuckDBUnionValue: {
        takes: [[new DuckDBUnionValue('s', '5'), 's 5']],
        refuses: [new DuckDBUnionValue('x', 1), new DuckDBUnionValue('n', 'x')],
      },
    },
  },
}
