/** Ends of tasks on their way to who waits for them: after their answers, each once, and no more of them than there is room for. */
import { expect, test } from 'vitest'
import { Ends } from '../../src/api/ends.ts'
import type { TaskView } from '../../src/node/api/node-api.ts'

const view = (id: string) => (): TaskView => ({ id }) as TaskView
const lineOf = ({ id }: TaskView): string => id

test('an end waits for the answer that has its id', async () => {
  const ends = new Ends()
  const early = ends.follow(lineOf)
  early.listener.onEnd(view('a'))
  expect([ends.isOpen, ends.take()]).toEqual([false, ''])
  early.answered()
  await ends.news()
  expect(ends.take()).toBe('"a"\n')
  const late = ends.follow(lineOf)
  late.answered()
  expect([ends.isOpen, ends.take()]).toEqual([true, ''])
  const news = ends.news()
  late.listener.onEnd(view('b'))
  await news
  expect([ends.take(), ends.isOpen]).toEqual(['"b"\n', false])
})

test('what nobody reads is left out beyond a bound, and the stream ends all the same', async () => {
  const ends = new Ends(9)
  const followed = ['aa', 'bb', 'cc', 'dd'].map(id => ({ id, ...ends.follow(lineOf) }))
  for (const { answered } of followed) answered()
  const news = ends.news()
  for (const { id, listener } of followed.slice(0, 2))
    listener.onEnd(id === 'bb' ? new Error('pruned') : view(id))
  await news
  expect(ends.take()).toBe('"aa"\n')
  for (const { id, listener } of followed.slice(2)) listener.onEnd(view(id))
  expect([ends.take(), ends.isOpen]).toEqual(['"cc"\n', false])
})
