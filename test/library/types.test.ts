/** What the compiler knows of a program's tasks. But for the last, these tests run nothing: they hold if they compile. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import type * as fixture from './fixtures/count.ts'
import type { createNode, Node, TaskIdOf } from '../../src/index.ts'

type Work = {
  shout: (payload: { text: string }) => Promise<string>
  count: (payload: number) => number
  forget: () => void
  notAHandler: string
}

declare const typed: Node<Work>
declare const untyped: Node

/** Is compiled, and never called. */
function compiled(_program: () => unknown): void {}

test('without a handler map a program may say anything, and a result is whatever it takes it for', () => {
  compiled(async () => {
    const id = await untyped.createTask('anything', { at: 1 }, { priority: 8 })
    expectTypeOf(id).toExtend<string>()
    const { result } = await untyped.waitForTask(id)
    expectTypeOf(result).toBeAny()
    expectTypeOf(await untyped.waitForTask('an id from elsewhere')).toBeUnknown()
    untyped.registerTaskHandler('anything', (payload: { data: string }) => payload.data.length)
    // @ts-expect-error -- priorities are numbers
    void untyped.createTask('anything', null, { priority: 'high' })
  })
})

test('a handler map says which payload a type takes', () => {
  compiled(async () => {
    await typed.createTask('shout', { text: 'hello' })
    await typed.createTask('count', 3, { timeout: '3s' })
    // @ts-expect-error -- a number is wanted
    await typed.createTask('count', 'three')
    // @ts-expect-error -- text is wanted
    await typed.createTask('shout', { txt: 'hello' })
    // @ts-expect-error -- there is no such type
    await typed.createTask('shoot', { text: 'hello' })
    // @ts-expect-error -- this is no function
    await typed.createTask('notAHandler', null)
  })
})

test('an id knows what comes of its task', () => {
  compiled(async () => {
    const id = await typed.createTask('shout', { text: 'hello' })
    expectTypeOf(id).toEqualTypeOf<TaskIdOf<string>>()
    expectTypeOf(await typed.waitForTask(id)).toBeString()
    expectTypeOf(await typed.waitForTask(id, { timeout: 10 })).toBeString()
    const count = await typed.createTask('count', 3)
    expectTypeOf(await typed.waitForTask(count)).toBeNumber()
    const nothing = await typed.createTask('forget', null)
    expectTypeOf(await typed.waitForTask(nothing)).toBeNull()
    expectTypeOf(await typed.waitForTask('from elsewhere')).toBeUnknown()
  })
})

test('a handler is checked against the map', () => {
  compiled(async () => {
    typed.registerTaskHandler('shout', ({ text }) => text.toUpperCase())
    typed.registerTaskHandler('count', async (n, { attempt, signal }) => {
      expectTypeOf(n).toBeNumber()
      expectTypeOf(attempt).toBeNumber()
      expectTypeOf(signal).toEqualTypeOf<AbortSignal>()
      return n
    })
    typed.registerTaskHandler('forget', () => {})
    expectTypeOf(typed.registerTaskHandler('count', './count.ts')).toEqualTypeOf<Promise<void>>()
    // @ts-expect-error -- a number has to be returned
    typed.registerTaskHandler('count', n => String(n))
  })
})

test('with a schema the handler is given what the schema makes of the payload', () => {
  compiled(() => {
    const schema = z.object({ at: z.string().transform(text => new Date(text)) })
    untyped.registerTaskHandler('day', ({ at }) => at.getUTCDate(), { schema })
    // @ts-expect-error -- the schema makes no such thing
    untyped.registerTaskHandler('day', ({ to }) => to, { schema })
  })
})

test('the type of a handlers file is a map', () => {
  type Fixture = typeof fixture
  compiled(async (create: typeof createNode = undefined as never) => {
    const node = await create<Fixture>()
    expectTypeOf(node).toEqualTypeOf<Node<Fixture>>()
    expectTypeOf<Parameters<(typeof node)['createTask']>[0]>().toEqualTypeOf<keyof Fixture>()
  })
})

test(
  'where a type is unknown, the compiler names those that there are',
  { timeout: 120_000 },
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'hearsay-types-'))
    try {
      const file = join(folder, 'program.ts')
      const source = fileURLToPath(new URL('../../src/node/typed-node.ts', import.meta.url))
      writeFileSync(
        file,
        `import type { TaskTypeOf } from ${JSON.stringify(source)}
      declare function createTask<Type extends TaskTypeOf<Work> & keyof Work & string>(type: Type): void
      type Work = { shout: () => string; count: (n: number) => number; notAHandler: string }
      createTask('shuot')`
      )
      const program = ts.createProgram([file], {
        noEmit: true,
        strict: true,
        skipLibCheck: true,
        allowImportingTsExtensions: true,
        module: ts.ModuleKind.NodeNext,
        target: ts.ScriptTarget.ES2024,
        types: []
      })
      const found = ts.getPreEmitDiagnostics(program, program.getSourceFile(file))
      const texts = found.map(({ messageText }) =>
        ts.flattenDiagnosticMessageText(messageText, ' ')
      )
      expect(texts.join()).toContain(`not assignable to parameter of type '"shout" | "count"'`)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
)
