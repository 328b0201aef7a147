/**
 * What the core waits for is data (`src/core/pending.ts`): no class of it keeps a function for later.
 *
 * Handing a function in once, to a constructor, wires two rooms together and is no state. A function for each thing
 * that is waited for is a piece of the future that can neither be printed nor compared. So none may be kept in a map, a
 * set or a list, however deep in the types of what they hold, nor in a field that changes.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../src/core', import.meta.url))

const containers = [
  'Map',
  'Set',
  'WeakMap',
  'WeakSet',
  'Array',
  'ReadonlyMap',
  'ReadonlySet',
  'ReadonlyArray'
]
/** Keep the rest of a computation, whatever they are made of. */
const futures = ['Function', 'Generator', 'Iterator', 'Promise']
/** Classes of which there are many, all with the same predicate or order: it says what is so, and does nothing later. */
const alike = ['Estate', 'Heap']

type Declared = ts.TypeAliasDeclaration | ts.InterfaceDeclaration | ts.ClassDeclaration
/** A source file: what it declares, and where the names that it imports come from. */
type Source = Readonly<{
  tree: ts.SourceFile
  declared: ReadonlyMap<string, Declared>
  imported: ReadonlyMap<string, string>
}>
type Sources = ReadonlyMap<string, Source>

function read(path: string, text: string): Source {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.ES2024, true)
  const declared = new Map<string, Declared>()
  const imported = new Map<string, string>()
  for (const node of tree.statements) {
    if (
      ts.isTypeAliasDeclaration(node) ||
      ts.isInterfaceDeclaration(node) ||
      ts.isClassDeclaration(node)
    ) {
      if (node.name !== undefined) declared.set(node.name.text, node)
    } else if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      const from = normalize(join(dirname(path), node.moduleSpecifier.text))
      const named = node.importClause?.namedBindings
      if (named === undefined || !ts.isNamedImports(named)) continue
      for (const { name } of named.elements) imported.set(name.text, from)
    }
  }
  return { tree, declared, imported }
}

const core: Sources = new Map(
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.ts'))
    .map(path => [path, read(path, readFileSync(join(root, path), 'utf8'))])
)

/** The declaration that a name stands for, through the doors of folders, and the file that it is in. */
function resolve(sources: Sources, path: string, name: string): [string, Declared] | undefined {
  const source = sources.get(path)
  const own = source?.declared.get(name)
  if (source === undefined || own !== undefined) return own && [path, own]
  const from = source.imported.get(name)
  if (from !== undefined) return resolve(sources, from, name)
  const doors = source.tree.statements.flatMap(node => {
    if (!ts.isExportDeclaration(node) || node.moduleSpecifier === undefined) return []
    return ts.isStringLiteral(node.moduleSpecifier) ? [node.moduleSpecifier.text] : []
  })
  for (const door of doors) {
    const found = resolve(sources, normalize(join(dirname(path), door)), name)
    if (found !== undefined) return found
  }
  return undefined
}

/** Whether what is kept as this type has a function in it, or a computation under way. */
function keepsFunction(
  sources: Sources,
  path: string,
  type: ts.Node,
  seen = new Set<ts.Node>()
): boolean {
  if (seen.has(type)) return false
  seen.add(type)
  if (ts.isFunctionTypeNode(type) || ts.isMethodSignature(type)) return true
  if (ts.isClassDeclaration(type)) {
    if (alike.includes(type.name?.text ?? '')) return false
    return fieldsOf(type).some(
      ({ type: of }) => of !== undefined && keepsFunction(sources, path, of, seen)
    )
  }
  if (ts.isTypeReferenceNode(type) && ts.isIdentifier(type.typeName)) {
    const name = type.typeName.text
    if (futures.includes(name)) return true
    const found = resolve(sources, path, name)
    if (found !== undefined && keepsFunction(sources, ...found, seen)) return true
  }
  let keeps = false
  ts.forEachChild(type, child => void (keeps ||= keepsFunction(sources, path, child, seen)))
  return keeps
}

function fieldsOf(type: ts.ClassDeclaration): ts.PropertyDeclaration[] {
  return type.members.filter(ts.isPropertyDeclaration)
}

/** What a field holds many of: the types that it names. */
function heldIn({ type, initializer }: ts.PropertyDeclaration): readonly ts.Node[] {
  const inner = type !== undefined && ts.isTypeOperatorNode(type) ? type.type : type
  if (inner !== undefined && (ts.isArrayTypeNode(inner) || ts.isTupleTypeNode(inner)))
    return [inner]
  if (inner !== undefined && ts.isTypeReferenceNode(inner)) {
    return containers.includes(inner.typeName.getText()) ? (inner.typeArguments ?? []) : []
  }
  if (initializer === undefined || !ts.isNewExpression(initializer)) return []
  return containers.includes(initializer.expression.getText())
    ? (initializer.typeArguments ?? [])
    : []
}

/** Fields of classes in which a function is kept for later. */
function keptFunctions(sources: Sources): string[] {
  const found: string[] = []
  for (const [path, { tree }] of sources) {
    for (const declared of tree.statements.filter(ts.isClassDeclaration)) {
      for (const field of fieldsOf(declared)) {
        const isFixed = field.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ReadonlyKeyword)
        const whole = isFixed || field.type === undefined ? [] : [field.type]
        const kept = [...whole, ...heldIn(field)]
        if (!kept.some(type => keepsFunction(sources, path, type))) continue
        found.push(`${path}: ${declared.name?.text}.${field.name.getText()}`)
      }
    }
  }
  return found
}

test('no class of the core keeps a function for later', () => {
  expect(keptFunctions(core)).toEqual([])
})

test.each([
  ['a map of callbacks', '#open = new Map<string, () => void>()'],
  [
    'a callback in what a map holds',
    'readonly #open = new Map<string, Waiting>()',
    'type Waiting = { done: () => void }'
  ],
  [
    'a method in what a list holds',
    'readonly #open: Waiting[] = []',
    'type Waiting = Readonly<{ done(): void }>'
  ],
  [
    'a callback two types down',
    '#open: readonly Waiting[] = []',
    'type Waiting = { then: Then | null }; type Then = { done: Done }; type Done = () => void'
  ],
  ['a field that changes', '#done: (() => void) | null = null'],
  [
    'a class with a callback, for each thing',
    'readonly #open = new Set<Waiter>()',
    'class Waiter { readonly #done: () => void }'
  ],
  ['a computation under way', 'readonly #open = new Set<Generator<string>>()']
])('planted: %s is noticed', (_, field, types = '') => {
  const text = `${types}\nexport class Planted { ${field} }`
  const planted = new Map([...core, ['claim/planted.ts', read('claim/planted.ts', text)]])
  expect(keptFunctions(planted)).toHaveLength(1)
})

test('planted: a callback in a type of another room is noticed', () => {
  const types = read('claim/types.ts', 'export type Waiting = { done: () => void }')
  const door = read('claim/door.ts', "export type { Waiting } from './types.ts'")
  const text =
    "import type { Waiting } from '../claim/door.ts'\nexport class Planted { #open: Waiting[] = [] }"
  const room = read('steal/planted.ts', text)
  const planted = new Map([
    ...core,
    ['claim/types.ts', types],
    ['claim/door.ts', door],
    ['steal/planted.ts', room]
  ])
  expect(keptFunctions(planted)).toEqual(['steal/planted.ts: Planted.#open'])
})

test.each([
  ['that is handed in once', 'readonly #ask: (id: string) => void'],
  [
    'of those that are handed in together',
    'readonly #parts: Parts',
    'type Parts = Readonly<{ ask(): void }>'
  ]
])('a function %s is no state', (_, field, types = '') => {
  const text = `${types}\nexport class Wired { ${field} }`
  expect(keptFunctions(new Map([['claim/wired.ts', read('claim/wired.ts', text)]]))).toEqual([])
})
