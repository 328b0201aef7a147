/** Lines of one request that depend on each other. */
import { expect, test } from 'vitest'
import { LineRefs } from '../../../src/api/routes/line-refs.ts'
import { InvalidOptionError, NotReplicatedError } from '../../../src/shared/errors.ts'

const COUNT = 1000

test('a chain is submitted whole before any of it is accepted', async () => {
  const refs = new LineRefs()
  const given: unknown[] = []
  const accepted = Promise.withResolvers<void>()
  const answers = Array.from({ length: COUNT }, (_, i) =>
    refs.submit(
      { ref: `r${i}`, dependsOn: i === 0 ? ['whole'] : [`ref:r${i - 1}`, 'whole'] },
      async ({ dependsOn }, named) => {
        given.push(dependsOn)
        named(`id${i}`)
        // The disk is asked once for all of them.
        if (given.length === COUNT) accepted.resolve()
        await accepted.promise
        return { id: `id${i}` }
      }
    )
  )
  expect((await Promise.all(answers)).at(-1)).toEqual({ id: `id${COUNT - 1}` })
  expect(given.slice(0, 3)).toEqual([['whole'], ['id0', 'whole'], ['id1', 'whole']])
})

test('what depends on a line that is refused is refused, and so on', async () => {
  const refs = new LineRefs()
  const id = { id: 'id' }
  const first = refs.submit({ ref: 'a' }, () => Promise.reject(new TypeError('no')))
  const second = refs.submit({ ref: 'b', dependsOn: ['ref:a'] }, () => Promise.resolve(id))
  const third = refs.submit({ ref: 'c', dependsOn: ['ref:b'] }, () => Promise.resolve(id))
  await expect(first).rejects.toThrow(TypeError)
  await expect(second).rejects.toThrow(
    new InvalidOptionError('depends on ref:a, which was refused')
  )
  await expect(third).rejects.toThrow('depends on ref:b, which was refused')
})

test('a task on fewer nodes than asked for stands, and others may depend on it', async () => {
  const refs = new LineRefs()
  const alone = refs.submit({ ref: 'a' }, () => Promise.reject(new NotReplicatedError('1', 'id1')))
  const next = refs.submit({ dependsOn: ['ref:a'] }, ({ dependsOn }) =>
    Promise.resolve({ id: 'id2', dependsOn })
  )
  await expect(alone).rejects.toThrow(NotReplicatedError)
  expect(await next).toEqual({ id: 'id2', dependsOn: ['id1'] })
})

test.each(['itself', 'later'])('a line cannot depend on %s', async ref => {
  const refs = new LineRefs()
  const submitted = refs.submit({ ref: 'itself', dependsOn: [`ref:${ref}`] }, () =>
    Promise.resolve({ id: 'id' })
  )
  const later = refs.submit({ ref: 'later' }, () => Promise.resolve({ id: 'id' }))
  await expect(submitted).rejects.toThrow(`no line before this one is ref:${ref}`)
  await later
})
