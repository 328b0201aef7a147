/** What is refused of pools, and how: whichever door they come through. */
import { describe, expect, test } from 'vitest'
import { parsePool } from '../src/cli/node/pool-flags.ts'
import { NODE_LIMITS } from '../src/core/options.ts'
import { checkNodeOptions, resolveNodeOptions, type NodeOptions } from '../src/node-options.ts'
import { checkPools } from '../src/pool-options.ts'
import { InvalidOptionError } from '../src/shared/errors.ts'

const pool = { name: 'model', slots: 1, types: ['embed'] }

describe('a pool', () => {
  test('is taken with its defaults', () => {
    expect(resolveNodeOptions({ pools: [{ ...pool, types: ['b', 'a'] }] }).pools).toEqual([
      { name: 'model', slots: 1, types: ['a', 'b'], labels: {} }
    ])
    expect(resolveNodeOptions({}).pools).toEqual([])
  })

  test.each<[unknown, RegExp]>([
    ['model', /^pools cannot be "model": allowed is a list of pools$/],
    [[7], /^a pool is an object such as/],
    [[{ ...pool, slot: 1 }], /^the pool model has no slot: a pool has name, slots, types, labels$/],
    [[{ ...pool, name: 'a b' }], /^a pool cannot be called "a b": allowed are up to 32 letters/],
    [[{ ...pool, name: 'x'.repeat(33) }], /^a pool cannot be called/],
    [[{ slots: 1, types: ['a'] }], /^a pool cannot be called nothing/],
    [[{ ...pool, name: 'default' }], /^no pool can be called default.*"concurrency"/],
    [[{ ...pool, slots: 0 }], /^the pool model cannot have 0 slots/],
    [[{ ...pool, slots: -1 }], /^the pool model cannot have -1 slots/],
    [[{ ...pool, slots: 1.5 }], /cannot have 1.5 slots/],
    [[{ ...pool, slots: '2' }], /cannot have "2" slots/],
    [[{ ...pool, slots: 1025 }], /allowed is a whole number from 1 to 1024$/],
    [[{ ...pool, types: [] }], /^the pool model needs types/],
    [[{ ...pool, types: 'embed' }], /^the pool model needs types/],
    [[{ ...pool, types: [''] }], /^the pool model cannot run the type ""/],
    [[{ ...pool, types: ['x'.repeat(129)] }], /a text of 1 to 128 whole characters$/],
    [[{ ...pool, types: ['\ud800'] }], /whole characters$/],
    [[{ ...pool, types: ['a', 'b', 'a'] }], /^the pool model names the type a twice$/],
    [[{ ...pool, types: Array.from({ length: 257 }, String) }], /names 257 types, and 256 are/],
    [[{ ...pool, labels: ['gpu'] }], /^the pool model cannot have the labels/],
    [[{ ...pool, labels: { gpu: 1 } }], /^the pool model cannot have the labels/],
    [[pool, pool], /^there are two pools of the name model: give each its own$/],
    [[{ ...pool, types: ['command'] }], /names the type command, and this node runs no commands/]
  ])('is refused with words: %j', (pools, words) => {
    const resolve = (): unknown => resolveNodeOptions({ pools } as NodeOptions)
    expect(resolve).toThrow(InvalidOptionError)
    expect(resolve).toThrow(words)
  })

  test('may name commands where the node runs them, whichever place says so', () => {
    const pools = [{ ...pool, types: ['command'] }]
    expect(() => checkNodeOptions({ pools })).not.toThrow()
    expect(resolveNodeOptions({ pools, commands: true }).pools).toHaveLength(1)
  })

  test('is one of as many as a heartbeat carries', () => {
    const { poolsMax, poolTypesMax, labelsBytesMax } = NODE_LIMITS
    const many = (count: number, types: number): unknown =>
      Array.from({ length: count }, (_, i) => ({
        name: `p${i}`,
        slots: 1,
        types: Array.from({ length: types }, (__, j) => `${i}-${j}`)
      }))
    expect(checkPools(many(poolsMax, 1))).toHaveLength(poolsMax)
    expect(() => checkPools(many(poolsMax + 1, 1))).toThrow('65 pools are too many for one node')
    expect(checkPools(many(2, poolTypesMax / 2))).toHaveLength(2)
    expect(() => checkPools(many(3, poolTypesMax / 2))).toThrow('at most 512 types')
    const long = Object.fromEntries(
      Array.from({ length: 32 }, (_, i) => [`l${i}`, 'v'.repeat(128)])
    )
    const labelled = ['a', 'b', 'c'].map(name => ({ ...pool, name, labels: long }))
    expect(() => checkPools(labelled)).toThrow(`at most ${labelsBytesMax} bytes`)
  })
})

describe('a pool on the command line', () => {
  test('is a name, its slots, its types and its labels', () => {
    expect(parsePool('model:slots=1,type=embed,type=rank,label=gpu=1,label=kind=a=b')).toEqual({
      name: 'model',
      slots: 1,
      types: ['embed', 'rank'],
      labels: { gpu: '1', kind: 'a=b' }
    })
  })

  test.each([
    ['model', /^pool cannot be "model": it is NAME:slots=N,type=TYPE/],
    [':slots=1,type=a', /it is NAME:slots=N/],
    ['model:type=a', /it has to say how many slots it has/],
    ['model:slots=many,type=a', /slots is a whole number, not many$/],
    ['model:slots=1,slots=2,type=a', /it says twice how many slots it has$/],
    ['model:slots=1,types=a', /it has slots, type and label, and no types/],
    ['model:slots=1,type', /"type" is no name=value/],
    ['model:slots=1,type=a,label=gpu', /"gpu" is no name=value/],
    ['model:slots=1,type=a,label=x=1,label=x=2', /it has the label x twice$/],
    ['model:slots=1,,type=a', /"" is no name=value/]
  ])('is refused with words: %s', (text, words) => {
    expect(() => parsePool(text)).toThrow(words)
    expect(() => parsePool(text)).toThrow(InvalidOptionError)
  })
})
