import type { Section } from './section.ts'

export const TITLE = 'Benchmarks'

/** What stands above all sections, on both pages. */
export const LEAD =
  'Written by `npm run bench:pages` from the figures of the bench; not to be changed by hand.'

/** The page for reading in the repository. */
export function markdownPage(sections: readonly Section[]): string {
  const parts = sections.map(({ title, text, tables }) => [`## ${title}`, text, tables])
  const charts = 'The same with charts: [benchmarks.html](benchmarks.html), a page that needs nothing else.'
  return `${[`# ${TITLE}`, LEAD, charts, ...parts.flat()].filter((part) => part !== '').join('\n\n')}\n`
}
