import { eventLoopSection } from './event-loop.ts'
import { mergeReports } from './findings.ts'
import { growthSection } from './growth.ts'
import { htmlPage } from './html-page.ts'
import { introductionSection, runsSection } from './introduction.ts'
import { latencySection } from './latency.ts'
import { markdownPage } from './markdown-page.ts'
import { memorySection } from './memory.ts'
import { peersSection } from './peers.ts'
import type { ReportFile } from './report-file.ts'
import { goalsSection, scenariosSection } from './scenario-tables.ts'
import { shapesSection } from './shapes.ts'
import { throughputSection } from './throughput.ts'

/** Both pages of the same figures. */
export interface Pages {
  readonly markdown: string
  readonly html: string
}

/** Makes the pages of what the reports hold; a section of which they hold nothing is left out. */
export async function createPages(reports: readonly ReportFile[]): Promise<Pages> {
  const findings = mergeReports(reports)
  const sections = [
    introductionSection,
    peersSection,
    goalsSection,
    throughputSection,
    latencySection,
    eventLoopSection,
    memorySection,
    growthSection,
    shapesSection,
    scenariosSection,
    runsSection,
  ].flatMap((section) => section(findings) ?? [])
  return { markdown: markdownPage(sections), html: await htmlPage(sections) }
}
