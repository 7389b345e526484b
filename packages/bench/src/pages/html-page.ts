import { readFile } from 'node:fs/promises'
import { Marked, type Tokens } from 'marked'
import { type Chart, drawChart, escapeHtml } from './chart.ts'
import { LEAD, TITLE } from './markdown-page.ts'
import type { Section } from './section.ts'

const markdown = new Marked({
  renderer: {
    code({ text }: Tokens.Code): string {
      return `<pre tabindex="0"><code>${escapeHtml(text)}</code></pre>\n`
    },
    /** Scrolls by itself where the screen is narrower, so that the page never does. */
    table(token: Tokens.Table): string {
      const cells = (row: Tokens.TableCell[], name: 'td' | 'th'): string =>
        row.map((cell, i) => this.tablecell({ ...cell, header: name === 'th' || i === 0 })).join('')
      const body = token.rows.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('\n')
      const caption = escapeHtml(token.header.map(({ text }) => text).join(', '))
      return `<div class="table" role="group" aria-label="Table of ${caption}" tabindex="0"><table>
<thead><tr>${cells(token.header, 'th')}</tr></thead>
<tbody>${body}</tbody></table></div>\n`
    },
  },
})

/** The page with charts: one file that loads nothing. */
export async function htmlPage(sections: readonly Section[]): Promise<string> {
  const [style, script] = await Promise.all(
    ['page.css', 'tooltip.js'].map((name) => readFile(new URL(name, import.meta.url), 'utf8')),
  )
  const parts = await Promise.all(sections.map(sectionHtml))
  const contents = sections.map(({ id, title }) => `<li><a href="#${id}">${escapeHtml(title)}</a></li>`)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>ducksink: ${TITLE}</title>
<link rel="icon" href="data:,">
<style>
${style}</style>
</head>
<body>
<header>
<h1>ducksink: ${TITLE}</h1>
${await render(LEAD)}<nav aria-label="Contents"><ul>${contents.join('')}</ul></nav>
</header>
<main>
${parts.join('\n')}
</main>
<div id="tooltip" role="status" hidden></div>
<script>
${script}</script>
</body>
</html>
`
}

async function sectionHtml({ id, title, text, charts, tables }: Section): Promise<string> {
  const figures = await Promise.all(charts.map(figureHtml))
  const drawn = figures.length > 0 ? `<div class="charts">\n${figures.join('\n')}\n</div>\n` : ''
  return `<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${escapeHtml(title)}</h2>
${await render(text)}${drawn}${await render(tables)}</section>`
}

async function figureHtml(chart: Chart): Promise<string> {
  return `<figure id="chart-${chart.id}"><figcaption>${escapeHtml(chart.title)}</figcaption>
${await drawChart(chart)}</figure>`
}

async function render(text: string): Promise<string> {
  return markdown.parse(text)
}
