/**
 * The OpenAPI document of the local API: made of the questions that are answered, so that it says what the node does.
 */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { packageFile } from '../../shared/own-files.ts'
import { FAULT, PROBLEMS, type ProblemName } from '../problem.ts'
import { problem } from './answers.ts'
import { json, PUBLISHED, type Answer, type Body, type Question } from './question.ts'
import type { Served, Service } from './service.ts'

type Schema = Readonly<Record<string, unknown>>

/** What any question may meet. */
const ALWAYS: readonly ProblemName[] = ['InvalidOptionError', 'NodeClosedError']

const PARAMS: Readonly<Record<string, string>> = {
  part: 'the id of a task, or any part of it that fits no other'
}

const MEDIA: Readonly<Record<Exclude<Answer['as'], 'nothing'>, string>> = {
  json: 'application/json',
  lines: 'application/x-ndjson',
  text: 'text/plain',
  bytes: 'application/json'
}

const DOCUMENT: Question = {
  summary: 'This document',
  answers: [json(z.looseObject({ openapi: z.literal('3.1.0') }), 'the document')]
}

/** Answers with the document of all that has been added to the service by the time it is asked for. */
export function serveDocument(service: Service): void {
  let text: string | null = null
  service.add('get', '/v1/openapi.json', DOCUMENT, c => {
    text ??= JSON.stringify(documentOf(service.served))
    return c.body(text, 200, { 'content-type': 'application/json' })
  })
}

function documentOf(served: readonly Served[]): Schema {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const each of served) {
    const path = each.path.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] ??= {}
    paths[path][each.method] = operationOf(each)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'hearsay: the local API of a node',
      version: '1',
      description:
        'HTTP over the Unix socket api.sock in the data folder of a node. Whatever goes wrong is answered with a ' +
        'problem: a name to test for, a message, and advice.'
    },
    servers: [{ url: 'http://localhost', description: 'through the socket, whatever the host' }],
    paths,
    components: { schemas: { problem: schemaOf(problem, 'output'), ...publishedSchemas() } }
  }
}

/** Each by its name, and what it defines for itself by that name and its own. */
function publishedSchemas(): Record<string, Schema> {
  const schemas = PUBLISHED.flatMap((name): [string, Schema][] => {
    const text = readFileSync(packageFile(`config/schemas/${name}.json`), 'utf8')
    const moved = text.replaceAll('"#/$defs/', `"#/components/schemas/${name}.`)
    const { $schema: _, $defs = {}, ...schema } = JSON.parse(moved) as Schema
    const own = Object.entries($defs as Record<string, Schema>)
    return [[name, schema], ...own.map(([def, of]): [string, Schema] => [`${name}.${def}`, of])]
  })
  return Object.fromEntries(schemas)
}

function operationOf({ method, path, question }: Served): Schema {
  const { summary, params = {}, query, body, answers } = question
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name!)
  const inPath = names.map(name => ({
    name,
    in: 'path',
    required: true,
    description: params[name] ?? PARAMS[name],
    schema: { type: 'string' }
  }))
  return {
    operationId: idOf(method, path),
    summary,
    parameters: [...inPath, ...(query === undefined ? [] : queryOf(query))],
    ...(body === undefined ? {} : { requestBody: bodyOf(body) }),
    responses: { ...Object.fromEntries(answers.map(responseOf)), ...problemsOf(question) }
  }
}

/** `post /v1/tasks/:part/cancel` is `postTasksCancel`. */
function idOf(method: string, path: string): string {
  const words = path
    .split(/[/.]/)
    .slice(2)
    .filter(part => part !== 'json')
    .map(part => part.replace(/^:/, 'by-'))
    .flatMap(part => part.split('-'))
  return method + words.map(word => word.charAt(0).toUpperCase() + word.slice(1)).join('')
}

/** Values of a query are texts; they are shown as what they are read as. */
function queryOf(query: z.ZodType): Schema[] {
  const read = schemaOf(query, 'output')
  const given = schemaOf(query, 'input')
  const required = (given['required'] ?? []) as readonly string[]
  return Object.entries((read['properties'] ?? {}) as Record<string, Schema>).map(
    ([name, schema]) => ({ name, in: 'query', required: required.includes(name), schema })
  )
}

function bodyOf(body: Body<unknown>): Schema {
  if (body.as === 'json') {
    const content = { [MEDIA.json]: { schema: schemaOf(body.schema, 'input') } }
    return { required: true, content }
  }
  const { what, shape } = body
  const schema = shape === undefined ? {} : schemaOf(shape, 'input')
  return { required: true, description: what, content: { [MEDIA[body.as]]: { schema } } }
}

function responseOf({ status, what, as, shape }: Answer): [string, Schema] {
  if (as === 'nothing') return [String(status), { description: what }]
  const schema = shape === undefined ? {} : schemaOf(shape, 'output')
  return [String(status), { description: what, content: { [MEDIA[as]]: { schema } } }]
}

/** By status: which problems it may be. */
function problemsOf({ problems = [], body }: Question): Record<string, Schema> {
  const bounded: ProblemName[] = body?.bytesMax === undefined ? [] : ['TooLargeError']
  const names = [...new Set([...ALWAYS, ...bounded, ...problems])]
  const byStatus = Map.groupBy(names, name => PROBLEMS[name].status)
  const content = { [MEDIA.json]: { schema: { $ref: '#/components/schemas/problem' } } }
  const known = [...byStatus].map(([status, those]): [string, Schema] => {
    const description = those.map(name => `${name}: ${PROBLEMS[name].advice}`).join('. ')
    return [String(status), { description, content }]
  })
  return Object.fromEntries([
    ...known,
    [String(FAULT.status), { description: `A fault of hearsay: ${FAULT.advice}`, content }]
  ])
}

function schemaOf(shape: z.ZodType, io: 'input' | 'output'): Schema {
  const { $schema: _, ...schema } = z.toJSONSchema(shape, { io }) as Schema
  return schema
}
