/* Shows what the mark nearest to the pointer says. */
const tooltip = document.getElementById('tooltip')
const REACH = 20

function nearestMark(event) {
  const chart = event.target.closest?.('figure svg')
  let nearest
  let least = REACH
  for (const mark of chart?.querySelectorAll('.mark-symbol.role-mark path[data-label]') ?? []) {
    const { left, top, width, height } = mark.getBoundingClientRect()
    const distance = Math.hypot(left + width / 2 - event.clientX, top + height / 2 - event.clientY)
    if (distance >= least) continue
    least = distance
    nearest = mark
  }
  return nearest
}

document.addEventListener('pointermove', (event) => {
  const mark = nearestMark(event)
  tooltip.hidden = mark === undefined
  if (mark === undefined) return
  tooltip.textContent = mark.dataset.label
  const { width, height } = tooltip.getBoundingClientRect()
  const left = Math.min(event.clientX + 12, document.documentElement.clientWidth - width - 4)
  tooltip.style.left = `${Math.max(4, left)}px`
  tooltip.style.top = `${Math.max(4, event.clientY - height - 12)}px`
})
