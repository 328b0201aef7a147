/**
 * Checks a payload against the schema that its handler comes with: any Standard Schema (https://standardschema.dev).
 *
 * A handler of a module carries it as a property, `handler.schema`; one that is a function of the program may be
 * registered with it. The handler is given what the schema makes of the payload, so defaults are filled in and dates
 * are dates.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { PayloadRejectedError } from '../shared/errors.ts'
import type { Handler } from '../ports/handler.ts'
import { describe } from './description.ts'

/** A payload may be wrong in any number of places. */
const ISSUES_SHOWN_MAX = 3

/** The schema that a handler carries, if it does. */
export function schemaOf(handler: Handler): StandardSchemaV1 | null {
  const schema: unknown = (handler as { schema?: unknown }).schema
  const standard = (schema as Partial<StandardSchemaV1> | null | undefined)?.['~standard']
  return typeof standard?.validate === 'function' ? (schema as StandardSchemaV1) : null
}

/**
 * What the schema makes of a payload.
 *
 * @throws PayloadRejectedError
 */
export async function validated(
  type: string,
  schema: StandardSchemaV1 | null,
  payload: unknown
): Promise<unknown> {
  if (schema === null) return payload
  const result = await validate(type, schema, payload)
  if (result.issues === undefined) return result.value
  const shown = result.issues.slice(0, ISSUES_SHOWN_MAX).map(issueText)
  const more = result.issues.length - shown.length
  if (more > 0) shown.push(`and ${more} more`)
  throw new PayloadRejectedError(`${type} does not take this payload: ${shown.join('; ')}`)
}

/** Why the schema refuses a payload, JSON text; null if it does not. */
export async function refusalOf(
  type: string,
  schema: StandardSchemaV1,
  payload: string
): Promise<string | null> {
  try {
    await validated(type, schema, JSON.parse(payload))
    return null
  } catch (error) {
    return describe(error).message
  }
}

async function validate(
  type: string,
  schema: StandardSchemaV1,
  payload: unknown
): Promise<StandardSchemaV1.Result<unknown>> {
  try {
    return await schema['~standard'].validate(payload)
  } catch (error) {
    const { name, message } = describe(error)
    throw new PayloadRejectedError(`the schema of ${type} failed: ${name}: ${message}`)
  }
}

function issueText({ path = [], message }: StandardSchemaV1.Issue): string {
  const place = path.map(part => String(typeof part === 'object' ? part.key : part)).join('.')
  return place === '' ? message : `${place}: ${message}`
}
