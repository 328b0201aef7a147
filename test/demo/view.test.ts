/** What the demo shows while it runs. */
import { afterEach, expect, test } from 'vitest'
import { frame, line, tint, View, type Progress, type Screen } from '../../src/demo/view.ts'
import { until } from '../support/until.ts'

const progress: Progress = {
  nodes: [
    { name: 'computer-a/1', running: 1, queued: 40, done: 12 },
    { name: 'computer-a/2', running: 0, queued: 0, done: 6 }
  ],
  tiles: 72,
  elapsedMs: 3210
}
// eslint-disable-next-line no-control-regex -- escape sequences are what is looked for
const escapes = /\x1b\[[0-9;]*[A-Za-z]/g

class FakeScreen implements Screen {
  text = ''
  isTTY: boolean
  columns: number
  rows = 24

  constructor(isTTY: boolean, columns = 80) {
    this.isTTY = isTTY
    this.columns = columns
  }

  write(text: string): void {
    this.text += text
  }
}

const views: View[] = []
function viewOn(screen: Screen, noColor?: string): View {
  const view = new View(screen, noColor)
  views.push(view)
  return view
}
afterEach(() => {
  for (const view of views) view.stop()
})

test('the table has a line per node and one for the whole, none wider than the terminal', () => {
  const lines = frame(progress, false)
  expect(lines.length).toBe(3)
  expect(lines[0]).toMatch(/computer-a\/1 +running 1 +queued +40 +done +12 +█+$/)
  expect(lines[2]).toMatch(/^18 of 72 tiles +█+░+ 3\.2 s$/)
  const wide = { name: 'computer-f/12', running: 1, queued: 120, done: 120 }
  const widest = frame({ nodes: [wide], tiles: 120, elapsedMs: 1e6 }, false)
  expect(Math.max(...widest.map(({ length }) => length))).toBeLessThanOrEqual(80)
})

test('a node that did twice as much has a bar twice as long', () => {
  const bars = frame(progress, false).map(text => text.split('█').length - 1)
  expect(bars[0]).toBe(2 * bars[1]!)
})

test('without colour there are no escape sequences in the text', () => {
  expect(frame(progress, false).join('')).not.toMatch(escapes)
  expect(frame(progress, true).join('')).toMatch(escapes)
  expect(tint('x', 0, false)).toBe('x')
})

test('a line for logs names everybody', () => {
  expect(line(progress)).toBe('3.2 s: 18 of 72 tiles done (computer-a/1 12, computer-a/2 6)')
})

test('on a terminal the table is redrawn in place', () => {
  const screen = new FakeScreen(true)
  const view = viewOn(screen)
  view.stop(progress)
  expect(screen.text).not.toContain('\x1b[3A')
  view.stop(progress)
  expect(screen.text).toContain('\x1b[3A')
})

test('NO_COLOR takes the colour and leaves the redrawing', () => {
  const screen = new FakeScreen(true)
  const view = viewOn(screen, '1')
  view.stop(progress)
  view.stop(progress)
  expect(screen.text).not.toContain('\x1b[38;2')
  expect(screen.text).toContain('\x1b[3A')
})

test.each([
  ['without a terminal', new FakeScreen(false)],
  ['on a terminal too narrow for the table', new FakeScreen(true, 60)]
])('%s there are plain lines', (_, screen) => {
  const view = viewOn(screen, '1')
  view.say('hello')
  view.stop(progress)
  expect(screen.text).toBe(`hello\n${line(progress)}\n`)
})

test('following shows the progress again and again, until it is stopped', async () => {
  const screen = new FakeScreen(true)
  const view = viewOn(screen)
  let asked = 0
  view.follow(() => ({ ...progress, elapsedMs: ++asked }))
  await until(() => asked >= 2, 'two pictures')
  view.stop()
  const { text } = screen

  // Another view that draws twice shows that the time for one more picture has passed.
  let askedLater = 0
  viewOn(new FakeScreen(true)).follow(() => ({ ...progress, elapsedMs: ++askedLater }))
  await until(() => askedLater >= 2, 'two pictures of another view')
  expect(screen.text).toBe(text)
  expect(asked).toBe(2)
})
