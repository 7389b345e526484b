import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const page = readFileSync(new URL('../../../docs/dead-letters.md', import.meta.url), 'utf8')
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(([, text]) => text as string)

it('the examples of docs/dead-letters.md print what the page says', () => {
  // the second goes on from the first
  const script = blocks('ts').join('\n')
  const flags = ['--disable-warning=ExperimentalWarning', '-e', script]
  const printed = execFileSync(process.execPath, [...process.execArgv, ...flags], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  })
  expect(printed).toBe(blocks('text').join(''))
})
