/**
 * Maps and sets that are kept in step say so themselves, in `assertInvariants`: no class with several of them goes
 * without, and the product never asks. The simulator does, between steps, and test/sim/invariants.test.ts at every one; planted
 * mistakes show that they speak (test/mutations/invariants.ts).
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'

const src = fileURLToPath(new URL('../../../src/', import.meta.url))

/** Folders in which every class with several maps or sets says what holds between them. */
const WATCHED = ['core/', 'net/streams/', 'store/', 'run/']

/** Classes that have several, of which none says anything of another. */
const INDEPENDENT: Readonly<Record<string, string>> = {
  Blob: 'who was asked to keep it, who has it, and who asked for it',
  HandlerCode: 'files as they were read, and what an import of one of them leads to',
  Handlers:
    'files by type, files that cannot be loaded now, and how often in a row that was so: the count outlives the wait',
  Membership:
    'what was last said of members: a status, a twin, a clock, a departure that has to wait',
  Offers: 'what is asked and what is answered, each gathered until it is sent',
  Strangers: 'boots that others have met, and holders that are no members',
  ThreadRunner: 'runs, and commands that may outlive theirs',
  UnknownOrigins:
    'boots that tasks name, and since when all could tell who one is: looked at with each tick'
}

type Class = Readonly<{ path: string; name: string; node: ts.ClassDeclaration }>

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter(path => path.endsWith('.ts'))
  .sort()
  .map(path => ({
    path,
    tree: ts.createSourceFile(
      path,
      readFileSync(join(src, path), 'utf8'),
      ts.ScriptTarget.ES2024,
      true
    )
  }))

function nodesOf(tree: ts.Node): ts.Node[] {
  const found: ts.Node[] = []
  const visit = (node: ts.Node): void => {
    found.push(node)
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return found
}

const classes: readonly Class[] = files.flatMap(({ path, tree }) =>
  nodesOf(tree)
    .filter(node => ts.isClassDeclaration(node))
    .map(node => ({ path, name: node.name!.text, node }))
)

const watched = classes.filter(({ path }) => WATCHED.some(folder => path.startsWith(folder)))

function methodOf({ node }: Class, name: string): ts.ClassElement | undefined {
  return node.members.find(
    member => ts.isMethodDeclaration(member) && member.name.getText() === name
  )
}

/** Fields that are maps or sets, by what is put there or by what they are said to be. */
function collectionsOf({ node }: Class): string[] {
  return node.members
    .filter(member => ts.isPropertyDeclaration(member))
    .filter(({ type, initializer }) => {
      const made =
        initializer !== undefined && ts.isNewExpression(initializer) ? initializer.expression : type
      return /^(Readonly)?(Map|Set)\b/.test(made?.getText() ?? '')
    })
    .map(({ name }) => name.getText())
}

test('a class with several maps or sets says what holds between them', () => {
  const several = watched.filter(each => collectionsOf(each).length > 1)
  expect(several.length).toBeGreaterThan(20)
  const silent = several.filter(each => methodOf(each, 'assertInvariants') === undefined)
  expect(silent.map(({ name }) => name).sort()).toEqual(Object.keys(INDEPENDENT).sort())
})

test('the product never asks: it would look at all tasks, at every step', () => {
  const calls = files.flatMap(({ path, tree }) =>
    nodesOf(tree)
      .filter(ts.isCallExpression)
      .filter(({ expression }) => expression.getText().endsWith('.assertInvariants'))
      .filter(call => !isWithinAssertion(call))
      .map(({ expression }) => `${path}: ${expression.getText()}`)
  )
  expect(calls.filter(call => !call.startsWith('sim/'))).toEqual([])
  expect(calls.length).toBeGreaterThan(0)
})

function isWithinAssertion(node: ts.Node): boolean {
  for (let at: ts.Node | undefined = node; at !== undefined; at = at.parent) {
    if (ts.isMethodDeclaration(at)) return /^#?assert[A-Z]/.test(at.name.getText())
  }
  return false
}
