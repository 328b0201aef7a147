/** The fields that a JSON Schema lists, as lines of text: what programs that read or write such JSON count on. */

export type JsonSchema = Readonly<{
  $ref?: string
  $defs?: Readonly<Record<string, JsonSchema>>
  properties?: Readonly<Record<string, JsonSchema>>
  required?: readonly string[]
  items?: JsonSchema | false
  anyOf?: readonly JsonSchema[]
  additionalProperties?: JsonSchema | boolean
}>

/** `a.b` if an object `a` always has `b`, `a.b?` if it may; `a[].b` of the objects in a list, `a.*.b` of those in a record. */
export function fieldsOf(schema: JsonSchema): string[] {
  const found = new Set<string>()
  collect(schema, '', schema, found, [])
  return [...found].sort()
}

function collect(
  schema: JsonSchema,
  path: string,
  root: JsonSchema,
  found: Set<string>,
  within: readonly JsonSchema[]
): void {
  // A schema that refers to itself, such as that of any JSON value, lists nothing new within itself.
  if (within.includes(schema)) return
  const visit = (next: JsonSchema, to: string): void =>
    collect(next, to, root, found, [...within, schema])
  const { $ref, properties = {}, required = [], items, anyOf = [], additionalProperties } = schema
  const name = $ref?.split('/').at(-1)
  if (name !== undefined) visit(root.$defs?.[name] ?? root, path)
  for (const [field, its] of Object.entries(properties)) {
    const to = path === '' ? field : `${path}.${field}`
    found.add(required.includes(field) ? to : `${to}?`)
    visit(its, to)
  }
  if (typeof items === 'object') visit(items, `${path}[]`)
  if (typeof additionalProperties === 'object') visit(additionalProperties, `${path}.*`)
  for (const each of anyOf) visit(each, path)
}
