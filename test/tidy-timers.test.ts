/**
 * A node waits for what happens, and does not look for it now and then: whatever it learns comes to it as an input. So
 * each timer in src/node has a row here that says what it is for. To find out whether something has happened is no
 * reason: the core says so, see `Turns`.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/** `file below src/node: function` -> why it needs a timer. */
const REASONS: Readonly<Record<string, string>> = {
  'events/sync-progress.ts: start': 'people are told how far it is once a second, not at each step',
  'lists/live-view.ts: #lines': 'a reader is told of what has changed at most four times a second',
  'others.ts: othersConnected': 'a caller waits no longer than it said',
  'output/attempt-log.ts: news': 'a reader over the network hears that its node is still there',
  'output/following.ts: #attemptsAt': 'pause before a question that was broken off is asked again',
  'output/following.ts: #output': 'pause before a stream that was broken off is taken up again',
  'queries/unreadable.ts: start': 'people are told every few seconds, not at each record',
  'runtime/clock.ts: every': 'the clock itself',
  'runtime/disk-state.ts: note': 'callers wait no longer for a disk that refuses',
  'runtime/engine.ts: #after': 'what the core wants done later; a pause before a refused write',
  'runtime/engine.ts: #tickIn': 'the tick of the core',
  'runtime/leaving.ts: #leave': 'an end of handing on',
  'runtime/leaving.ts: leave': 'an end of the grace',
  'runtime/turns.ts: until': 'a caller waits no longer than it said'
}

const TIMERS = ['setTimeout', 'setInterval']

/** Functions in which a timer is started: each as often as it starts one. */
function timersIn(file: string, text: string): string[] {
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.ES2024, true)
  const names = new Set(TIMERS)
  const found: string[] = []
  const visit = (node: ts.Node, owner: string): void => {
    if (ts.isImportSpecifier(node) && TIMERS.includes((node.propertyName ?? node.name).text)) {
      names.add(node.name.text)
    }
    if (ts.isCallExpression(node) && isTimer(node.expression, names)) {
      found.push(`${file}: ${owner}`)
    }
    const here = nameOf(node) ?? owner
    ts.forEachChild(node, child => visit(child, here))
  }
  visit(tree, '')
  return found
}

function isTimer(called: ts.Expression, names: ReadonlySet<string>): boolean {
  if (ts.isIdentifier(called)) return names.has(called.text)
  if (!ts.isPropertyAccessExpression(called)) return false
  const { name, expression } = called
  return (
    TIMERS.includes(name.text) || (name.text === 'every' && /clock$/i.test(expression.getText()))
  )
}

/** Of a method, a function, or a property that is one. */
function nameOf(node: ts.Node): string | null {
  const isNamed =
    ts.isMethodDeclaration(node) || ts.isFunctionDeclaration(node) || ts.isPropertyAssignment(node)
  return isNamed && node.name !== undefined ? node.name.getText() : null
}

test('each timer of a node has its reason, and each reason its timer', () => {
  const folder = join(root, 'src/node')
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const timers = files
    .filter(file => file.endsWith('.ts'))
    .flatMap(file => timersIn(file, readFileSync(join(folder, file), 'utf8')))
  expect([...new Set(timers)].sort()).toEqual(Object.keys(REASONS).sort())
})

test.each([
  ['function look() { setInterval(check, 50) }'],
  ['function look() { return globalThis.setTimeout(look, 10) }'],
  [
    "import { setTimeout as sleep } from 'node:timers/promises'\nasync function look() { while (!isOver()) await sleep(10) }"
  ],
  ['function look() { this.#clock.every(10, check) }']
])('planted: %s', text => {
  expect(timersIn('planted.ts', text)).toEqual(['planted.ts: look'])
})

test('a list is no clock', () => {
  expect(timersIn('planted.ts', 'function look() { return nodes.every(isThere) }')).toEqual([])
})
