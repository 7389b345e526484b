import { parse, type Config as VegaConfig, View } from 'vega'
import { type Config, compile, type TopLevelSpec } from 'vega-lite'

/** A chart and what it says to those who do not see it. */
export interface Chart {
  readonly id: string
  readonly title: string
  readonly description: string
  readonly spec: TopLevelSpec
}

/** In pixels of a phone that is 375 wide; a larger screen draws all of it a quarter larger. */
const CHART_WIDTH = 343
const FONT_SIZE = 11

/** The room around the marks; fixed, since nothing can measure text here. */
export interface Margins {
  readonly top: number
  readonly right: number
  readonly bottom: number
  readonly left: number
}

const CONFIG: Config & VegaConfig = {
  background: 'transparent',
  font: 'inherit',
  view: { stroke: null },
  axis: {
    labelColor: 'var(--muted)',
    labelFontSize: FONT_SIZE,
    titleColor: 'var(--muted)',
    titleFontSize: FONT_SIZE,
    titleFontWeight: 'normal',
    gridColor: 'var(--grid)',
    domainColor: 'var(--grid)',
    tickColor: 'var(--grid)',
    labelOverlap: false,
  },
  // A title that reads from left to right above the axis, not one that stands on its end.
  axisY: { titleAngle: 0, titleAlign: 'left', titleAnchor: 'end', titleX: -44, titleY: -8, titlePadding: 0 },
  text: { fontSize: FONT_SIZE, fill: 'var(--ink)' },
}

/** The part of a specification that gives a chart its size, with so much room for the marks. */
export function sizeChart(plotHeight: number, margins: Margins): Partial<TopLevelSpec> & { width: number } {
  return {
    width: CHART_WIDTH - margins.left - margins.right,
    height: plotHeight,
    padding: margins,
    autosize: { type: 'none' },
  }
}

/** About how wide a text is; the page's own font is not known here. */
export function textWidth(text: string): number {
  return text.length * FONT_SIZE * 0.6
}

/** An image has no parts to those who do not see it: they have its description and the table of the same figures. */
const INNER_ROLES = / role="graphics-[a-z]+"| aria-roledescription="[^"]*"/g

/** Draws a chart as an SVG element, to be put into a page that has its colours. */
export async function drawChart({ id, title, description, spec }: Chart): Promise<string> {
  const view = new View(parse(compile(spec, { config: CONFIG }).spec), { renderer: 'none' })
  const svg = await view.toSVG()
  view.finalize()
  const named = `role="img" aria-label="${escapeHtml(title)}" aria-describedby="${id}-description"`
  const described = `<desc id="${id}-description">${escapeHtml(description)}</desc>`
  return svg
    .replaceAll(INNER_ROLES, '')
    .replaceAll(' aria-label=', ' data-label=')
    .replace(/^<svg ([^>]*)>/, (_, attributes: string) => `<svg ${attributes} ${named}>${described}`)
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Text that means itself in HTML, attributes among it. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? character)
}
