/** Which members people are shown: those that left more than a minute ago only with --all. */
import { expect, test, vi } from 'vitest'
import { withoutLongGone } from '../../../src/cli/output/shown-nodes.ts'
import type { NodeView } from '../../../src/node/api/node-api.ts'
import { serveFakeNode } from '../../api/served.ts'
import { headOf, run } from '../run.ts'

const at = serveFakeNode()

function other(name: string, status: NodeView['status'], heartbeatAgeMs: number | null): NodeView {
  return { ...at.node.nodes()[0]!, name, id: name, self: false, status, heartbeatAgeMs }
}

test('what has left is shown for a minute, and what is gone without a goodbye for as long as it is known', () => {
  const shown = withoutLongGone([
    other('just', 'left', 60_000),
    other('long', 'left', 60_001),
    other('never-heard', 'left', null),
    other('crashed', 'crashed', 9e6),
    other('unreachable', 'unreachable', 9e6),
    other('expected', null, null)
  ])
  expect(shown.map(({ name }) => name)).toEqual([
    'just',
    'never-heard',
    'crashed',
    'unreachable',
    'expected'
  ])
})

test.each([
  [['nodes', '--json'], false],
  [['nodes', '--json', '--all'], true],
  [['top', '--json'], false],
  [['top', '--json', '--all'], true]
])('%j shows one that left an hour ago: %s', async (argv, isShown) => {
  const known = [...at.node.nodes(), other('computer-z/9', 'left', 3_600_000)]
  vi.spyOn(at.node, 'nodes').mockReturnValue(known)
  const { stdout } = await (argv[0] === 'top'
    ? headOf([...argv, '--interval', '100ms'])
    : run(argv))
  expect(stdout.includes('computer-z/9')).toBe(isShown)
  vi.restoreAllMocks()
})
