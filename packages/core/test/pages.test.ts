import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

it.each(['columns.md', 'dead-letters.md', 'exactly-once.md'])(
  'the examples of docs/%s print what the page says',
  async (name) => {
    const page = readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8')
    const blocks = (language: string): string[] =>
      [...page.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(([, text]) => text as string)
    // each goes on from the one before
    const flags = ['--disable-warning=ExperimentalWarning']
    const command = [...process.execArgv, ...flags, '-e', blocks('ts').join('\n')]
    const { stdout } = await promisify(execFile)(process.execPath, command, { cwd: import.meta.dirname })
    expect(stdout).toBe(blocks('text').join(''))
  },
)
