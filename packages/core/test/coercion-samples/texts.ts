import { DuckDBBitValue, DuckDBBlobValue, DuckDBUUIDValue } from '@duckdb/node-api'
import { Instance, type TypeSamples } from './kinds.ts'

const bits = (padding: number, ...bytes: number[]): DuckDBBitValue =>
  new DuckDBBitValue(Uint8Array.of(padding, ...bytes))

const UUID = '0b6cbd31-52fa-4d54-8f07-f2ad1df3a8ff'
function detached(): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.of(1, 2)
  structuredClone(bytes, { transfer: [bytes.buffer] })
  return bytes
}
const cyclic: unknown[] = []
cyclic.push(cyclic)

export const TEXT_SAMPLES: Readonly<
  Record<'VARCHAR' | 'JSON' | 'BLOB' | 'BIT' | 'UUID' | 'ENUM' | 'GEOMETRY' | 'VARIANT' | 'NULL', TypeSamples>
> = {
  VARCHAR: {
    type: 'VARCHAR',
    cells: {
      string: {
        takes: [
          ['', ''],
          ['duck 🦆', 'duck 🦆'],
          ["it's", "it's"],
        ],
        refuses: ['\ud83e', 'a\udd86b'],
      },
    },
  },
  JSON: {
    type: 'JSON',
    cells: {
      string: {
        takes: [
          ['{"a": 1.50}', '{"a": 1.50}'],
          ['"text"', '"text"'],
          ['null', 'null'],
        ],
        refuses: ['', 'text', "{'a': 1}", '"\ud800"', 'NaN'],
      },
      number: {
        takes: [
          [1.5, '1.5'],
          [-0, '-0.0'],
          [1e21, '1e+21'],
        ],
        refuses: [Number.NaN, Infinity],
      },
      bigint: { takes: [[2n ** 70n, `${2n ** 70n}`]] },
      boolean: { takes: [[true, 'true']] },
      array: {
        takes: [
          [[], '[]'],
          [[1, ['two', null], 3n], '[1,["two",null],3]'],
        ],
        refuses: [
          [undefined],
          new Array(1),
          [Number.NaN],
          [new Date(0)],
          [() => 1],
          [Symbol('a')],
          ['\ud800'],
          cyclic,
        ],
      },
      object: {
        takes: [
          [{}, '{}'],
          [{ a: { b: '"' }, '': true }, '{"a":{"b":"\\""},"":true}'],
          [Object.create(null), '{}'],
        ],
        refuses: [
          { a: undefined },
          { a: new Instance() },
          { a: new Map() },
          { [Symbol('a')]: 1 },
          { a: cyclic },
        ],
      },
    },
  },
  BLOB: {
    type: 'BLOB',
    cells: {
      Uint8Array: {
        takes: [
          [new Uint8Array(), ''],
          [Uint8Array.of(0, 97, 255), '\\x00a\\xFF'],
          [Buffer.from('duck'), 'duck'],
        ],
        refuses: [detached()],
      },
      ArrayBuffer: {
        takes: [
          [Uint8Array.of(1, 2).buffer, '\\x01\\x02'],
          [new DataView(Uint8Array.of(1, 2, 3).buffer, 1), '\\x02\\x03'],
          [new SharedArrayBuffer(1), '\\x00'],
        ],
        refuses: [detached().buffer],
      },
      'typed array': {
        takes: [
          [Uint16Array.of(0x4142), 'BA'],
          [Uint8ClampedArray.of(65), 'A'],
        ],
      },
      string: {
        takes: [
          ['', ''],
          ['a\\xFF\\x00', 'a\\xFF\\x00'],
          ['\\x0a', '\\x0A'],
          ["'", '\\x27'],
        ],
        refuses: ['é', '\\', '\\n', '\\xF', '\\XFF', '\\xGG'],
      },
      DuckDBBlobValue: { takes: [[new DuckDBBlobValue(Uint8Array.of(255)), '\\xFF']] },
    },
  },
  BIT: {
    type: 'BIT',
    cells: {
      string: {
        takes: [
          ['0', '0'],
          ['0101', '0101'],
          ['1'.repeat(70), '1'.repeat(70)],
        ],
        refuses: ['', '012', ' 1', '0b1'],
      },
      DuckDBBitValue: {
        takes: [
          [DuckDBBitValue.fromString('00101'), '00101'],
          [DuckDBBitValue.fromString('010101010'), '010101010'],
        ],
        refuses: [DuckDBBitValue.fromString(''), bits(9, 255, 255), bits(0)],
      },
    },
  },
  UUID: {
    type: 'UUID',
    cells: {
      string: {
        takes: [UUID, UUID.toUpperCase(), UUID.replaceAll('-', ''), `{${UUID}}`].map(
          (text) => [text, UUID] as const,
        ),
        refuses: ['', '0b6cbd31', `${UUID}0`, `{${UUID}`, `${UUID}}`, ` ${UUID}`, UUID.replace('0b', 'xb')],
      },
      DuckDBUUIDValue: {
        takes: [
          [DuckDBUUIDValue.fromUint128(BigInt(`0x${UUID.replaceAll('-', '')}`)), UUID],
          [DuckDBUUIDValue.Min, '00000000-0000-0000-0000-000000000000'],
          [DuckDBUUIDValue.Max, 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
        ],
        refuses: [
          DuckDBUUIDValue.fromStoredHugeInt(2n ** 127n),
          DuckDBUUIDValue.fromStoredHugeInt(-(2n ** 127n) - 1n),
        ],
      },
    },
  },
  ENUM: {
    type: `ENUM('a', 'A', '', 'it''s')`,
    cells: {
      string: {
        takes: [
          ['a', 'a'],
          ['A', 'A'],
          ['', ''],
          ["it's", "it's"],
        ],
        refuses: ['b', ' a', '0'],
      },
    },
  },
  GEOMETRY: {
    type: 'GEOMETRY',
    cells: {
      string: {
        takes: [
          ['POINT(1 2)', 'POINT (1 2)'],
          ['linestring z (0 0 1, 1e2 -.5 2)', 'LINESTRING Z (0 0 1, 100 -0.5 2)'],
          ['POINT EMPTY', 'POINT EMPTY'],
          [
            'GEOMETRYCOLLECTION (POINT (1 2), POLYGON ((0 0, 0 1, 1 1, 0 0)))',
            'GEOMETRYCOLLECTION (POINT (1 2), POLYGON ((0 0, 0 1, 1 1, 0 0)))',
          ],
        ],
        refuses: [
          '',
          'text',
          'POINT (1 2',
          'POINT (1 2) POINT (3 4)',
          'POINT (1 2))',
          'SRID=4326;POINT (1 2)',
          'POINT (1e400 1)',
          'POINT (1_0 2)',
          'POINT EMPTY (1 2)',
        ],
      },
    },
  },
  VARIANT: {
    type: 'VARIANT',
    printed: `variant_typeof(value) || ' ' || value::VARCHAR`,
    cells: {
      string: {
        takes: [
          ['1', 'VARCHAR 1'],
          ['', 'VARCHAR '],
        ],
        refuses: ['\ud800'],
      },
    },
  },
  NULL: { type: '"NULL"', cells: {} },
}
