import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  COERCION_RULES,
  COERCION_TYPES,
  type Coercion,
  type CoercionRule,
  coercionOf,
  LANGUAGE_KINDS,
  TEMPORAL_KINDS,
  VALUE_CLASS_KINDS,
  type ValueKind,
} from '../packages/worker/src/protocol/coercion.ts'

/* Writes the coercion matrix into docs/types.md, between its two marks; with --check only says whether it stands there. */

const PAGE = fileURLToPath(new URL('../docs/types.md', import.meta.url))
const BEGIN = '<!-- the matrix: written by `npm run docs:types` -->'
const END = '<!-- end of the matrix -->'

const rules: CoercionRule[] = []

const page = readFileSync(PAGE, 'utf8')
const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)]
if (begin < 0 || end < begin) throw new Error(`docs/types.md needs ${BEGIN} and ${END}`)
const written = `${page.slice(0, begin)}${BEGIN}\n\n${matrix()}\n${page.slice(end)}`
if (!process.argv.includes('--check')) writeFileSync(PAGE, written)
else if (written !== page) {
  console.error('docs/types.md is not what the matrix says: npm run docs:types')
  process.exitCode = 1
}

function matrix(): string {
  const told = LANGUAGE_KINDS.filter((kind) =>
    COERCION_TYPES.some((type) => coercionOf(type, kind) !== coercionOf('NULL', kind)),
  )
  const refused = LANGUAGE_KINDS.filter(
    (kind) => !told.includes(kind) && coercionOf('NULL', kind) === 'refused',
  )
  return [
    `\`null\` and \`undefined\` become NULL in every type; ${refused.map((kind) => `\`${kind}\``).join(', ')} no type takes.`,
    '',
    languageTable(told),
    '',
    "What goes into which type of the classes that stand for DuckDB's values; into all others none of them goes.",
    '',
    classTable(),
    '',
    'The rules, by their numbers:',
    '',
    ...rules.map((rule, index) => `${index + 1}. ${COERCION_RULES[rule]}`),
    '',
  ].join('\n')
}

/** One row for all types that take the same. */
function languageTable(kinds: readonly ValueKind[]): string {
  const rows = new Map<string, string[]>()
  for (const type of COERCION_TYPES) {
    const cells = kinds.map((kind) => mark(coercionOf(type, kind))).join(' | ')
    rows.set(cells, [...(rows.get(cells) ?? []), type])
  }
  return table(
    ['column type', ...kinds],
    [...rows].map(([cells, types]) => `${types.join(', ')} | ${cells}`),
  )
}

function classTable(): string {
  const kinds: readonly ValueKind[] = [...TEMPORAL_KINDS, ...VALUE_CLASS_KINDS]
  const rows = kinds.map((kind) => {
    const taking = new Map<Coercion, string[]>()
    for (const type of COERCION_TYPES) {
      const coercion = coercionOf(type, kind)
      if (coercion !== 'refused') taking.set(coercion, [...(taking.get(coercion) ?? []), type])
    }
    const cells = [...taking].map(([coercion, types]) => `${types.join(', ')}: ${mark(coercion)}`)
    return `\`${kind}\` | ${cells.join('; ') || 'no type'}`
  })
  return table(['class', 'column types'], rows)
}

function mark(coercion: Coercion): string {
  if (coercion === 'refused') return ''
  if (coercion === 'exact') return '='
  if (!rules.includes(coercion)) rules.push(coercion)
  return String(rules.indexOf(coercion) + 1)
}

function table(head: readonly string[], rows: readonly string[]): string {
  return [head.join(' | '), head.map(() => '---').join(' | '), ...rows].map((row) => `| ${row} |`).join('\n')
}
