import { glob, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { createPages } from './pages.ts'
import { parseReport, type ReportFile, ReportFileError } from './report-file.ts'

const REPOSITORY = resolve(import.meta.dirname, '../../../..')
const ARTIFACTS = join(REPOSITORY, 'artifacts/bench')

const USAGE = `npm run bench:pages -- [report.json ...] [--out FOLDER]
  Writes benchmarks.md and benchmarks.html into docs/ from reports of the bench, by default from all in
  artifacts/bench/; the newest figures of each scenario win.`

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    args: process.argv.slice(2).filter((arg) => arg !== '--'),
    options: {
      out: { type: 'string', default: join(REPOSITORY, 'docs') },
      help: { type: 'boolean', short: 'h', default: false },
    },
    allowPositionals: true,
  })
  if (values.help) {
    process.stdout.write(`${USAGE}\n`)
    return
  }
  const reports =
    positionals.length > 0
      ? await Promise.all(positionals.map((path) => readReportFile(fromCaller(path))))
      : await readArtifacts()
  const { markdown, html } = await createPages(reports)
  const folder = fromCaller(values.out)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'benchmarks.md'), markdown)
  await writeFile(join(folder, 'benchmarks.html'), html)
  say(`${join(folder, 'benchmarks.md')}\n${join(folder, 'benchmarks.html')}`)
}

/** npm runs the script in the package's own folder, and says where it was called. */
function fromCaller(path: string): string {
  return resolve(process.env.INIT_CWD ?? '.', path)
}

async function readReportFile(path: string): Promise<ReportFile> {
  try {
    return parseReport(await readFile(path, 'utf8'), path)
  } catch (error) {
    const code = error instanceof Error ? Reflect.get(error, 'code') : undefined
    if (code === undefined) throw error
    throw new ReportFileError(`${path} cannot be read: ${code}`, { cause: error })
  }
}

/** All reports that there are; those that cannot be read, as those of an older bench, are named and left out. */
async function readArtifacts(): Promise<ReportFile[]> {
  const reports: ReportFile[] = []
  for await (const name of glob('*.json', { cwd: ARTIFACTS })) {
    try {
      reports.push(await readReportFile(join(ARTIFACTS, name)))
    } catch (error) {
      if (!(error instanceof ReportFileError)) throw error
      say(`left out: ${error.message}`)
    }
  }
  if (reports.length > 0) return reports
  throw new ReportFileError(`no report in ${ARTIFACTS}: npm run bench writes one`)
}

try {
  await main()
} catch (error) {
  const isUsage = error instanceof Error && String(Reflect.get(error, 'code')).startsWith('ERR_PARSE_ARGS')
  if (!isUsage && !(error instanceof ReportFileError)) throw error
  say(isUsage ? `${error.message}\n${USAGE}` : error.message)
  process.exitCode = isUsage ? 2 : 1
}
