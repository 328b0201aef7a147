/** What is told of an error: itself, what it carries, never more than there is room for, and never by throwing. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TASK_LIMITS } from '../../src/core/options.ts'
import { describe } from '../../src/run/description.ts'

const hostile = (property: string): Error =>
  Object.defineProperty(new Error('well'), property, {
    get: () => {
      throw new Error('unreadable')
    }
  })

test('the causes of causes are told, each with its name unless it is plain', () => {
  const disk = new Error('no answer', { cause: new TypeError('bad block') })
  const { name, message, stack } = describe(new RangeError('cannot read', { cause: disk }))
  expect(name).toBe('RangeError')
  expect(message).toBe('cannot read (cause: no answer) (cause: TypeError: bad block)')
  expect(stack?.match(/\[cause\]: \w+/g)).toEqual(['[cause]: Error', '[cause]: TypeError'])
})

test('of many errors in one each is told, followed by its own cause', () => {
  const second = new RangeError('two', { cause: 'too far' })
  const many = new AggregateError([new Error('one'), second], 'both failed', { cause: 'a cut' })
  const { name, message, stack } = describe(many)
  expect(name).toBe('AggregateError')
  expect(message).toBe(
    "both failed (error: one) (error: RangeError: two) (cause: 'too far') (cause: 'a cut')"
  )
  expect(stack?.match(/\[error\]: \w+/g)).toEqual(['[error]: Error', '[error]: RangeError'])
})

test('a circle of causes is gone round once', () => {
  const first = new Error('first')
  first.cause = new Error('second', { cause: first })
  expect(describe(first).message).toBe('first (cause: second)')
})

test('no more than four are told', () => {
  const many = Array.from({ length: 100_000 }, (_, i) => new Error(`error ${i}`))
  expect(describe(new AggregateError(many, 'all')).message.match(/\(error: /g)).toHaveLength(4)
})

test('a part that cannot be read takes nothing else with it', () => {
  const { message, stack } = describe(new Error('top', { cause: hostile('message') }))
  expect(message).toBe('top (cause: ?)')
  expect(stack).toContain('description.test.ts')
  expect(describe(hostile('cause')).message).toBe('well')
  expect(describe(hostile('stack'))).toEqual({ name: 'Error', message: 'well', stack: null })
  const revoked = Proxy.revocable({}, {})
  revoked.revoke()
  expect(describe(revoked.proxy).name).toBe('NonErrorThrown')
  expect(describe(new Error('top', { cause: revoked.proxy })).message).toMatch(/^top \(cause: /)
})

test('whatever is thrown, there is room for what is told', () => {
  const { tree } = fc.letrec<{ tree: unknown }>(tie => ({
    tree: fc.oneof(
      { depthSize: 'medium' },
      fc.anything(),
      fc
        .record({
          message: fc.string({ unit: 'binary', maxLength: 3000 }),
          errors: fc.array(tie('tree'), { maxLength: 6 }),
          cause: tie('tree')
        })
        .map(({ message, errors, cause }) => new AggregateError(errors, message, { cause }))
    )
  }))
  fc.assert(
    fc.property(tree, thrown => {
      const { message, stack } = describe(thrown)
      if (thrown instanceof Error) {
        expect(Buffer.byteLength(message)).toBeLessThanOrEqual(TASK_LIMITS.errorMessageBytesMax)
      }
      expect(Buffer.byteLength(stack ?? '')).toBeLessThanOrEqual(TASK_LIMITS.errorStackBytesMax)
    }),
    { numRuns: 300 }
  )
})

test('of something thrown that holds a text of any length, as much is told as there is room for', () => {
  const { message } = describe({ text: 'x'.repeat(2 ** 28) })
  expect(message).toMatch(/^the handler threw something that is not an error: {\s+text:/)
  expect(Buffer.byteLength(message)).toBeLessThan(2 * TASK_LIMITS.errorMessageBytesMax)
})
